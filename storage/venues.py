"""Keep and read what venues report besides candles: liquidations, open interest, funding, ratios, health.

Rows are written in batches like all market history; a row given again replaces the first. A liquidation's
venue stands in the column `exchange`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb

from engine.model import (
    DAY_MS,
    Floats,
    Funding,
    Ints,
    Liquidation,
    LongShortRatio,
    OpenInterest,
    ZoneChange,
    ZoneEvent,
)
from storage import venue_reads as reads
from storage.market import MarketStore
from storage.market_merge import Append, transaction
from storage.market_tables import FUNDING, HEALTH, LIQUIDATIONS, OPEN_INTEREST, RATIOS, TABLES, Table
from storage.venue_reads import Asked, Carried, Liquidated, Paid, Ranked

Cursor = duckdb.DuckDBPyConnection
_EVER = 1 << 62


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidationReport:
    """What was liquidated in a span: by venue, the largest ones, and by time step (n,) in USD (n, 2).

    `since` says from when on each venue is recorded; one that is not there never was.
    """

    venues: tuple[reads.Liquidated, ...]
    largest: tuple[Liquidation, ...]
    step_ts: Ints
    step_usd: Floats
    since: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What venues say of one symbol besides its heatmap, each by venue as far as it is known."""

    traded: Mapping[str, reads.Traded] = field(default_factory=dict)
    carried: Mapping[str, reads.Carried] = field(default_factory=dict)
    paid: Mapping[str, reads.Paid] = field(default_factory=dict)
    ratios: Mapping[str, float] = field(default_factory=dict)


class VenueStore:
    """Read and write what venues report, in a market store."""

    def __init__(self, store: MarketStore) -> None:
        self._store = store

    async def add_liquidations(self, found: Iterable[Liquidation]) -> None:
        """Accept liquidations."""
        await self._add(
            LIQUIDATIONS, [{"exchange": each.venue, **_plain(each, reads.FIELDS)} for each in found]
        )

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
        where, values = Asked(symbol=symbol, venues=tuple(venues), t0=t0, t1=t1).where()
        query = (
            f"SELECT {', '.join(reads.FIELDS)}, exchange FROM liquidations {where} "  # noqa: S608  # constants
            "ORDER BY ts, symbol, nth"
        )
        rows = await self._store.read(lambda cursor: cursor.execute(query, values).fetchall())
        return [reads.liquidation_of(row) for row in rows]

    async def liquidated_usd(
        self, symbol: str, step_ms: int, *, venues: Sequence[str] = (), t0: int = 0, t1: int = _EVER
    ) -> tuple[Ints, Floats]:
        """Return what was liquidated in each step that has any: start (n,), and USD (n, 2), longs first."""
        asked = Asked(symbol=symbol, venues=tuple(venues), t0=t0, t1=t1)
        return await self._store.read(lambda cursor: reads.by_step(cursor, asked, step_ms))

    async def liquidation_report(self, asked: Asked, *, step_ms: int, count: int) -> LiquidationReport:
        """Return what was liquidated: by venue, the `count` largest, and by steps of `step_ms`."""

        def work(cursor: Cursor) -> LiquidationReport:
            ts, usd = reads.by_step(cursor, asked, step_ms)
            return LiquidationReport(
                venues=tuple(reads.by_venue(cursor, asked)),
                largest=tuple(reads.largest(cursor, asked, count)),
                step_ts=ts,
                step_usd=usd,
                since=reads.since(cursor),
            )

        return await self._store.read(work)

    async def most_liquidated(self, asked: Asked, ranked: Ranked, count: int) -> list[Liquidated]:
        """Return the markets with the most liquidated dollars, most first."""
        return await self._store.read(lambda cursor: reads.by_symbol(cursor, asked, ranked, count))

    async def recorded_since(self) -> dict[str, int]:
        """Return from when on each venue's liquidations are recorded, ms UTC."""
        return await self._store.read(reads.since)

    async def open_interest_between(self, t0: int, t1: int) -> list[Carried]:
        """Return the open interest of all markets at two times, by venue."""
        return await self._store.read(lambda cursor: reads.open_interest(cursor, t0, t1))

    async def funding_now(self, now_ms: int) -> list[Paid]:
        """Return the newest funding rates of all markets, by venue."""
        return await self._store.read(lambda cursor: reads.funding(cursor, now_ms))

    async def swept(self, venue: str, symbol: str, t0: int, t1: int) -> list[ZoneEvent]:
        """Return what price took of zones with `t0 <= ts < t1`, oldest first."""
        found = await self._store.zone_events(venue, symbol, t0, t1)
        return [event for event in found if event.change is ZoneChange.EATEN]

    async def facts(self, symbol: str, now_ms: int) -> Facts:
        """Return what each venue says of a symbol: its day, open interest a day apart, funding, ratio."""

        def work(cursor: Cursor) -> Facts:
            carried = reads.open_interest(cursor, now_ms - DAY_MS, now_ms + 1, symbol)
            return Facts(
                traded=reads.traded(cursor, symbol, now_ms),
                carried={each.venue: each for each in carried},
                paid={each.venue: each for each in reads.funding(cursor, now_ms, symbol)},
                ratios=reads.ratios(cursor, symbol, now_ms),
            )

        return await self._store.read(work)

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
