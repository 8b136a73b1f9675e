"""Open the data directory that imports and measurements work on, for one command at a time."""

import contextlib
import re
from collections.abc import AsyncIterator
from pathlib import Path

from bot.lock import DirectoryLock
from config.kinds import SourceChoice
from config.settings import Settings
from engine.errors import UserError
from engine.symbols import canonical
from storage.market import Limits, MarketStore
from storage.truth import TruthStore

_PATIENT = Limits(memory_mb=512, timeout_s=600.0)
_SYMBOL = re.compile(r"[^\W_]{2,24}")
_VENUE = re.compile(r"[a-z0-9][a-z0-9_-]{0,23}")
_QUOTED = ("USDT", "USDC", "USD")


def directory_of(settings: Settings) -> Path:
    """Return the directory to work on: the live one where Liqwatch ran live or is to, else the replay's."""
    kind = settings.source.kind
    if kind is SourceChoice.AUTO:
        ran_live = settings.storage.directory("live").is_dir()
        kind = SourceChoice.LIVE if ran_live or settings.chat.has_token else SourceChoice.REPLAY
    return settings.storage.directory(kind.value)


@contextlib.asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[TruthStore]:
    """Hold what belongs to accuracy in the directory's market store while the context lasts.

    Raise AlreadyRunning where Liqwatch serves the directory: it has the store to itself.
    """
    async with market_opened(settings) as store:
        yield TruthStore(store)


@contextlib.asynccontextmanager
async def market_opened(settings: Settings, directory: Path | None = None) -> AsyncIterator[MarketStore]:
    """Hold a directory and its market store while the context lasts; raise AlreadyRunning like `opened`.

    Where none is named it is that of `directory_of`.
    """
    directory = directory or directory_of(settings)
    lock = DirectoryLock(directory)
    lock.acquire()
    try:
        store = await MarketStore.open(directory / "market.duckdb", _PATIENT)
        try:
            yield store
        finally:
            await store.close()
    finally:
        lock.release()


def symbol_named(text: str) -> str:
    """Return the canonical symbol of what was typed: btc, BTC/USDT and BTCUSDT; 1000pepe is PEPEUSDT."""
    return canonical(market_named(text))


def market_named(text: str) -> str:
    """Return a market as it was typed, in capitals, with its quote; raise UserError for what is none."""
    symbol = re.sub(r"[-_/.:]", "", text.strip().upper())
    if symbol and not symbol.endswith(_QUOTED):
        symbol += "USDT"
    if not _SYMBOL.fullmatch(symbol):
        raise UserError(f"{text!r} is not a symbol.", example="liqwatch import binance BTCUSDT bars.csv")
    return symbol


def venue_named(text: str) -> str:
    """Return the name of a venue in small letters."""
    venue = text.strip().lower()
    if not _VENUE.fullmatch(venue):
        raise UserError(
            f"{text!r} is not the name of a venue: letters and digits, 24 at most.",
            example="liqwatch import binance BTCUSDT bars.csv",
        )
    return venue
