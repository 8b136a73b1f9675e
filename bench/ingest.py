"""Measure ingest: frames parsed and stored a second, and how long one takes until every rule has seen it.

One core each: parsing is a plain loop; what is stored goes through the same queue, recorder and archive as in
the product, into DuckDB on disk. The frames are those of `ingest_frames`.
"""

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from adapters.dedup import Once
from adapters.live_archive import Kept, Recorder
from adapters.stream.queue import Delivered, EventQueue
from bench.ingest_frames import Frame, Venue, venues
from bench.ingest_latency import Evaluated, evaluated
from bench.ingest_other import CRYPTOFEED, compared
from bench.ingest_query import query_ratio
from bench.runner import Outcome
from bot.live.archive import StoreArchive
from engine.errors import LiqwatchError
from engine.model import Liquidation
from storage.market import MarketStore
from storage.venues import VenueStore

PARSED, STORED, P99_MS = 50_000.0, 20_000.0, 10.0
SAME = 1.0
"""A query for one venue should take as long as the same for all, or less."""
RATE = 2_000
"""Frames a second while latency is measured."""
RULES = 300


def run(*, quick: bool) -> Outcome:
    """Measure; `quick` takes fewer frames and less time."""
    count = 5_000 if quick else 20_000
    known = venues()
    figures: dict[str, float | None] = {}
    for venue in known:
        figures[f"{venue.name}_parsed_per_s"] = _parsed_per_s(venue, count)
    for venue in known:
        figures[f"{venue.name}_stored_per_s"] = asyncio.run(_stored_per_s(venue, count))
    figures["parsed_per_s"] = _least(figures, "_parsed_per_s")
    figures["stored_per_s"] = _least(figures, "_stored_per_s")
    found = asyncio.run(evaluated(rate=RATE, seconds=3.0 if quick else 10.0, rules=RULES))
    figures |= _latency(found)
    figures["one_venue_query_ratio"] = query_ratio(rows=20 * count, times=9 if quick else 25)
    others, why = compared(known, count)
    figures |= others
    return {
        "figures": figures,
        "units": {name: _unit(name) for name in figures},
        "goals": {name: goal for name in figures if (goal := _goal(name)) is not None},
        "notes": {name: why for name in others if why},
    }


def _least(figures: dict[str, float | None], ending: str) -> float:
    """Return the slowest venue's figure."""
    return min(value for name, value in figures.items() if name.endswith(ending) and value is not None)


def _latency(found: Evaluated) -> dict[str, float | None]:
    return {
        "frame_to_rule_p99_ms": found.p99_ms,
        "frame_to_rule_median_ms": found.median_ms,
        "frames_per_s": found.per_s,
        "evaluated_share": found.share,
    }


def _unit(name: str) -> str:
    if name.endswith("ratio"):
        return "x that of all"
    return "1/s" if name.endswith("per_s") else "ms" if name.endswith("ms") else ""


def _goal(name: str) -> float | None:
    """Return what a figure should be; cryptofeed's have no goal."""
    if name.startswith(CRYPTOFEED):
        return None
    if name.endswith("parsed_per_s"):
        return PARSED
    if name.endswith("stored_per_s"):
        return STORED
    return {"frame_to_rule_p99_ms": P99_MS, "one_venue_query_ratio": SAME}.get(name)


def _parsed_per_s(venue: Venue, count: int) -> float:
    """Return frames parsed a second, trades and liquidations in turn: the median of five times."""
    pairs = zip(
        venue.repeated(venue.trades, count // 2),
        venue.repeated(venue.liquidations, count // 2),
        strict=True,
    )
    frames = [frame for pair in pairs for frame in pair]
    rates = []
    for _ in range(5):
        began_s = time.perf_counter()
        events = sum(bool(venue.read(frame).events) for frame in frames)
        rates.append(len(frames) / (time.perf_counter() - began_s))
        if events != len(frames):
            raise LiqwatchError(f"{venue.name}: {len(frames) - events} of {len(frames)} frames held nothing.")
    return statistics.median(rates)


async def _stored_per_s(venue: Venue, count: int) -> float:
    """Return liquidation frames a second from text to rows on disk."""
    frames = venue.repeated(venue.liquidations, count)
    with tempfile.TemporaryDirectory() as directory:
        store = await MarketStore.open(Path(directory) / "market.duckdb")
        try:
            began_s = time.perf_counter()
            await _through(venue, frames, store)
            took_s = time.perf_counter() - began_s
            kept = len(await VenueStore(store).liquidations())
        finally:
            await store.close()
    if kept != count:
        raise LiqwatchError(f"{venue.name}: {count} liquidations were given, {kept} are kept.")
    return count / took_s


async def _through(venue: Venue, frames: list[Frame], store: MarketStore) -> None:
    """Bring frames to disk the way that live ones go."""
    queue, once = EventQueue(), Once()
    recorder = Recorder(StoreArchive(store), pause_s=0.0)

    async def pump() -> None:
        while (item := await queue.get()) is not None:
            if isinstance(item, Delivered) and isinstance(item.event, Liquidation):
                kept: Kept = item.event
                recorder.add(kept)

    pumping, writing = asyncio.create_task(pump()), asyncio.create_task(recorder.run())
    for number, frame in enumerate(frames):
        for event in once.new(venue.read(frame).events):
            await queue.put(Delivered(event=event))
        if number % 50 == 0:  # a socket gives up the loop as often
            await asyncio.sleep(0)
    queue.close()
    await pumping
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    await recorder.flush(60.0)
    await store.flush()
