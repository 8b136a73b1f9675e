"""Measure in a process of its own, at the lowest priority: `python -m bot.truth.worker`.

Reads one frame from standard input (eight bytes of length, then a packed task) and answers with one frame of
JSON on standard output: the report, or why there is none. It leaves when its input ends, even in the
middle of the work, and so never outlives the process that started it.
"""

import io
import json
import os
import signal
import struct
import sys
import threading
from dataclasses import asdict
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from engine.accuracy import measure
from engine.errors import DataError
from engine.model import CANDLE_FIELDS, Candles
from engine.presets import EntryPoint, Fuel, Level, Lifetime, Preset, Sides, Unit
from engine.scoring.predict import VenueBars
from engine.task import Reported, Task
from engine.zones import ZoneParams

LENGTH = struct.Struct(">Q")
LEAST_PRIORITY = 19
_PLAIN = ("symbol", "usd_scale", "from_ms", "to_ms", "seed", "shuffles")


def packed(task: Task) -> bytes:
    """Return a task as bytes: a head of JSON, then its arrays in the order in which `unpacked` reads them."""
    head = {name: getattr(task, name) for name in _PLAIN} | {
        "zones": asdict(task.zones),
        "presets": [asdict(preset) for preset in task.presets],
        "venues": [[bars.venue, bars.step_ms] for bars in task.venues],
        "reported_by": task.reported.venues,
    }
    whole = io.BytesIO()
    np.save(whole, np.frombuffer(json.dumps(head).encode(), np.uint8), allow_pickle=False)
    np.save(whole, task.reported.hour, allow_pickle=False)
    np.save(whole, task.reported.usd, allow_pickle=False)
    for bars in task.venues:
        for name in CANDLE_FIELDS:
            np.save(whole, getattr(bars.candles, name), allow_pickle=False)
    return whole.getvalue()


def unpacked(body: bytes) -> Task:
    """Return the task that `packed` gave."""
    stream = io.BytesIO(body)

    def array() -> npt.NDArray[Any]:
        return np.asarray(np.load(stream, allow_pickle=False))

    head = json.loads(array().tobytes())
    reported = Reported(hour=array(), usd=array(), venues=tuple(head["reported_by"]))
    venues = tuple(
        VenueBars(venue=venue, step_ms=step_ms, candles=Candles(**{name: array() for name in CANDLE_FIELDS}))
        for venue, step_ms in head["venues"]
    )
    return Task(
        venues=venues,
        reported=reported,
        presets=tuple(_preset(parts) for parts in head["presets"]),
        zones=ZoneParams(**head["zones"]),
        **{name: head[name] for name in _PLAIN},
    )


def _preset(parts: dict[str, Any]) -> Preset:
    made = {
        "unit": Unit(parts["unit"]),
        "fuel": Fuel(parts["fuel"]),
        "sides": Sides(parts["sides"]),
        "entry": tuple(EntryPoint(**point) for point in parts["entry"]),
        "levels": tuple(Level(**level) for level in parts["levels"]),
        "lifetimes": tuple(Lifetime(**life) for life in parts["lifetimes"]),
    }
    return Preset(**(parts | made))


def answer(body: bytes) -> bytes:
    """Return the answer to a packed task."""
    try:
        found: dict[str, Any] = {"report": measure(unpacked(body)).report.to_dict()}
    except DataError as error:
        found = {"refused": str(error)}
    return json.dumps(found).encode()


def read_frame(stream: BinaryIO) -> bytes | None:
    """Return the frame, or None where the input ends before it does."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    size = LENGTH.unpack(head)[0]
    body = stream.read(size)
    return body if len(body) == size else None


def leave_with(stream: BinaryIO) -> None:
    """Leave the process as soon as a stream ends."""

    def listen() -> None:
        stream.read()
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()


def main() -> None:
    """Answer standard input once; whatever is printed by accident goes to standard error."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    os.nice(LEAST_PRIORITY)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    body = read_frame(sys.stdin.buffer)
    if body is None:
        return
    leave_with(sys.stdin.buffer)
    found = answer(body)
    answers.write(LENGTH.pack(len(found)) + found)
    answers.flush()
    os._exit(0)  # the thread that waits for the input to end cannot be joined


if __name__ == "__main__":
    main()
