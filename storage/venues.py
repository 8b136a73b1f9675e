"""Keep and read what venues report besides candles: liquidations, open interest, funding, ratios, health.

Rows are written in batches like all market history; a row given again replaces the first. A liquidation's
venue stands in the column `exchange`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import duckdb
import numpy as np

from engine.model import Floats, Funding, Ints, Liquidation, LongShortRatio, OpenInterest, PriceKind, Side
from storage.market import MarketStore
from storage.market_merge import Append, transaction
from storage.market_tables import FUNDING, HEALTH, LIQUIDATIONS, OPEN_INTEREST, RATIOS, TABLES, Table

Cursor = duckdb.DuckDBPyConnection
_EVER = 1 << 62
_FIELDS = (
    "symbol",
    "ts",
    "side",
    "price",
    "price_kind",
    "quantity",
    "notional_usd",
    "received_ms",
    "venue_id",
    "nth",
)


class VenueStore:
    """Read and write what venues report, in a market store."""

    def __init__(self, store: MarketStore) -> None:
        self._store = store

    async def add_liquidations(self, found: Iterable[Liquidation]) -> None:
        """Accept liquidations."""
        await self._add(LIQUIDATIONS, [{"exchange": each.venue, **_plain(each, _FIELDS)} for each in found])

    async def add_open_interest(self, found: Iterable[OpenInterest]) -> None:
        """Accept open interest, in base coins."""
        await self._add(OPEN_INTEREST, [_plain(each, OPEN_INTEREST.columns) for each in found])

    async def add_funding(self, found: Iterable[Funding]) -> None:
        """Accept funding rates; what was settled replaces what was predicted for the same time."""
        await self._add(FUNDING, [_plain(each, FUNDING.columns) for each in found])

    async def add_ratios(self, found: Iterable[LongShortRatio]) -> None:
        """Accept long/short ratios."""
        await self._add(RATIOS, [_plain(each, RATIOS.columns) for each in found])

    async def add_health(self, venue: str, ts: int, state: str, body: Mapping[str, Any]) -> None:
        """Accept how a venue was doing at a time."""
        await self._add(HEALTH, [{"venue": venue, "ts": ts, "state": state, "body": json.dumps(dict(body))}])

    async def _add(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        if rows:
            columns = {name: [row[name] for row in rows] for name in table.columns}
            await self._store.accept([Append(table=table, rows=table.arrow(columns))])

    async def liquidations(
        self, *, symbol: str = "", venues: Sequence[str] = (), t0: int = 0, t1: int = _EVER
    ) -> list[Liquidation]:
        """Return liquidations with `t0 <= ts < t1`, oldest first: all, or of a symbol and some venues."""
        sql, values = _where(symbol, venues, t0, t1)
        columns = ("exchange", *_FIELDS)
        query = f"SELECT {', '.join(columns)} FROM liquidations {sql} ORDER BY ts, symbol, nth"  # noqa: S608  # constants
        rows = await self._store.read(lambda cursor: cursor.execute(query, values).fetchall())
        return [_liquidation(dict(zip(columns, row, strict=True))) for row in rows]

    async def liquidated_usd(
        self, symbol: str, step_ms: int, *, venues: Sequence[str] = (), t0: int = 0, t1: int = _EVER
    ) -> tuple[Ints, Floats]:
        """Return what was liquidated in each step that has any: start (n,), and USD (n, 2), longs first."""
        sql, values = _where(symbol, venues, t0, t1)
        query = (
            "SELECT ts // ? * ? AS step, sum(notional_usd) FILTER (side = 'long'), "  # noqa: S608  # constants
            f"sum(notional_usd) FILTER (side = 'short') FROM liquidations {sql} GROUP BY step ORDER BY step"
        )
        rows = await self._store.read(
            lambda cursor: cursor.execute(query, [step_ms, step_ms, *values]).fetchall()
        )
        usd = np.array([[long or 0.0, short or 0.0] for _, long, short in rows]).reshape(-1, 2)
        return np.array([row[0] for row in rows], np.int64), usd

    async def funding(self, symbol: str, venue: str, t0: int = 0, t1: int = _EVER) -> list[Funding]:
        """Return funding rates paid with `t0 <= funding_ts < t1`, oldest first."""
        query = (
            "SELECT ts, rate, funding_ts, interval_h, settled FROM funding_rates "
            "WHERE venue = ? AND symbol = ? AND funding_ts >= ? AND funding_ts < ? ORDER BY funding_ts"
        )
        rows = await self._store.read(
            lambda cursor: cursor.execute(query, [venue, symbol, t0, t1]).fetchall()
        )
        names = ("ts", "rate", "funding_ts", "interval_h", "settled")
        return [Funding(venue=venue, symbol=symbol, **dict(zip(names, row, strict=True))) for row in rows]

    async def health(self, venue: str, t0: int = 0, t1: int = _EVER) -> list[tuple[int, str, dict[str, Any]]]:
        """Return how a venue was doing as (ts, state, details), oldest first."""
        query = (
            "SELECT ts, state, body FROM exchange_health WHERE venue = ? AND ts >= ? AND ts < ? ORDER BY ts"
        )
        rows = await self._store.read(lambda cursor: cursor.execute(query, [venue, t0, t1]).fetchall())
        return [(ts, state, json.loads(body)) for ts, state, body in rows]

    async def retain(self, days: Mapping[str, int], now_ms: int) -> dict[str, int]:
        """Remove rows older than so many days, by table; return how many were removed from each.

        Raise ValueError for a table that is not there or that is not kept by time.
        """
        steps = []
        for name, kept in days.items():
            table = TABLES.get(name)
            if table is None or table.time is None or table.owner is not None:
                raise ValueError(f"{name} is no table of market history that is kept by time")
            steps.append((table, now_ms - kept * 86_400_000))

        def work(cursor: Cursor) -> dict[str, int]:
            removed = {}
            with transaction(cursor):
                for table, oldest in steps:
                    sql = f"DELETE FROM {table.name} WHERE {table.time} < ?"  # noqa: S608  # constants
                    row = cursor.execute(sql, [oldest]).fetchone()
                    removed[table.name] = int(row[0]) if row else 0
            return removed

        return await self._store.call(work)


def _plain(event: object, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(event, name) for name in names}


def _where(symbol: str, venues: Sequence[str], t0: int, t1: int) -> tuple[str, list[object]]:
    sql, values = "WHERE ts >= ? AND ts < ?", [t0, t1]
    bound: list[object] = list(values)
    if symbol:
        sql += " AND symbol = ?"
        bound.append(symbol)
    if venues:
        sql += f" AND exchange IN ({', '.join('?' for _ in venues)})"
        bound += venues
    return sql, bound


def _liquidation(row: dict[str, Any]) -> Liquidation:
    row["venue"] = row.pop("exchange")
    return Liquidation(**(row | {"side": Side(row["side"]), "price_kind": PriceKind(row["price_kind"])}))
