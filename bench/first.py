"""Measure first light: start to first picture, drawing, loop lag, memory, first frame of the chart."""

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from bench.process import first_frame_ms, running
from bench.runner import Outcome
from bot.commands.reply import Caller, Front
from bot.main import Liqwatch
from config.settings import load
from engine.errors import LiqwatchError
from engine.model import UserId

GOALS = {
    "ready_s": 5.0,
    "first_picture_s": 10.0,
    "cached_ms": 20.0,
    "drawn_ms": 150.0,
    "loop_lag_p99_ms": 25.0,
    "rss_mb": 600.0,
    "chart_first_frame_ms": 700.0,
}
UNITS = {name: name.rsplit("_", 1)[1] for name in GOALS}


def run(*, quick: bool) -> Outcome:
    """Measure; `quick` repeats less often."""
    with tempfile.TemporaryDirectory() as directory:
        figures = asyncio.run(_whole_process(Path(directory), times=3 if quick else 7))
        figures |= asyncio.run(_inside(Path(directory) / "inside", pictures=24 if quick else 120))
    return {"figures": figures, "units": UNITS, "goals": {k: v for k, v in GOALS.items() if k in figures}}


async def _whole_process(directory: Path, *, times: int) -> dict[str, float]:
    """Start once cold, then warm: time to the first picture, memory with both symbols drawn, first frame."""
    async with running(directory) as app:
        await app.say("/heatmap btc")
    async with running(directory) as app:
        figures = {"ready_s": time.monotonic() - app.began}
        await app.say("/heatmap btc")
        figures["first_picture_s"] = time.monotonic() - app.began
        await asyncio.sleep(5.5)  # one user may have a picture drawn every five seconds
        await app.say("/heatmap eth")
        frame_ms = await first_frame_ms(app.port, times=times)
        figures["rss_mb"] = app.rss_mb()
        if frame_ms is not None:
            figures["chart_first_frame_ms"] = frame_ms
    return figures


async def _inside(directory: Path, *, pictures: int) -> dict[str, float]:
    """Measure drawing, the cache and the loop's lag inside one process, each picture for another user."""
    app = Liqwatch(load({"source.kind": "replay", "storage.data_dir": str(directory)}))
    await app.start(serving=False)
    try:
        if app.replay is not None:
            app.replay.pause()
        drawn = [await _answer_ms(app, f"/heatmap btc {12 + n}h", n) for n in range(pictures // 2)]
        cached = [await _answer_ms(app, "/heatmap btc 12h", 10_000 + n) for n in range(200)]
        app.lag.reset()
        lines = [f"/heatmap eth {12 + n}h" for n in range(pictures // 2)]
        for n, line in enumerate(lines):
            await _answer_ms(app, line, 20_000 + n)
        lag_ms = app.lag.p99_ms()
    finally:
        await app.stop()
    return {
        "cached_ms": statistics.median(cached),
        "drawn_ms": statistics.median(drawn),
        "loop_lag_p99_ms": lag_ms,
    }


async def _answer_ms(app: Liqwatch, line: str, user: int) -> float:
    caller = Caller(user_id=UserId(f"local:bench{user}"), front=Front.PANEL)
    began = time.perf_counter()
    reply = await app.commands.dispatch(line, caller)
    took_ms = (time.perf_counter() - began) * 1e3
    if reply.failed:
        raise LiqwatchError(f"{line} was answered: {reply.error}")
    return took_ms
