"""Read what rules are tried on besides candles and zones; every function takes a cursor, runs in a thread.

Times are ms UTC, half open: `since_ms <= ts < until_ms`; rows come in the order in which they were known.
"""

import math
from typing import Final

import duckdb

from engine.model import (
    Funding,
    Liquidation,
    LongShortRatio,
    PriceKind,
    Side,
    Zone,
    ZoneChange,
    ZoneEvent,
)
from storage.venue_reads import FIELDS, liquidation_of

Cursor = duckdb.DuckDBPyConnection
FEW: Final = 50_000
"""How many liquidations are read one by one, the largest, where nothing else is said."""
_MINUTES_MS: Final = 300_000
"""Of which stretch the smaller ones come summed up."""


def liquidations(
    cursor: Cursor, symbol: str, since_ms: int, until_ms: int, few: int = FEW
) -> list[Liquidation]:
    """Return what was liquidated of a symbol on all venues.

    Where there are more than `few`, those smaller than the largest of them come summed up for five minutes, a
    venue and side, in parts no larger than they could be, at the end of that time: sums over longer stretches
    stay true, and nothing looks larger than it was.
    """
    span = [symbol, since_ms, until_ms]
    where = "symbol = ? AND ts >= ? AND ts < ?"
    next_one = cursor.execute(
        f"SELECT notional_usd FROM liquidations WHERE {where} "  # noqa: S608  # constants
        f"ORDER BY notional_usd DESC LIMIT 1 OFFSET ?",
        [*span, few],
    ).fetchone()
    small_usd = 0.0 if next_one is None else float(next_one[0])
    single = cursor.execute(
        f"SELECT {', '.join(FIELDS)}, exchange FROM liquidations "  # noqa: S608  # constants
        f"WHERE {where} AND (notional_usd > ? OR ? = 0) ORDER BY ts, nth",
        [*span, small_usd, small_usd],
    ).fetchall()
    found = [liquidation_of(row) for row in single]
    if next_one is None:
        return found
    small = cursor.execute(
        "SELECT exchange, side, ts // ? AS stretch, sum(notional_usd) FROM liquidations "  # noqa: S608
        f"WHERE {where} AND notional_usd <= ? GROUP BY ALL",
        [_MINUTES_MS, *span, small_usd],
    ).fetchall()
    for venue, side, stretch, usd in small:
        ends_ms = min((stretch + 1) * _MINUTES_MS, until_ms) - 1
        found += _parts((symbol, venue, Side(side)), ends_ms, usd, small_usd)
    return sorted(found, key=lambda each: each.ts)


def _parts(whose: tuple[str, str, Side], ts: int, usd: float, most_usd: float) -> list[Liquidation]:
    """Return a sum in equal parts of at most so much; only dollars, time and side of them mean anything."""
    symbol, venue, side = whose
    count = max(1, math.ceil(usd / most_usd)) if most_usd > 0 else 1
    return [
        Liquidation(
            venue=venue,
            symbol=symbol,
            side=side,
            price=1.0,
            price_kind=PriceKind.BANKRUPTCY,
            quantity=usd / count,
            notional_usd=usd / count,
            ts=ts,
            received_ms=ts,
            nth=nth,
        )
        for nth in range(count)
    ]


def funding(cursor: Cursor, symbol: str, since_ms: int, until_ms: int) -> list[Funding]:
    """Return the funding rates of a symbol on all venues."""
    rows = cursor.execute(
        "SELECT venue, symbol, ts, rate, funding_ts, interval_h, settled FROM funding_rates "
        "WHERE symbol = ? AND ts >= ? AND ts < ? ORDER BY ts, venue",
        [symbol, since_ms, until_ms],
    ).fetchall()
    names = ("venue", "symbol", "ts", "rate", "funding_ts", "interval_h", "settled")
    return [Funding(**dict(zip(names, row, strict=True))) for row in rows]


def ratios(cursor: Cursor, symbol: str, since_ms: int, until_ms: int) -> list[LongShortRatio]:
    """Return the long/short ratios of a symbol on all venues, those of all accounts first."""
    rows = cursor.execute(
        "SELECT venue, symbol, ts, step_ms, kind, ratio FROM long_short_ratios "
        "WHERE symbol = ? AND ts >= ? AND ts < ? ORDER BY ts, venue, kind != 'accounts', kind",
        [symbol, since_ms, until_ms],
    ).fetchall()
    names = ("venue", "symbol", "ts", "step_ms", "kind", "ratio")
    return [LongShortRatio(**dict(zip(names, row, strict=True))) for row in rows]


def zone_events(cursor: Cursor, venue: str, symbol: str, since_ms: int, until_ms: int) -> list[ZoneEvent]:
    """Return what happened to zones; who holds how much of one is left out."""
    rows = cursor.execute(
        "SELECT ts, change, fraction, other, zone_id, side, low, high, peak, notional_usd, born_ts, "
        "updated_ts FROM zone_events WHERE venue = ? AND symbol = ? AND ts >= ? AND ts < ? "
        "ORDER BY ts, zone_id, change, other",
        [venue, symbol, since_ms, until_ms],
    ).fetchall()
    changes, sides = {each.value: each for each in ZoneChange}, {each.value: each for each in Side}
    return [
        ZoneEvent(
            ts=ts,
            change=changes[change],
            zone=Zone(
                zone_id=zone_id,
                venue=venue,
                symbol=symbol,
                side=sides[side],
                low=low,
                high=high,
                peak=peak,
                notional_usd=usd,
                share=math.nan,
                percentile=math.nan,
                born_ts=born_ts,
                updated_ts=updated_ts,
            ),
            fraction=fraction or 0.0,
            other=other or None,
        )
        for ts, change, fraction, other, zone_id, side, low, high, peak, usd, born_ts, updated_ts in rows
    ]
