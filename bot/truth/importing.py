"""Take files in: read and check all of them first, then write them in one transaction.

A file that names its symbol must be of the one that is asked for. Where that is traded in bundles
(1000PEPEUSDT), prices become those of one coin and quantities coins, as everywhere; of a file that names no
symbol, what was typed says so.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from adapters.importer import Content, Imported, read_files
from bot.truth import heads
from engine.errors import DataError
from engine.model import STEP_MS, Ints
from engine.symbols import bundle_of, canonical
from storage.market_merge import Append
from storage.market_tables import (
    IMPORTED_CANDLES,
    IMPORTED_EVENTS,
    IMPORTED_LIQUIDATIONS,
    IMPORTED_OPEN_INTEREST,
    RATIOS,
    Table,
)
from storage.truth import TruthStore

PORTION = 50_000
"""Rows written at a time, so that no more than these are held twice."""
TABLES: dict[Content, Table] = {
    Content.CANDLES: IMPORTED_CANDLES,
    Content.OPEN_INTEREST: IMPORTED_OPEN_INTEREST,
    Content.LIQUIDATIONS: IMPORTED_LIQUIDATIONS,
    Content.EVENTS: IMPORTED_EVENTS,
}
_SIDES = np.array(["long", "short"])
_PRICES = ("open", "high", "low", "close", "price")
_COINS = ("volume", "taker_buy_volume", "open_interest", "quantity")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fitted:
    """What a file says, in coins, and the symbol that it is kept under."""

    imported: Imported
    symbol: str


async def import_files(store: TruthStore, venue: str, symbol: str, paths: Sequence[Path]) -> list[str]:
    """Import files and return a line about each; DataError where one is wrong, and then none is imported.

    Importing the same rows again changes nothing.
    """
    read = [_fitted(imported, symbol) for imported in await asyncio.to_thread(_read, paths)]
    portions = [part for each in read for part in _portions(each.imported, venue, each.symbol)]
    await store.add_whole(portions)
    return [summary(each.imported) for each in read]


def _fitted(imported: Imported, symbol: str) -> _Fitted:
    """Return a file in coins; raise DataError for one of another symbol."""
    other = sorted(each for each in imported.symbols if canonical(each.upper()) != canonical(symbol))
    if other:
        raise DataError(
            f"{imported.path}: is of {other[0]}, not of {canonical(symbol)}. Import it for its own symbol: "
            f"liqwatch import binance {other[0]} {imported.path.name}"
        )
    bundle = max(bundle_of(each.upper()) for each in imported.symbols or (symbol,))
    columns = dict(imported.columns)
    for names, scale in ((_PRICES, 1.0 / bundle), (_COINS, bundle)):
        columns |= {name: columns[name] * scale for name in names if name in columns and bundle != 1.0}
    return _Fitted(imported=replace(imported, columns=columns), symbol=canonical(symbol))


def _read(paths: Sequence[Path]) -> list[Imported]:
    """Return what every file says; raise DataError, with what to do about it, for the first that is wrong."""
    read = []
    for path in paths:
        try:
            (imported,) = read_files([path])
        except DataError as error:
            told = heads.advice(path)
            if not told:
                raise
            raise DataError(told) from error
        if imported.content is Content.CANDLES and len(imported) == 1:
            raise DataError(
                f"{path}: a single candle does not say how long it is. Bring more of them in the same file."
            )
        read.append(imported)
    return read


def _portions(imported: Imported, venue: str, symbol: str) -> Iterator[Append]:
    """Yield the rows of a file, some at a time."""
    table = TABLES[imported.content]
    columns: dict[str, Any] = {"ts": imported.ts, **imported.columns}
    for name in table.columns:
        if name not in columns and name in ("quote_volume", "taker_buy_volume"):
            columns[name] = np.full(len(imported), np.nan)
    if imported.content is Content.EVENTS:
        columns["nth"] = _nth(imported)
        columns["side"] = _SIDES[imported.columns["side"].astype(np.int64)]
    for begin in range(0, len(imported), PORTION):
        rows = slice(begin, begin + PORTION)
        count = len(imported.ts[rows])
        same: dict[str, Any] = {
            "venue": pa.repeat(pa.scalar(venue), count),
            "symbol": pa.repeat(pa.scalar(symbol), count),
            "step_ms": np.full(count, imported.step_ms or 0, np.int64),
        }
        part = {name: columns[name][rows] for name in table.columns if name not in same}
        yield Append(table=table, rows=table.arrow(same | part))
    yield from _ratios(imported, venue, symbol)


def _ratios(imported: Imported, venue: str, symbol: str) -> Iterator[Append]:
    """Yield the ratios of a file, those that are said, as rows of the table of what venues say live."""
    for kind, ratio in imported.ratios.items():
        said = ratio > 0.0
        count = int(said.sum())
        same: dict[str, Any] = {
            name: pa.repeat(pa.scalar(value), count)
            for name, value in (("venue", venue), ("symbol", symbol), ("kind", kind))
        }
        part = {"step_ms": np.full(count, STEP_MS), "ts": imported.ts[said], "ratio": ratio[said]}
        yield Append(table=RATIOS, rows=RATIOS.arrow(same | part))


def _nth(imported: Imported) -> Ints:
    """Return how many liquidations alike came before each: two at once of one size are two."""
    seen: dict[tuple[float, ...], int] = {}
    rows = zip(
        imported.ts.tolist(),
        *(imported.columns[n].tolist() for n in ("side", "price", "quantity")),
        strict=True,
    )
    numbers = np.empty(len(imported), np.int64)
    for at, row in enumerate(rows):
        numbers[at] = seen[row] = seen.get(row, -1) + 1
    return numbers


def summary(imported: Imported) -> str:
    """Return a line that says what a file held."""
    step = f" of {imported.step_ms // 60_000} minutes" if imported.step_ms else ""
    ratios = " and long/short ratios" if imported.ratios else ""
    line = (
        f"{imported.path}: {len(imported):,} rows, {imported.content.value}{ratios}{step}, "
        f"{moment(int(imported.ts[0]))} to {moment(int(imported.ts[-1]))} UTC"
    )
    return line + (f"; columns not used: {', '.join(imported.ignored)}" if imported.ignored else "")


def moment(ts_ms: int) -> str:
    """Return a time as 2025-12-08 00:00."""
    return f"{datetime.fromtimestamp(ts_ms / 1000, UTC):%Y-%m-%d %H:%M}"
