"""Know what is kept of a venue's past, and what the venue is known not to have.

Rows of a series come in steps, or, with a step of 0, at times of their own. Times are ms UTC.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import numpy as np

from engine.errors import StorageError
from engine.model import Candle, Candles, Funding, Ints, LongShortRatio, OpenInterest, VenueEvent
from storage.market import MarketStore
from storage.market_merge import Append
from storage.market_tables import ABSENCES
from storage.venues import VenueStore

Cursor = duckdb.DuckDBPyConnection
Stretch = tuple[int, int]

_TIMES = {
    "candles": "SELECT ts FROM candles WHERE {where} AND step_ms = ? AND ts >= ? AND ts < ? ORDER BY ts",
    "open_interest": (
        "SELECT ts FROM open_interest WHERE {where} AND ts % ? = 0 AND ts >= ? AND ts < ? ORDER BY ts"
    ),
    "ratios": (
        "SELECT ts FROM long_short_ratios "
        "WHERE {where} AND step_ms = ? AND ts >= ? AND ts < ? AND kind = ? ORDER BY ts"
    ),
    "funding": (
        "SELECT funding_ts FROM funding_rates "
        "WHERE {where} AND settled AND funding_ts >= ? AND funding_ts < ? ORDER BY funding_ts"
    ),
}

_TOLD = _TIMES | {
    "open_interest": (
        "SELECT DISTINCT ts - ts % $3 AS step FROM open_interest "
        "WHERE venue = $1 AND symbol = $2 AND ts >= $4 AND ts < $5 ORDER BY step"
    ),
}
_FIRST = {
    "open_interest": "SELECT min(ts) FROM open_interest WHERE {where}",
    "ratios": "SELECT min(ts) FROM long_short_ratios WHERE {where} AND kind = ?",
    "funding": "SELECT min(funding_ts) FROM funding_rates WHERE {where}",
}
_WHERE = "venue = ? AND symbol = ?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """Say which rows are meant: `what` is candles, open_interest, funding or ratios, these of a `kind`."""

    venue: str
    symbol: str
    what: str
    step_ms: int = 0
    kind: str = ""

    @property
    def name(self) -> str:
        """Return what the rows are called among absences."""
        return f"{self.what}:{self.kind}" if self.kind else self.what


class PastStore:
    """Read and write a venue's past, in a market store."""

    def __init__(self, store: MarketStore) -> None:
        self._store = store
        self._said = VenueStore(store)

    async def times(self, shelf: Shelf, since_ms: int, until_ms: int) -> Ints:
        """Return the times of the rows there are with `since_ms <= ts < until_ms`, oldest first."""
        return await self._times(_TIMES[shelf.what], shelf, since_ms, until_ms)

    async def told(self, shelf: Shelf, since_ms: int, until_ms: int) -> Ints:
        """Return the same; of open interest, which streams say at any time, each step with any row."""
        return await self._times(_TOLD[shelf.what], shelf, since_ms, until_ms)

    async def first_ms(self, shelf: Shelf) -> int | None:
        """Return the time of the oldest row, funding that was only predicted as well; None for no row."""
        sql = _FIRST[shelf.what].format(where=_WHERE)
        values = [shelf.venue, shelf.symbol, *([shelf.kind] if shelf.what == "ratios" else [])]
        row = await self._store.read(lambda cursor: cursor.execute(sql, values).fetchone())
        return None if row is None or row[0] is None else int(row[0])

    async def _times(self, form: str, shelf: Shelf, since_ms: int, until_ms: int) -> Ints:
        sql = form.format(where=_WHERE)
        step = [] if shelf.what == "funding" else [shelf.step_ms]
        kind = [shelf.kind] if shelf.what == "ratios" else []
        values = [shelf.venue, shelf.symbol, *step, since_ms, until_ms, *kind]

        def read(cursor: Cursor) -> Ints:
            found = cursor.execute(sql, values).fetchnumpy()
            return np.asarray(next(iter(found.values())), np.int64)

        return await self._store.read(read)

    async def absences(self, shelf: Shelf) -> list[Stretch]:
        """Return the first and last time of each stretch of which the venue has nothing, oldest first."""
        sql = (
            "SELECT first_ts, last_ts FROM absences "
            "WHERE venue = ? AND symbol = ? AND what = ? AND step_ms = ? ORDER BY first_ts"
        )
        values = [shelf.venue, shelf.symbol, shelf.name, shelf.step_ms]
        rows = await self._store.read(lambda cursor: cursor.execute(sql, values).fetchall())
        return [(int(first), int(last)) for first, last in rows]

    async def keep(
        self, shelf: Shelf, events: Sequence[VenueEvent], absent: Sequence[Stretch], noted_ms: int
    ) -> None:
        """Keep rows and what is absent between them; on disk when this returns. Raise StorageError.

        What is absent is written after the rows: a kill in between asks for too much again, never too little.
        """
        await self._rows(shelf, events)
        await self._store.flush()
        if absent:
            await self._store.accept([_absences(shelf, absent, noted_ms)])
            await self._store.flush()

    async def _rows(self, shelf: Shelf, events: Sequence[VenueEvent]) -> None:
        candles = [each for each in events if isinstance(each, Candle)]
        if candles:
            bars = Candles.of(candles)
            await self._store.add_candles(shelf.symbol, shelf.venue, bars, step_ms=shelf.step_ms)
        await self._said.add_open_interest([each for each in events if isinstance(each, OpenInterest)])
        await self._said.add_funding([each for each in events if isinstance(each, Funding)])
        await self._said.add_ratios([each for each in events if isinstance(each, LongShortRatio)])


def _absences(shelf: Shelf, absent: Sequence[Stretch], noted_ms: int) -> Append:
    if any(last < first for first, last in absent):
        raise StorageError(f"{shelf.symbol}: an absence ends before it begins.")
    count = len(absent)
    columns = {
        "venue": [shelf.venue] * count,
        "symbol": [shelf.symbol] * count,
        "what": [shelf.name] * count,
        "step_ms": [shelf.step_ms] * count,
        "first_ts": [first for first, _ in absent],
        "last_ts": [last for _, last in absent],
        "noted_ms": [noted_ms] * count,
    }
    return Append(table=ABSENCES, rows=ABSENCES.arrow(columns))
