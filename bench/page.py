"""Measure the page in headless Chromium: its first frame, also on a slow processor, and frames while panning.

What is measured is the page that people open, on the shipped replay, each time in a fresh profile. The frames
are those of its own chart with 1,000 columns of 500 bins, moved a little each frame while columns come in.
"""

import asyncio
import statistics
import tempfile
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, ViewportSize, async_playwright

from bench.process import chromium, running
from bench.runner import Outcome
from engine.errors import LiqwatchError

GOALS = {"first_frame_ms": 400.0, "first_frame_slowed_ms": 900.0, "panning_frames_per_s": 60.0}
UNITS = {"first_frame_ms": "ms", "first_frame_slowed_ms": "ms", "panning_frames_per_s": "frames/s"}
SLOWED = 4.0
"""How many times slower the processor is made for the second figure, as for a cheap phone."""
DESKTOP: ViewportSize = {"width": 1440, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
TIMES = 3
SETTLE_S = 4.0
"""How long the process may finish its start before anything is measured."""
PAN_S = 4.0
PATIENCE_S = 30.0
LOOK_S = 0.02
PAN = (Path(__file__).parent / "page_pan.js").read_text(encoding="utf-8")


def run(*, quick: bool) -> Outcome:
    """Measure; `quick` pans for less long."""
    path = chromium()
    if path is None:
        notes = dict.fromkeys(GOALS, "there is no Chromium: install it or set LIQWATCH_CHROMIUM")
        return {"figures": dict.fromkeys(GOALS), "units": UNITS, "goals": GOALS, "notes": notes}
    with tempfile.TemporaryDirectory() as directory:
        figures = asyncio.run(_measured(Path(directory), path, pan_s=PAN_S / 2 if quick else PAN_S))
    return {"figures": figures, "units": UNITS, "goals": GOALS}


async def _measured(directory: Path, path: str, *, pan_s: float) -> dict[str, float | None]:
    """Open the page of a running Liqwatch again and again; medians of `TIMES`."""
    env = {"LIQWATCH_API_BURST": "100000"}
    async with running(directory, "--speed", "1", env=env) as app, async_playwright() as play:
        base = f"http://127.0.0.1:{app.port}/"
        browser = await play.chromium.launch(executable_path=path, args=FLAGS)
        await _first_frame_ms(browser, base)  # the market's first drawing is no part of the page
        await asyncio.sleep(SETTLE_S)
        first = [await _first_frame_ms(browser, base) for _ in range(TIMES)]
        slowed = [await _first_frame_ms(browser, base, slowed=SLOWED) for _ in range(TIMES)]
        frames = [await _frames_per_s(browser, base, pan_s) for _ in range(TIMES)]
        await browser.close()
    medians = (statistics.median(each) for each in (first, slowed, frames))
    return dict(zip(GOALS, medians, strict=True))


async def _first_frame_ms(browser: Browser, base: str, *, slowed: float = 1.0) -> float:
    """Return when the chart was drawn, from the moment somebody asked for the page."""
    context = await browser.new_context(viewport=PHONE if slowed > 1 else DESKTOP)
    try:
        page = await context.new_page()
        if slowed > 1:
            session = await context.new_cdp_session(page)
            await session.send("Emulation.setCPUThrottlingRate", {"rate": slowed})
        await page.goto(base, wait_until="commit")
        return await _until_drawn(page)
    finally:
        await context.close()


async def _until_drawn(page: Page) -> float:
    """Wait for the first frame; asked from outside, for the page's policy forbids waiting by a script."""
    for _ in range(round(PATIENCE_S / LOOK_S)):
        ms: Any = await page.evaluate("window.__liqwatch?.firstFrameMs ?? 0")
        if ms:
            return float(ms)
        await asyncio.sleep(LOOK_S)
    raise LiqwatchError(f"the chart drew nothing within {PATIENCE_S:.0f} s")


async def _frames_per_s(browser: Browser, base: str, pan_s: float) -> float:
    """Return how many frames a second are drawn while the chart is panned, at most the screen's 60."""
    context = await browser.new_context(viewport=DESKTOP)
    try:
        page = await context.new_page()
        await page.goto(base, wait_until="commit")
        await _until_drawn(page)
        await page.goto(base + "docs")  # no chart but the one that is measured
        return round(float(await page.evaluate(PAN, pan_s * 1000)))
    finally:
        await context.close()
