"""Time the engine: whole histories through each preset, one live candle, a cold restart, memory.

Medians of several runs in one process, on a made market: a walk of prices, volumes and open interest. Beside
them the time that it takes to write as much memory, and the same candles through one object per lot in
plain Python (the tests' oracle), which is how such maps are usually made.
"""

import importlib.util
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from bench.market import market
from bench.runner import Outcome
from bot.live.book import COLUMN_DAYS, Book, Place
from bot.live.columns import columns_days
from bot.live.keeper import ZONE_DAYS
from bot.live.making import COLUMNS_MB
from bot.live.window import Window, window_grid
from bot.render.compose import scene_of
from bot.render.fonts import find_faces
from bot.render.heatmap import draw
from bot.render.request import HeatmapRequest
from engine.heatmap import Heatmap
from engine.heatmap import run as run_all
from engine.model import DAY_MS, STEP_MS
from engine.presets import PRESETS, Preset
from engine.zones import ZoneBook, ZoneParams

BINS = 500
COUNTS = (1_000, 10_000, 100_000)
MIB = 1 << 20
SERIES, FED, QUICK_FED = 200, 200, 2
RESTART_DAYS = 30
THREADS = 2
LIVE = 500
GOALS = {"1000": 2.0, "10000": 20.0, "100000": 250.0}
ORACLE = Path(__file__).parents[1] / "tests" / "engine" / "oracle.py"


def timed_ms(work: Callable[[], object], repeats: int) -> float:
    """Return the median time of some work, in ms, after one run that does not count."""
    work()
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        times.append((time.perf_counter() - began) * 1e3)
    return median(times)


def histories(*, quick: bool) -> dict[str, float]:
    """Return the times of whole histories through each preset, in ms."""
    figures = {}
    for count in COUNTS:
        candles = market(count)
        repeats = 3 if quick or count == COUNTS[-1] else 9
        for name, preset in PRESETS.items():
            work = partial(run_all, candles, preset, BINS)
            figures[f"{name}_{count}_ms"] = timed_ms(work, repeats)
    return figures


def write_floor_ms(count: int) -> float:
    """Return how long it takes to write the output of so many candles once, in ms."""
    return timed_ms(lambda: np.ones((2, count, BINS), np.float32), 5)


def oracle_ms(count: int) -> float | None:
    """Return the time of one object per lot, in ms; None where the tests are not there."""
    if not ORACLE.exists():
        return None
    spec = importlib.util.spec_from_file_location("oracle", ORACLE)
    if spec is None or spec.loader is None:
        return None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    candles, reference = market(count), module.Oracle(PRESETS["flow"])
    names = ("ts", "open", "high", "low", "close", "volume", "quote_volume", "open_interest")
    rows = zip(*(getattr(candles, name).tolist() for name in names), strict=True)
    began = time.perf_counter()
    for row in rows:
        reference.feed(dict(zip(names, row, strict=True)))
    return (time.perf_counter() - began) * 1e3


def live_us() -> dict[str, float]:
    """Return the time of one candle into a warm book, in microseconds.

    With its zones followed; without them; and with them and what happened to them made into objects.
    """
    candles = market(30 * DAY_MS // STEP_MS + 2 * LIVE)
    warm = len(candles) - 2 * LIVE
    heatmap, zones = Heatmap(PRESETS["flow"]), ZoneBook("bench", "BTCUSDT", ZoneParams())
    for at in range(0, warm, 512):
        block = candles[slice(at, min(at + 512, warm))]
        zones.feed(heatmap.feed(block), block)
    fed, followed, shown = [], [], []
    for at in range(warm, warm + LIVE):
        one = candles[slice(at, at + 1)]
        began = time.perf_counter()
        columns = heatmap.feed(one)
        fed.append(time.perf_counter() - began)
        events = zones.feed(columns, one)
        followed.append(time.perf_counter() - began)
        if zones.current is not None:
            events.all()
        shown.append(time.perf_counter() - began)
    return {
        "live_candle_us": median(followed) * 1e6,
        "live_candle_without_zones_us": median(fed) * 1e6,
        "live_candle_as_objects_us": median(shown) * 1e6,
    }


def cold_restart_s(series: int) -> tuple[float, float]:
    """Return the seconds that `series` books of 30 days take on two threads, and a picture of the first.

    Zones are followed from the day on from which a cold start follows them.
    """
    candles = market(RESTART_DAYS * DAY_MS // STEP_MS)
    zones_from = int(candles.ts[-1]) - ZONE_DAYS * DAY_MS
    days = columns_days(SERIES, width=PRESETS["flow"].width, megabytes=COLUMNS_MB, most=COLUMN_DAYS)

    def feed(number: int) -> Book:
        place = Place(
            venue="bench",
            symbol=f"S{number}USDT",
            preset=PRESETS["flow"],
            usd_scale=1.0,
            zones=ZoneParams(),
            column_days=days,
        )
        book = Book(place)
        book.feed(candles, zones_from=zones_from)
        return book

    _drawn(feed(0))
    began = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        first, *_ = list(pool.map(feed, range(series)))
    fed = time.perf_counter()
    _drawn(first)
    return fed - began, time.perf_counter() - fed


def _drawn(book: Book) -> bytes:
    """Return the picture of a book's last day."""
    view = book.view()
    if view is None:
        raise RuntimeError("a book that was fed has a view")
    window_ms, now_ms = DAY_MS, view.candle_ts + STEP_MS
    grid = window_grid(book, view, Window(window_ms=window_ms, bins=600, max_cols=1200))
    request = HeatmapRequest.of(view, now_ms=now_ms, window_ms=window_ms, window_label="24h")
    return draw(scene_of(request, grid), find_faces())


_LOADED = """
import re, time
from pathlib import Path
def mib():
    return int(re.search(r"VmRSS:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024
import numpy as np
before, began = mib(), time.perf_counter()
from bench.market import market
from engine.heatmap import Heatmap
from engine.presets import PRESETS
Heatmap(PRESETS["flow"]).feed(market(100))
print((time.perf_counter() - began) * 1e3, mib() - before)
"""


def compiler_costs() -> dict[str, float]:
    """Return what the engine costs a process at its start, in ms and MiB, with its compilation cached."""
    millis, mib = (float(part) for part in _elsewhere(_LOADED).split())
    return {"start_engine_ms": millis, "start_engine_mb": mib}


def peak(preset: Preset, count: int) -> tuple[float, float]:
    """Return the memory that one history takes at most, in MiB, and that over the size of its output."""
    candles = market(count)
    run_all(candles[:100], preset, BINS)
    before = _highest_mb()
    run_all(candles, preset, BINS)
    used_mb = _highest_mb() - before
    return used_mb, used_mb / (2 * count * BINS * 4 / MIB)


def _highest_mb() -> float:
    """Return the most memory this process has had, in MiB."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def peak_elsewhere() -> tuple[float, float]:
    """Return `peak` of the longest history, measured in a process of its own."""
    script = (
        "from bench.engine import COUNTS, peak; from engine.presets import PRESETS; "
        "print(*peak(PRESETS['flow'], COUNTS[-1]))"
    )
    used_mb, ratio = _elsewhere(script).split()
    return float(used_mb), float(ratio)


def _elsewhere(script: str) -> str:
    """Return what a script prints in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return done.stdout


def run(*, quick: bool) -> Outcome:
    """Measure everything; `cold_restart_200_s` feeds a few series and multiplies."""
    figures = histories(quick=quick)
    figures |= live_us()
    fed = QUICK_FED if quick else FED
    feeding_s, drawing_s = cold_restart_s(fed)
    figures["cold_restart_200_s"] = feeding_s * SERIES / fed + drawing_s
    figures["peak_mb"], figures["peak_ratio"] = peak_elsewhere()
    figures["memory_write_floor_100000_ms"] = write_floor_ms(COUNTS[-1])
    figures |= compiler_costs()
    slow = oracle_ms(COUNTS[0])
    if slow is not None:
        figures["oracle_1000_ms"] = slow
    goals = {f"{name}_{count}_ms": goal for name in ("flow", "leverage") for count, goal in GOALS.items()}
    goals |= {"live_candle_us": 50.0, "cold_restart_200_s": 10.0, "peak_ratio": 1.5}
    units = {name: name.rsplit("_", 1)[-1] for name in figures}
    units |= {"start_engine_mb": "MiB", "peak_ratio": "x output", "peak_mb": "MiB"}
    units["cold_restart_200_s"] = f"s ({fed} of {SERIES} fed)"
    return {"figures": figures, "units": units, "goals": goals}
