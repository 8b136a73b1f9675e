"""Read market history into messages and arrays; every function takes a cursor and runs in a thread.

Times are half open: `t0 <= ts < t1`. Rows come as Arrow, oldest first.
"""

import json
from collections.abc import Sequence
from typing import Any, cast

import duckdb
import numpy as np
import pyarrow as pa

from engine.model import (
    CANDLE_FIELDS,
    Candles,
    Floats,
    Gap,
    Ints,
    PositionEvents,
    Side,
    Zone,
    ZoneChange,
    ZoneEvent,
    ZoneId,
)
from storage.market_tables import ALERT_HISTORY, MOVES, AlertRecord, Shelfmark

Cursor = duckdb.DuckDBPyConnection
Place = tuple[str, str, str]
"""Venue, symbol, preset."""


def _arrow(cursor: Cursor, sql: str, values: Sequence[object]) -> pa.Table:
    return cursor.sql(sql, params=list(values)).to_arrow_table()


def _rows(cursor: Cursor, sql: str, values: Sequence[object]) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", _arrow(cursor, sql, values).to_pylist())


def candles(cursor: Cursor, venue: str, symbol: str, step_ms: int, t0: int, t1: int) -> Candles:
    """Return closed bars with what open interest is known at their opens; NaN where nothing is known."""
    found = _arrow(
        cursor,
        """
        SELECT c.ts, open, high, low, close, volume, quote_volume, taker_buy_volume, open_interest
        FROM (SELECT * FROM candles
              WHERE venue = $1 AND symbol = $2 AND step_ms = $3 AND ts >= $4 AND ts < $5) AS c
        LEFT JOIN (SELECT ts, open_interest FROM open_interest
                   WHERE venue = $1 AND symbol = $2 AND ts >= $4 AND ts < $5) AS o ON o.ts = c.ts
        ORDER BY c.ts
        """,
        [venue, symbol, step_ms, t0, t1],
    )
    floats = {name: _floats(found, name) for name in CANDLE_FIELDS if name != "ts"}
    return Candles(ts=np.array(found.column("ts").to_numpy(), np.int64), **floats)


def _floats(found: pa.Table, name: str) -> Floats:
    return np.array(found.column(name).to_numpy(), np.float64)


def last_candle_ts(cursor: Cursor, venue: str, symbol: str, step_ms: int) -> int | None:
    """Return the open of the newest bar, or None."""
    row = cursor.execute(
        "SELECT max(ts) FROM candles WHERE venue = ? AND symbol = ? AND step_ms = ?", [venue, symbol, step_ms]
    ).fetchone()
    return None if row is None or row[0] is None else int(row[0])


_COLUMNS_OF = (
    "FROM liquidation_snapshots WHERE venue = ? AND symbol = ? AND preset = ? AND step_ms = ? "
    "AND usd_scale = ? AND since_ts <= ? AND ts >= ? AND ts < ? ORDER BY ts"
)


def _of(mark: Shelfmark, since_ts: int, t0: int, t1: int) -> list[object]:
    return [mark.venue, mark.symbol, mark.preset, mark.step_ms, mark.usd_scale, since_ts, t0, t1]


def snapshots(cursor: Cursor, mark: Shelfmark, since_ts: int, t0: int, t1: int) -> list[tuple[int, bytes]]:
    """Return heatmap columns as (ts, blob); those of another scale, or made from less history, are none."""
    found = _arrow(cursor, f"SELECT ts, blob {_COLUMNS_OF}", _of(mark, since_ts, t0, t1))  # constants
    return list(zip(found.column("ts").to_pylist(), found.column("blob").to_pylist(), strict=True))


def snapshot_times(cursor: Cursor, mark: Shelfmark, since_ts: int, t0: int, t1: int) -> Ints:
    """Return which heatmap columns there are."""
    found = _arrow(cursor, f"SELECT ts {_COLUMNS_OF}", _of(mark, since_ts, t0, t1))  # constants
    return np.array(found.column("ts").to_numpy(), np.int64)


def position_events(cursor: Cursor, mark: Shelfmark, t0: int, t1: int) -> PositionEvents:
    """Return what candles moved."""
    found = _arrow(
        cursor,
        f"SELECT ts, {', '.join(MOVES)} FROM position_events "  # noqa: S608  # constants
        "WHERE venue = ? AND symbol = ? AND preset = ? AND ts >= ? AND ts < ? ORDER BY ts",
        [mark.venue, mark.symbol, mark.preset, t0, t1],
    )
    table = {name: _floats(found, name) for name in MOVES}
    moves = {
        move: np.stack([table[f"{side}_{move}"] for side in ("long", "short")], axis=1)
        for move in (name.removeprefix("long_") for name in MOVES if name.startswith("long_"))
    }
    return PositionEvents(ts=np.array(found.column("ts").to_numpy(), np.int64), **moves)


def zone_events(cursor: Cursor, venue: str, symbol: str, t0: int, t1: int) -> list[ZoneEvent]:
    """Return what happened to zones."""
    found = _rows(
        cursor,
        "SELECT * FROM zone_events WHERE venue = ? AND symbol = ? AND ts >= ? AND ts < ? "
        "ORDER BY ts, zone_id, change, other",
        [venue, symbol, t0, t1],
    )
    return [_zone_event(row) for row in found]


def _zone_event(row: dict[str, Any]) -> ZoneEvent:
    numbers = ("low", "high", "peak", "notional_usd", "share", "percentile")
    zone = Zone(
        zone_id=ZoneId(row["zone_id"]),
        venue=row["venue"],
        symbol=row["symbol"],
        side=Side(row["side"]),
        **{name: float("nan") if row[name] is None else row[name] for name in numbers},
        born_ts=row["born_ts"],
        updated_ts=row["updated_ts"],
        venue_share=tuple((venue, share) for venue, share in json.loads(row["venue_share"])),
    )
    return ZoneEvent(
        ts=row["ts"],
        change=ZoneChange(row["change"]),
        zone=zone,
        fraction=row["fraction"] or 0.0,
        other=ZoneId(row["other"]) if row["other"] else None,
    )


def alert_history(cursor: Cursor, user_id: str, t0: int, t1: int, limit: int) -> list[AlertRecord]:
    """Return one user's alerts by market time, newest first, at most `limit`."""
    names = ", ".join(ALERT_HISTORY.columns)
    found = _rows(
        cursor,
        f"SELECT {names} FROM alert_history WHERE user_id = ? AND market_ms >= ? AND market_ms < ? "  # noqa: S608
        "ORDER BY market_ms DESC, alert_id LIMIT ?",  # the names are constants of storage.market_tables
        [user_id, t0, t1, limit],
    )
    return [AlertRecord(**(row | {"price": _known(row["price"])})) for row in found]


def _known(value: float | None) -> float:
    return float("nan") if value is None else value


def engine_state(cursor: Cursor, place: Place, not_after: int) -> tuple[int, bytes, bytes] | None:
    """Return the newest engine state at or before a time as (ts, heatmap, zones), or None."""
    row = cursor.execute(
        "SELECT ts, heatmap, zones FROM engine_state WHERE venue = ? AND symbol = ? AND preset = ? "
        "AND ts <= ? ORDER BY ts DESC LIMIT 1",
        [*place, not_after],
    ).fetchone()
    return None if row is None else (int(row[0]), bytes(row[1]), bytes(row[2]))


def gaps(cursor: Cursor, venue: str, symbol: str, t0: int, t1: int) -> list[Gap]:
    """Return the gaps that reach into a stretch."""
    found = _rows(
        cursor,
        "SELECT * FROM gaps WHERE venue = ? AND symbol = ? AND last_ts >= ? AND first_ts < ? "
        "ORDER BY first_ts",
        [venue, symbol, t0, t1],
    )
    return [Gap(**row) for row in found]


def table_names(cursor: Cursor) -> list[str]:
    """Return every table there is in the file."""
    found = _rows(
        cursor,
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'main' ORDER BY table_name",
        [],
    )
    return [row["table_name"] for row in found]


def owned_rows(cursor: Cursor, table: str, column: str, user_id: str) -> list[dict[str, Any]]:
    """Return one user's rows of a table; `table` and `column` are constants of the program."""
    return _rows(cursor, f'SELECT * FROM "{table}" WHERE "{column}" = ?', [user_id])  # noqa: S608  # see above
