"""Be the command `validate`: record a venue for hours, and score what was predicted against what came.

It reads the venue itself, and keeps what it reads in the live data directory, which it has to itself
meanwhile. A Liqwatch that runs keeps that directory: then another one is named with --data-dir.
"""

import argparse
import asyncio
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from adapters.coverage import coverage
from adapters.live import LiveSource
from adapters.live_venue import Pace
from adapters.titles import title
from bot import logs
from bot.live.archive import StoreArchive
from bot.live.scale import scale_of
from bot.sources import NATIVE
from bot.truth.place import market_opened
from bot.validating.journal import Journal, Line, Wish
from bot.validating.models import MODEL, Models
from bot.validating.recording import GRACE_S, Recording
from bot.validating.scoring import summary
from config.settings import Settings
from engine.errors import UserError
from engine.zones import ZoneParams

EXAMPLE = "liqwatch validate --venue hyperliquid --hours 24 --symbols BTC,ETH"
MOST_HOURS = 24.0 * 31
INTERRUPTED = 130


def wish_of(given: argparse.Namespace, settings: Settings) -> Wish:
    """Return what was asked for on the command line; raise UserError for what cannot be."""
    venue = given.venue.strip().lower()
    if venue not in NATIVE:
        raise UserError(
            f"{given.venue!r} is no venue that can be read; there are: {', '.join(NATIVE)}.", example=EXAMPLE
        )
    if not 0.0 < given.hours <= MOST_HOURS:
        raise UserError(f"--hours {given.hours:g} is not above 0 and up to {MOST_HOURS:g}.", example=EXAMPLE)
    return Wish(venue=venue, symbols=settings.source.symbols, hours=given.hours)


def validate(given: argparse.Namespace, settings: Settings) -> int:
    """Record and score what was asked for; print what came out in plain words."""
    wish = wish_of(given, settings)
    logs.configure(level=settings.log.level.value, form=settings.log.format.value)
    try:
        journal, line = asyncio.run(_validated(wish, settings))
    except KeyboardInterrupt:
        sys.stderr.write("Stopped. What was recorded is kept; the same command goes on with it.\n")
        return INTERRUPTED
    sys.stdout.writelines(f"{sentence}\n" for sentence in line["says"])
    sys.stdout.write(f"Everything is in {journal.path}\n")
    return 0


async def _validated(wish: Wish, settings: Settings) -> tuple[Journal, Line]:
    directory = settings.storage.directory("live")
    async with market_opened(settings, directory) as store:
        source = LiveSource(
            [NATIVE[wish.venue](settings)],
            wish.symbols,
            StoreArchive(store),
            pace=Pace(open_s=settings.source.start_within_s),
        )
        journal = await asyncio.to_thread(opened, directory, wish, source.now_ms)
        if journal.until_ms > source.now_ms():
            sys.stderr.write(_begins(journal))
            try:
                await source.open()
                models = models_of(journal.wish, source.symbols, settings)
                await Recording(source, store, journal, models, grace_s=GRACE_S).run()
            finally:
                await source.aclose()
    line = await asyncio.to_thread(summary, journal, ZoneParams())
    await asyncio.to_thread(journal.write, line)
    return journal, line


def opened(directory: Path, wish: Wish, now_ms: Callable[[], int]) -> Journal:
    """Return the run that a wish goes on with, or a new one. Raise DataError. Not for the event loop."""
    found = Journal.unfinished(directory, wish)
    if found is not None:
        return found
    return Journal.begun(directory, wish, now_ms(), model=MODEL, coverage=coverage(wish.venue).sentence)


def models_of(wish: Wish, symbols: tuple[str, ...], settings: Settings) -> dict[str, Models]:
    """Return the models of the symbols that the venue trades."""
    params = ZoneParams()
    return {
        symbol: Models(wish.venue, symbol, usd_scale=scale_of(symbol, settings.calibration), params=params)
        for symbol in symbols
    }


def _begins(journal: Journal) -> str:
    wish, until = journal.wish, datetime.fromtimestamp(journal.until_ms / 1000, UTC)
    return (
        f"Recording {', '.join(wish.symbols)} of {title(wish.venue)} until {until:%Y-%m-%d %H:%M} UTC into "
        f"{journal.path}. {coverage(wish.venue).sentence}\n"
    )
