"""Draw pictures in a process of its own: `python -m bot.render.worker [FONT_FOLDER]`.

Reads frames from standard input (eight bytes of length, then a pickled scene) and answers each with a frame
on standard output: one byte, 1 for a PNG or 0 for the text of an error, then the bytes. It leaves when its
input ends, even in the middle of a picture, and so never outlives the process that started it.
"""

import os
import pickle  # both ends of the pipe are this program, and the pipe is theirs alone
import signal
import struct
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import Any, BinaryIO

from bot.render.cascade import draw_cascade
from bot.render.film import draw_film
from bot.render.fonts import Faces, find_faces
from bot.render.heatmap import draw
from bot.render.liquidations import draw_liquidations
from bot.render.market_card import draw_market_card
from bot.render.panels import draw_panels
from bot.render.scene import (
    CascadeScene,
    FilmScene,
    LiquidationsScene,
    MarketScene,
    PanelsScene,
    Scene,
    Sheet,
    ZonesScene,
)
from bot.render.zones_card import draw_zones_card
from engine.lang import ENGLISH, Speech, speaking

LENGTH = struct.Struct(">Q")
DRAWN = b"\x01"
FAILED = b"\x00"
KINDS: dict[type[Sheet], Callable[[Any, Faces], bytes]] = {
    Scene: draw,
    FilmScene: draw_film,
    CascadeScene: draw_cascade,
    LiquidationsScene: draw_liquidations,
    ZonesScene: draw_zones_card,
    PanelsScene: draw_panels,
    MarketScene: draw_market_card,
}
"""What draws which scene."""


def read_frame(stream: BinaryIO) -> bytes | None:
    """Return the next frame, or None at the end of input."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    size = LENGTH.unpack(head)[0]
    body = stream.read(size)
    return body if len(body) == size else None


def write_frame(stream: BinaryIO, body: bytes) -> None:
    """Write one frame."""
    stream.write(LENGTH.pack(len(body)))
    stream.write(body)
    stream.flush()


def answer(job: bytes, faces: Faces) -> bytes:
    """Return the answer to one job: a PNG, or why there is none."""
    try:
        language, scene = pickle.loads(job)  # noqa: S301 (see the import)
        with speaking(_speech(language)):
            return DRAWN + KINDS[type(scene)](scene, faces)
    except Exception:  # noqa: BLE001 (the edge of the process: the error belongs to whoever asked)
        return FAILED + traceback.format_exc(limit=-4).encode()


def _speech(language: str) -> Speech:
    """Return the language of a picture; what other languages take is loaded with the first of them."""
    if language == ENGLISH.code:
        return ENGLISH
    from bot.lang import speech_of

    return speech_of(language)


def serve(jobs: BinaryIO, answers: BinaryIO, faces: Faces) -> None:
    """Answer jobs until the input ends, then leave the process at once."""
    waiting: SimpleQueue[bytes] = SimpleQueue()

    def listen() -> None:
        while (job := read_frame(jobs)) is not None:
            waiting.put(job)
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    while True:
        write_frame(answers, answer(waiting.get(), faces))


def main() -> None:
    """Serve standard input; whatever is printed by accident goes to standard error."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    serve(sys.stdin.buffer, answers, find_faces(folder))


if __name__ == "__main__":
    main()
