"""Sum up what venues report, in SQL; every function takes a cursor and runs in a thread.

Times are half open, ms UTC: `t0 <= ts < t1`. Rows with few columns come back, however many were read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import duckdb
import numpy as np

from engine.model import DAY_MS, HOUR_MS, STEP_MS, Floats, Ints, Liquidation, PriceKind, Side

Cursor = duckdb.DuckDBPyConnection
FIELDS = (
    *("symbol", "ts", "side", "price", "price_kind"),
    *("quantity", "notional_usd", "received_ms", "venue_id", "nth"),
)
"""Columns of a liquidation, but for its exchange."""
SLACK_MS = HOUR_MS
"""How much older than a moment what was said last may be to stand for that moment."""
SAID_MS = DAY_MS
"""How old funding and ratios may be to be told as the newest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which liquidations are meant: of a symbol or all, of some venues or all, from a size on."""

    symbol: str = ""
    venues: tuple[str, ...] = ()
    t0: int = 0
    t1: int = 1 << 62
    min_usd: float = 0.0

    def where(self) -> tuple[str, list[object]]:
        """Return the condition and the values it binds."""
        sql, values = "WHERE ts >= ? AND ts < ?", [self.t0, self.t1]
        bound: list[object] = list(values)
        if self.symbol:
            sql += " AND symbol = ?"
            bound.append(self.symbol)
        if self.venues:
            sql += f" AND exchange IN ({', '.join('?' for _ in self.venues)})"
            bound += self.venues
        if self.min_usd > 0:
            sql += " AND notional_usd >= ?"
            bound.append(self.min_usd)
        return sql, bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Liquidated:
    """What was liquidated of one venue's or one symbol's positions, USD; `name` says whose."""

    name: str
    long_usd: float
    short_usd: float
    count: int

    @property
    def total_usd(self) -> float:
        """Return both sides together."""
        return self.long_usd + self.short_usd


class Ranked(StrEnum):
    """What markets are ranked by, of what was liquidated."""

    TOTAL = "total"
    LONG = "long"
    SHORT = "short"


_SUMS = (
    "coalesce(sum(notional_usd) FILTER (side = 'long'), 0.0) AS long, "
    "coalesce(sum(notional_usd) FILTER (side = 'short'), 0.0) AS short, count(*) AS number"
)
_ORDER = {Ranked.TOTAL: "long + short", Ranked.LONG: "long", Ranked.SHORT: "short"}


def by_venue(cursor: Cursor, asked: Asked) -> list[Liquidated]:
    """Return what was liquidated on each venue, most dollars first."""
    return _liquidated(cursor, "exchange", asked, Ranked.TOTAL, limit=1_000)


def by_symbol(cursor: Cursor, asked: Asked, ranked: Ranked, limit: int) -> list[Liquidated]:
    """Return the markets with the most liquidated dollars, of a side or both; none with nothing of it."""
    return _liquidated(cursor, "symbol", asked, ranked, limit)


def _liquidated(cursor: Cursor, name: str, asked: Asked, ranked: Ranked, limit: int) -> list[Liquidated]:
    where, values = asked.where()
    order = _ORDER[ranked]
    sql = (
        f"SELECT {name}, {_SUMS} FROM liquidations {where} GROUP BY {name} "  # noqa: S608  # constants
        f"HAVING {order} > 0 ORDER BY {order} DESC, {name} LIMIT ?"
    )
    rows = cursor.execute(sql, [*values, limit]).fetchall()
    return [Liquidated(name=n, long_usd=long, short_usd=short, count=count) for n, long, short, count in rows]


def largest(cursor: Cursor, asked: Asked, limit: int) -> list[Liquidation]:
    """Return the largest liquidations, most dollars first."""
    where, values = asked.where()
    sql = (
        f"SELECT {', '.join(FIELDS)}, exchange FROM liquidations {where} "  # noqa: S608  # constants
        "ORDER BY notional_usd DESC, ts, nth LIMIT ?"
    )
    return [liquidation_of(row) for row in cursor.execute(sql, [*values, limit]).fetchall()]


def liquidation_of(row: Sequence[Any]) -> Liquidation:
    """Return the liquidation of a row of `FIELDS` and the exchange."""
    values = dict(zip((*FIELDS, "venue"), row, strict=True))
    return Liquidation(
        **(values | {"side": Side(values["side"]), "price_kind": PriceKind(values["price_kind"])})
    )


def by_step(cursor: Cursor, asked: Asked, step_ms: int) -> tuple[Ints, Floats]:
    """Return what was liquidated in each step that has any: start (n,), and USD (n, 2), longs first."""
    where, values = asked.where()
    sql = f"SELECT ts // ? * ? AS step, {_SUMS} FROM liquidations {where} GROUP BY step ORDER BY step"  # noqa: S608  # constants
    rows = cursor.execute(sql, [step_ms, step_ms, *values]).fetchall()
    usd = np.array([[long, short] for _, long, short, _ in rows], np.float64).reshape(-1, 2)
    return np.array([row[0] for row in rows], np.int64), usd


def since(cursor: Cursor) -> dict[str, int]:
    """Return from when on each venue's liquidations are recorded: the first row of its, or of its health."""
    rows = cursor.execute(
        "SELECT venue, min(ts) FROM (SELECT exchange AS venue, min(ts) AS ts FROM liquidations "
        "GROUP BY exchange UNION ALL SELECT venue, min(ts) FROM exchange_health GROUP BY venue) "
        "GROUP BY venue"
    ).fetchall()
    return {str(venue): int(ts) for venue, ts in rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """How open interest of one symbol on one venue changed: coins at the end and at the begin of a span."""

    venue: str
    symbol: str
    coins: float
    coins_before: float | None
    ts: int


def open_interest(cursor: Cursor, t0: int, t1: int, symbol: str = "") -> list[Carried]:
    """Return the open interest of `t1` and of `t0` by venue and symbol; each said an hour before at most."""
    sql = (
        "SELECT venue, symbol, arg_max(open_interest, ts), "
        "arg_max(open_interest, ts) FILTER (ts <= $3), max(ts) FROM open_interest "
        "WHERE ts >= $1 AND ts < $2 AND (ts <= $3 OR ts >= $4) AND ($5 = '' OR symbol = $5) "
        "GROUP BY venue, symbol HAVING max(ts) >= $4 ORDER BY venue, symbol"
    )
    rows = cursor.execute(sql, [t0 - SLACK_MS, t1, t0, t1 - SLACK_MS, symbol]).fetchall()
    return [
        Carried(venue=venue, symbol=found, coins=coins, coins_before=before, ts=ts)
        for venue, found, coins, before, ts in rows
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """The newest funding of one symbol on one venue: a fraction for `interval_h` hours (None: not said)."""

    venue: str
    symbol: str
    rate: float
    funding_ts: int
    interval_h: float | None
    settled: bool

    @property
    def apr(self) -> float | None:
        """Return what it makes in a year, as a fraction, not compounded; None where no interval is said."""
        return None if not self.interval_h else self.rate * 365 * 24 / self.interval_h


def funding(cursor: Cursor, now_ms: int, symbol: str = "") -> list[Paid]:
    """Return the newest funding rate that was said in the last day, by venue and symbol.

    Where the venue does not say how often it is paid, the time since the payment before says it.
    """
    sql = (
        "WITH said AS (SELECT *, (funding_ts - lag(funding_ts) OVER (PARTITION BY venue, symbol "
        "ORDER BY funding_ts)) / 3600000.0 AS apart_h FROM funding_rates "
        "WHERE funding_ts >= ? AND ts <= ? AND (? = '' OR symbol = ?)) "
        "SELECT venue, symbol, rate, funding_ts, coalesce(interval_h, CASE WHEN round(apart_h) IN "
        "(1, 2, 4, 8) AND abs(apart_h - round(apart_h)) < 0.02 THEN round(apart_h) END), settled FROM said "
        "QUALIFY row_number() OVER (PARTITION BY venue, symbol ORDER BY funding_ts DESC) = 1 "
        "ORDER BY venue, symbol"
    )
    rows = cursor.execute(sql, [now_ms - SAID_MS, now_ms, symbol, symbol]).fetchall()
    names = ("venue", "symbol", "rate", "funding_ts", "interval_h", "settled")
    return [Paid(**dict(zip(names, row, strict=True))) for row in rows]


def ratios(cursor: Cursor, symbol: str, now_ms: int) -> dict[str, float]:
    """Return the newest long/short ratio of the last day by venue: of all accounts where there is that."""
    rows = cursor.execute(
        "SELECT venue, ratio FROM long_short_ratios WHERE symbol = ? AND ts >= ? AND ts <= ? "
        "QUALIFY row_number() OVER (PARTITION BY venue ORDER BY kind = 'accounts' DESC, ts DESC) = 1",
        [symbol, now_ms - SAID_MS, now_ms],
    ).fetchall()
    return {str(venue): float(ratio) for venue, ratio in rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class Traded:
    """One venue's day: the last close, and the dollars traded; None where an hour of it is lacking."""

    close: float
    close_ts: int
    volume_usd: float | None


def traded(cursor: Cursor, symbol: str, now_ms: int) -> dict[str, Traded]:
    """Return each venue's last 24 hours by its closed candles."""
    rows = cursor.execute(
        "SELECT venue, arg_max(close, ts), max(ts), count(*), "
        "sum(coalesce(quote_volume, volume * (high + low + close) / 3)) FROM candles "
        "WHERE symbol = ? AND step_ms = ? AND ts >= ? AND ts < ? GROUP BY venue",
        [symbol, STEP_MS, now_ms - DAY_MS - STEP_MS + 1, now_ms - STEP_MS + 1],
    ).fetchall()
    full = (DAY_MS - HOUR_MS) // STEP_MS
    return {
        str(venue): Traded(close=close, close_ts=ts + STEP_MS, volume_usd=volume if count >= full else None)
        for venue, close, ts, count, volume in rows
    }
