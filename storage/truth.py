"""Keep and read what accuracy is measured with: imported data, reports, calibrations.

What a source recorded and what somebody imported stand apart; reading puts them together, imported rows
before recorded ones of the same time.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from engine.model import CANDLE_FIELDS, HOUR_MS, Candles, Floats, Ints
from storage.market import MarketStore
from storage.market_merge import Append
from storage.market_tables import ACCURACY, CALIBRATIONS

Cursor = duckdb.DuckDBPyConnection
HEARD_MINUTES = 55
"""In how many minutes of an hour a venue must have been heard for the hour to count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Say what candles of a symbol there are on one venue; `recorded` counts those of a source."""

    venue: str
    step_ms: int
    first_ts: int
    last_ts: int
    count: int
    recorded: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Liquidations:
    """Hold one venue's liquidations: times (n,) and USD (n, 2), longs first.

    `step_ms` is what a row covers; single liquidations come summed by hour, with the hours between the first
    and the last of them filled up, as nothing was reported in them.
    """

    venue: str
    step_ms: int
    ts: Ints
    usd: Floats


class TruthStore:
    """Read and write what belongs to accuracy in a market store."""

    def __init__(self, store: MarketStore) -> None:
        self._store = store

    async def add_whole(self, parts: Sequence[Append]) -> None:
        """Keep imported rows, all of them or none; rows given again replace the first."""
        await self._store.write_whole(parts)

    async def series(self, symbol: str) -> list[Series]:
        """Return which candles there are, the longest first."""
        return await self._store.read(lambda cursor: _series(cursor, symbol))

    async def candles(self, symbol: str, venue: str, *, step_ms: int) -> Candles:
        """Return candles with what open interest is known at their opens, oldest first."""
        return await self._store.read(lambda cursor: _candles(cursor, symbol, venue, step_ms))

    async def liquidations(self, symbol: str) -> list[Liquidations]:
        """Return what is known of liquidations, by venue and the step of the rows, imported ones first.

        What was recorded live counts in the hours in which the venue was heard all along.
        """
        parts = (_aggregated, _single, _recorded)
        return await self._store.read(
            lambda cursor: [each for part in parts for each in part(cursor, symbol)]
        )

    async def add_report(self, symbol: str, made_ms: int, report: dict[str, Any]) -> None:
        """Keep a measurement's report."""
        row = {"symbol": [symbol], "made_ms": [made_ms], "report": [json.dumps(report)]}
        await self._store.write_whole([Append(table=ACCURACY, rows=ACCURACY.arrow(row))])

    async def reports(self) -> list[tuple[str, int, dict[str, Any]]]:
        """Return (symbol, made_ms, report) of each symbol's newest report."""
        found = await self._store.read(
            lambda cursor: cursor.execute(
                "SELECT symbol, made_ms, report FROM accuracy_reports "
                "QUALIFY row_number() OVER (PARTITION BY symbol ORDER BY made_ms DESC) = 1 ORDER BY symbol"
            ).fetchall()
        )
        return [(symbol, made_ms, json.loads(report)) for symbol, made_ms, report in found]

    async def add_calibration(self, symbol: str, model: str, made_ms: int, body: dict[str, Any]) -> None:
        """Keep what calibrating a model found."""
        row = {"symbol": [symbol], "model": [model], "made_ms": [made_ms], "body": [json.dumps(body)]}
        await self._store.write_whole([Append(table=CALIBRATIONS, rows=CALIBRATIONS.arrow(row))])

    async def calibration(self, symbol: str, model: str) -> tuple[int, dict[str, Any]] | None:
        """Return (made_ms, what was found) of the newest calibration, or None."""
        row = await self._store.read(
            lambda cursor: cursor.execute(
                "SELECT made_ms, body FROM calibrations WHERE symbol = ? AND model = ? "
                "ORDER BY made_ms DESC LIMIT 1",
                [symbol, model],
            ).fetchone()
        )
        return None if row is None else (int(row[0]), json.loads(row[1]))


def _series(cursor: Cursor, symbol: str) -> list[Series]:
    rows = cursor.execute(
        """
        SELECT venue, step_ms, min(ts), max(ts), count(DISTINCT ts), count(*) FILTER (WHERE NOT imported)
        FROM (SELECT venue, step_ms, ts, symbol, false AS imported FROM candles
              UNION ALL SELECT venue, step_ms, ts, symbol, true FROM imported_candles)
        WHERE symbol = ? GROUP BY venue, step_ms ORDER BY count(DISTINCT ts) * step_ms DESC, venue, step_ms
        """,
        [symbol],
    ).fetchall()
    names = ("venue", "step_ms", "first_ts", "last_ts", "count", "recorded")
    return [Series(**dict(zip(names, row, strict=True))) for row in rows]


def _candles(cursor: Cursor, symbol: str, venue: str, step_ms: int) -> Candles:
    found = cursor.sql(
        """
        WITH bars AS (
            SELECT *, 0 AS rank FROM imported_candles WHERE symbol = $1 AND venue = $2 AND step_ms = $3
            UNION ALL SELECT *, 1 FROM candles WHERE symbol = $1 AND venue = $2 AND step_ms = $3
        ), held AS (
            SELECT ts, open_interest, 0 AS rank FROM imported_open_interest WHERE symbol = $1 AND venue = $2
            UNION ALL SELECT ts, open_interest, 1 FROM open_interest WHERE symbol = $1 AND venue = $2
        )
        SELECT b.ts, open, high, low, close, volume, quote_volume, taker_buy_volume, open_interest
        FROM (SELECT * FROM bars QUALIFY row_number() OVER (PARTITION BY ts ORDER BY rank) = 1) AS b
        LEFT JOIN (SELECT * FROM held QUALIFY row_number() OVER (PARTITION BY ts ORDER BY rank) = 1) AS h
        ON h.ts = b.ts ORDER BY b.ts
        """,
        params=[symbol, venue, step_ms],
    ).to_arrow_table()
    floats = {name: _floats(found, name) for name in CANDLE_FIELDS if name != "ts"}
    return Candles(ts=np.array(found.column("ts").to_numpy(), np.int64), **floats)


def _floats(found: pa.Table, name: str) -> Floats:
    return np.array(found.column(name).to_numpy(), np.float64)


def _aggregated(cursor: Cursor, symbol: str) -> list[Liquidations]:
    found = cursor.sql(
        "SELECT venue, step_ms, ts, long_usd, short_usd FROM imported_liquidations WHERE symbol = $1 "
        "ORDER BY venue, step_ms, ts",
        params=[symbol],
    ).to_arrow_table()
    return _by_source(found)


def _by_source(found: pa.Table) -> list[Liquidations]:
    """Return rows sorted by venue and step as one message for each of them."""
    venues, steps = found.column("venue").to_pylist(), found.column("step_ms").to_pylist()
    ts = np.array(found.column("ts").to_numpy(), np.int64)
    usd = np.stack([_floats(found, "long_usd"), _floats(found, "short_usd")], axis=1)
    sources = sorted(set(zip(venues, steps, strict=True)))
    made = []
    for venue, step_ms in sources:
        rows = np.array([(v, s) == (venue, step_ms) for v, s in zip(venues, steps, strict=True)])
        made.append(Liquidations(venue=venue, step_ms=step_ms, ts=ts[rows], usd=usd[rows]))
    return made


def _single(cursor: Cursor, symbol: str) -> list[Liquidations]:
    found = cursor.sql(
        f"""
        SELECT venue, {HOUR_MS} AS step_ms, ts // {HOUR_MS} * {HOUR_MS} AS ts,
               coalesce(sum(price * quantity) FILTER (WHERE side = 'long'), 0) AS long_usd,
               coalesce(sum(price * quantity) FILTER (WHERE side = 'short'), 0) AS short_usd
        FROM imported_liquidation_events WHERE symbol = $1 GROUP BY ALL ORDER BY venue, ts
        """,  # noqa: S608  # a constant
        params=[symbol],
    ).to_arrow_table()
    return [_filled(source) for source in _by_source(found)]


def _recorded(cursor: Cursor, symbol: str) -> list[Liquidations]:
    """Return the hours from the first recorded liquidation on in which a venue was heard.

    A venue's health is kept each minute; an hour that has not enough of it is not known.
    """
    found = cursor.sql(
        f"""
        WITH said AS (
            SELECT exchange AS venue, ts // {HOUR_MS} AS hour,
                   sum(notional_usd) FILTER (WHERE side = 'long') AS long_usd,
                   sum(notional_usd) FILTER (WHERE side = 'short') AS short_usd
            FROM liquidations WHERE symbol = $1 GROUP BY ALL
        ), heard AS (
            SELECT venue, ts // {HOUR_MS} AS hour FROM exchange_health WHERE state = 'up'
            GROUP BY ALL HAVING count(DISTINCT ts // 60000) >= {HEARD_MINUTES}
        ), begun AS (SELECT venue, min(hour) AS hour FROM said GROUP BY venue)
        SELECT heard.venue, {HOUR_MS} AS step_ms, heard.hour * {HOUR_MS} AS ts,
               coalesce(long_usd, 0.0) AS long_usd, coalesce(short_usd, 0.0) AS short_usd
        FROM heard JOIN begun ON begun.venue = heard.venue AND heard.hour > begun.hour
        LEFT JOIN said ON said.venue = heard.venue AND said.hour = heard.hour
        ORDER BY heard.venue, heard.hour
        """,  # noqa: S608  # constants
        params=[symbol],
    ).to_arrow_table()
    return _by_source(found)


def _filled(source: Liquidations) -> Liquidations:
    """Return hourly sums with nothing where nothing was reported, without the first and last hour.

    Those two may have been cut short where the recording began and ended.
    """
    first, last = int(source.ts[0]) // HOUR_MS, int(source.ts[-1]) // HOUR_MS
    usd = np.zeros((last - first + 1, 2))
    usd[source.ts // HOUR_MS - first] = source.usd
    hours = np.arange(first, last + 1)[1:-1]
    return Liquidations(venue=source.venue, step_ms=HOUR_MS, ts=hours * HOUR_MS, usd=usd[1:-1])
