"""Take files in: read and check all of them first, then write them in one transaction."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from adapters.importer import Content, Imported, read_files
from bot.truth import heads
from engine.errors import DataError
from engine.model import Ints
from storage.market_merge import Append
from storage.market_tables import (
    IMPORTED_CANDLES,
    IMPORTED_EVENTS,
    IMPORTED_LIQUIDATIONS,
    IMPORTED_OPEN_INTEREST,
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


async def import_files(store: TruthStore, venue: str, symbol: str, paths: Sequence[Path]) -> list[str]:
    """Import files and return a line about each; DataError where one is wrong, and then none is imported.

    Importing the same rows again changes nothing.
    """
    read = await asyncio.to_thread(_read, paths)
    portions = [part for imported in read for part in _portions(imported, venue, symbol)]
    await store.add_whole(portions)
    return [summary(imported) for imported in read]


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
    line = (
        f"{imported.path}: {len(imported):,} rows, {imported.content.value}{step}, "
        f"{moment(int(imported.ts[0]))} to {moment(int(imported.ts[-1]))} UTC"
    )
    return line + (f"; columns not used: {', '.join(imported.ignored)}" if imported.ignored else "")


def moment(ts_ms: int) -> str:
    """Return a time as 2025-12-08 00:00."""
    return f"{datetime.fromtimestamp(ts_ms / 1000, UTC):%Y-%m-%d %H:%M}"
