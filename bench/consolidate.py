"""Count what 200 made traders are spared on the recorded December: messages that ring against raw fires.

A ring is a new message that makes a sound: edits and silent messages are none, digests that sound are. A
storm is a stretch in which ten fires of one trader came within ten minutes; its rings are those that came
while it lasted and those that its fires became later. Traders live in small groups, each on a store of its
own, in as many processes as there are cores; each process reads the market itself and hands back numbers.
"""

import os
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import numpy as np

from adapters.recording import load_recording
from adapters.replay import shipped_recordings
from bench.alerts import DECEMBER, Market, read_market
from bench.consolidate_count import Tally, tally
from bench.consolidate_run import Lived, live_through
from bench.consolidate_traders import STYLES, SYMBOLS, Trader, traders
from bench.runner import Outcome
from bot.live.scale import scale_of
from config.settings import load
from engine.model import DAY_MS

TRADERS, QUICK_TRADERS = 200, 12
GROUP = 5
"""How many traders share a store: queries grow with it, and so does what one process has to hold."""
QUICK_DAYS, LEARNING_DAYS = 3, 30
GOALS = {
    "reduction_pct": 70.0,
    "worst_trader_pct": 50.0,
    "storm_pct": 85.0,
    "critical_delay_s": 0.0,
    "lost": 0.0,
}
Span = tuple[int, int]


def run(*, quick: bool) -> Outcome:
    """Let the traders live through December; `quick` takes a few of them through its first days."""
    end_ms = DECEMBER[0] + QUICK_DAYS * DAY_MS if quick else DECEMBER[1]
    people = traders(QUICK_TRADERS if quick else TRADERS)
    began = time.perf_counter()
    found = crowd(people, (DECEMBER[0], end_ms), workers=os.cpu_count() or 1)
    return outcome(found, took_s=time.perf_counter() - began)


def crowd(people: Sequence[Trader], span: Span, *, workers: int) -> list[Lived[Tally]]:
    """Return what came of each group of traders in a span of the recorded market, by so many processes."""
    groups = [people[at : at + GROUP] for at in range(0, len(people), GROUP)]
    if workers == 1 or len(groups) == 1:
        return [group(each, span) for each in groups]
    with ProcessPoolExecutor(min(workers, len(groups)), mp_context=get_context("spawn")) as pool:
        return [job.result() for job in [pool.submit(group, each, span) for each in groups]]


def group(people: Sequence[Trader], span: Span) -> Lived[Tally]:
    """Let some traders live through a span, on a store that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        lived = live_through(read_markets(span), people, span, Path(folder))
    return Lived(found=[tally(told) for told in lived.found], walks=lived.walks, busy_s=lived.busy_s)


@cache
def read_markets(span: Span) -> dict[str, Market]:
    """Return both recorded markets with their zones in a span, known since a month before it."""
    with tempfile.TemporaryDirectory() as nothing:
        calibration = load(environ={}, directory=Path(nothing)).calibration
    start_ms = span[0] - LEARNING_DAYS * DAY_MS
    markets = {}
    for symbol in SYMBOLS:
        recording = load_recording(shipped_recordings() / f"{symbol}.parquet", symbol)
        scale = scale_of(symbol, calibration)
        whole = read_market(recording, start_ms=start_ms, end_ms=span[1], usd_scale=scale)
        first = int(np.searchsorted(whole.candles.ts, span[0])) - 1
        markets[symbol] = replace(whole, candles=whole.candles[first:], zones=whole.zones[first:])
    return markets


def outcome(lived: Sequence[Lived[Tally]], *, took_s: float) -> Outcome:
    """Return the figures of a crowd; what could not be measured says why."""
    told = [one for group in lived for one in group.found]
    heard = [one for one in told if one.fires]
    each = [spared_pct(one.rings, one.fires) for one in heard]
    storms = [storm for one in told for storm in one.storms]
    delays = [one.delay_ms for one in told if one.delay_ms is not None]
    walks, busy_s = sum(group.walks for group in lived), sum(group.busy_s for group in lived)
    figures: dict[str, float | None] = {
        "reduction_pct": _spared(told),
        "worst_trader_pct": min(each, default=None),
        "storm_pct": spared_pct(sum(s.rings for s in storms), sum(s.fires for s in storms))
        if storms
        else None,
        "critical_delay_s": max(delays) / 1000 if delays else None,
        "lost": sum(one.lost for one in told),
        "median_trader_pct": median(each) if each else None,
        "traders_under_50": sum(pct < GOALS["worst_trader_pct"] for pct in each),
        **{f"reduction_{style}_pct": _spared([o for o in heard if o.style == style]) for style in STYLES},
        "fires": sum(one.fires for one in told),
        "criticals": sum(one.criticals for one in told),
        "rings": sum(one.rings for one in told),
        **{
            f"rings_{what}": sum(one.rang.get(what, 0) for one in told)
            for what in ("critical", "warning", "digest")
        },
        "storms": len(storms),
        "storm_fires": sum(s.fires for s in storms),
        "decisions_per_s": walks / busy_s if busy_s else None,
        "took_s": took_s,
    }
    nothing = {name: "nothing of it fired" for name, value in figures.items() if value is None}
    more = [name for name in figures if name.endswith("_pct")]
    units = dict.fromkeys(more, "%") | {"critical_delay_s": "s", "took_s": "s"}
    return {"figures": figures, "units": units, "goals": GOALS, "notes": nothing, "more": more}


def spared_pct(rings: int, fires: int) -> float:
    """Return how many fires in a hundred did not ring; below zero where digests ring for what would not."""
    return 100.0 * (1.0 - rings / fires)


def _spared(told: Sequence[Tally]) -> float | None:
    """Return the same of several traders together; None where nothing fired."""
    fires = sum(one.fires for one in told)
    return spared_pct(sum(one.rings for one in told), fires) if fires else None
