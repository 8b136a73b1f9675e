"""Time cryptofeed's parsers on the same frames, where it is installed: in an environment of its own.

CRYPTOFEED_PYTHON names that environment's Python; cryptofeed is no part of Liqwatch. It has no
adapter for Hyperliquid and reads neither Bybit's newer liquidations nor OKX's from a stream: of those two
only prices are compared.
"""

import json
import os
import statistics
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from bench.ingest_frames import Frame, Venue

SETTING = "CRYPTOFEED_PYTHON"
CRYPTOFEED = "cryptofeed"
VENUES = ("binance", "bybit", "okx")
SCRIPT = Path(__file__).with_name("cryptofeed_parsers.py")
LIMIT_S = 300.0


def compared(known: Sequence[Venue], count: int) -> tuple[dict[str, float | None], str]:
    """Return frames parsed a second by cryptofeed and, of the same frames, by Liqwatch; else why not."""
    given = {venue.name: _frames(venue, count) for venue in known if venue.name in VENUES}
    names = {name: f"{CRYPTOFEED}_{name}_parsed_per_s" for name in VENUES}
    python = os.environ.get(SETTING, "")
    if not python:
        return dict.fromkeys(names.values()), f"{SETTING} names no Python that has cryptofeed"
    try:
        done = subprocess.run(
            [python, "-P", str(SCRIPT)],
            input=json.dumps({name: [text for text, _ in frames] for name, frames in given.items()}),
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=True,
        )
        found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError) as error:
        return dict.fromkeys(names.values()), f"cryptofeed did not run: {type(error).__name__}"
    figures: dict[str, float | None] = {names[name]: found.get(name) for name in VENUES}
    for venue in known:
        if venue.name in given:
            figures[f"{CRYPTOFEED}_{venue.name}_frames_here_per_s"] = _per_s(venue, given[venue.name])
    return figures, ""


def _per_s(venue: Venue, frames: list[Frame]) -> float:
    """Return frames a second, the median of five times."""
    rates = []
    for _ in range(5):
        began_s = time.perf_counter()
        for frame in frames:
            venue.read(frame)
        rates.append(len(frames) / (time.perf_counter() - began_s))
    return statistics.median(rates)


def _frames(venue: Venue, count: int) -> list[Frame]:
    """Return frames that both read: cryptofeed wants an id of every Binance trade, which older ones lack."""
    if venue.name != "binance":
        return venue.repeated(venue.trades, count // 2)
    trades = venue.repeated(tuple(each for each in venue.trades if "a" in each["data"]), count // 2)
    pairs = zip(trades, venue.repeated(venue.liquidations, count // 2), strict=True)
    return [frame for pair in pairs for frame in pair]
