"""Describe the market tables to the writer, and turn messages into Arrow rows for them."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import pyarrow as pa

from engine.model import STEP_MS, Candles, Gap, Ints, PositionEvents, ZoneEvent

_MOVES = ("entered", "swept", "taken", "decayed", "closed")
_TEXT, _MS, _NUMBER, _BYTES = pa.string(), pa.int64(), pa.float64(), pa.binary()


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table: its columns in order, what makes a row unique, its time, and whose its rows are.

    `time` bounds the search for rows to replace, so it must be part of the key. `bar` says that a row belongs
    to the bar that opens at `time`. `owner` is the column with the user's id, None where nobody owns a row.
    `keep` is how many rows, newest first, stay for each key without its time; None for all.
    """

    name: str
    columns: dict[str, pa.DataType]
    key: tuple[str, ...]
    time: str | None = "ts"
    bar: bool = False
    owner: str | None = None
    keep: int | None = None

    @property
    def schema(self) -> pa.Schema:
        """Return the columns as an Arrow schema."""
        return pa.schema(list(self.columns.items()))

    def arrow(self, columns: dict[str, Any]) -> pa.Table:
        """Return rows given by columns; NaN becomes NULL. Raises where a value does not fit its column."""
        arrays = [pa.array(columns[name], kind, from_pandas=True) for name, kind in self.columns.items()]
        return pa.Table.from_arrays(arrays, schema=self.schema)


def _of_market(*more: str) -> dict[str, pa.DataType]:
    return dict.fromkeys(("venue", "symbol", *more), _TEXT)


CANDLES = Table(
    name="candles",
    columns=_of_market()
    | {"step_ms": _MS, "ts": _MS}
    | dict.fromkeys(("open", "high", "low", "close"), _NUMBER)
    | dict.fromkeys(("volume", "quote_volume", "taker_buy_volume"), _NUMBER),
    key=("venue", "symbol", "step_ms", "ts"),
    bar=True,
)
OPEN_INTEREST = Table(
    name="open_interest",
    columns=_of_market() | {"ts": _MS, "open_interest": _NUMBER},
    key=("venue", "symbol", "ts"),
    bar=True,
)
SNAPSHOTS = Table(
    name="liquidation_snapshots",
    columns=_of_market("preset")
    | {"step_ms": _MS, "ts": _MS, "blob": _BYTES, "usd_scale": _NUMBER, "since_ts": _MS},
    key=("venue", "symbol", "preset", "step_ms", "ts"),
    bar=True,
)
MOVES = tuple(f"{side}_{move}" for side in ("long", "short") for move in _MOVES)
"""Columns of position events, in the order of `PositionEvents`' arrays, longs first."""
POSITION_EVENTS = Table(
    name="position_events",
    columns=_of_market("preset") | {"ts": _MS} | dict.fromkeys(MOVES, pa.float32()),
    key=("venue", "symbol", "preset", "ts"),
    bar=True,
)
ZONE_EVENTS = Table(
    name="zone_events",
    columns=_of_market()
    | {"ts": _MS}
    | dict.fromkeys(("change", "zone_id", "other", "side"), _TEXT)
    | dict.fromkeys(("low", "high", "peak", "notional_usd", "share", "percentile"), _NUMBER)
    | {"born_ts": _MS, "updated_ts": _MS, "fraction": _NUMBER, "venue_share": _TEXT},
    key=("venue", "symbol", "ts", "zone_id", "change", "other"),
    bar=True,
)
ALERT_HISTORY = Table(
    name="alert_history",
    columns={"user_id": _TEXT, "alert_id": _TEXT, "rule_id": _MS, "market_ms": _MS, "wall_ms": _MS}
    | dict.fromkeys(("symbol", "kind", "severity", "subject"), _TEXT)
    | {"price": _NUMBER, "action": _TEXT, "reason": _TEXT, "epoch": _MS},
    key=("user_id", "alert_id"),
    time=None,
    owner="user_id",
)
ENGINE_STATE = Table(
    name="engine_state",
    columns=_of_market("preset") | {"ts": _MS, "heatmap": _BYTES, "zones": _BYTES},
    key=("venue", "symbol", "preset", "ts"),
    bar=True,
    keep=3,
)
GAPS = Table(
    name="gaps",
    columns=_of_market() | {"first_ts": _MS, "last_ts": _MS},
    key=("venue", "symbol", "first_ts"),
    time="first_ts",
    bar=True,
)
LIQUIDATIONS = Table(
    name="liquidations",
    columns={"exchange": _TEXT, "symbol": _TEXT, "ts": _MS, "side": _TEXT}
    | {"price": _NUMBER, "price_kind": _TEXT, "quantity": _NUMBER, "notional_usd": _NUMBER}
    | {"received_ms": _MS, "venue_id": _TEXT, "nth": _MS},
    key=("exchange", "symbol", "ts", "side", "price", "quantity", "venue_id", "nth"),
)
FUNDING = Table(
    name="funding_rates",
    columns=_of_market()
    | {"funding_ts": _MS, "ts": _MS, "rate": _NUMBER, "interval_h": _NUMBER, "settled": pa.bool_()},
    key=("venue", "symbol", "funding_ts"),
    time="funding_ts",
)
RATIOS = Table(
    name="long_short_ratios",
    columns=_of_market("kind") | {"step_ms": _MS, "ts": _MS, "ratio": _NUMBER},
    key=("venue", "symbol", "kind", "step_ms", "ts"),
)
HEALTH = Table(
    name="exchange_health",
    columns={"venue": _TEXT, "ts": _MS, "state": _TEXT, "body": _TEXT},
    key=("venue", "ts"),
)
ABSENCES = Table(
    name="absences",
    columns=_of_market("what") | dict.fromkeys(("step_ms", "first_ts", "last_ts", "noted_ms"), _MS),
    key=("venue", "symbol", "what", "step_ms", "first_ts"),
    time="first_ts",
)
MARGIN_TIERS = Table(
    name="margin_tiers",
    columns=_of_market() | {"read_ms": _MS} | dict.fromkeys(("as_of", "source", "unit", "tiers"), _TEXT),
    key=("venue", "symbol", "read_ms"),
    time="read_ms",
    keep=10,
)
IMPORTED_CANDLES = Table(name="imported_candles", columns=CANDLES.columns, key=CANDLES.key)
IMPORTED_OPEN_INTEREST = Table(
    name="imported_open_interest", columns=OPEN_INTEREST.columns, key=OPEN_INTEREST.key
)
IMPORTED_LIQUIDATIONS = Table(
    name="imported_liquidations",
    columns=_of_market() | {"step_ms": _MS, "ts": _MS, "long_usd": _NUMBER, "short_usd": _NUMBER},
    key=("venue", "symbol", "step_ms", "ts"),
)
IMPORTED_EVENTS = Table(
    name="imported_liquidation_events",
    columns=_of_market() | {"ts": _MS, "side": _TEXT, "price": _NUMBER, "quantity": _NUMBER, "nth": _MS},
    key=("venue", "symbol", "ts", "side", "price", "quantity", "nth"),
)
ACCURACY = Table(
    name="accuracy_reports",
    columns={"symbol": _TEXT, "made_ms": _MS, "report": _TEXT},
    key=("symbol", "made_ms"),
    time="made_ms",
    keep=20,
)
CALIBRATIONS = Table(
    name="calibrations",
    columns={"symbol": _TEXT, "model": _TEXT, "made_ms": _MS, "body": _TEXT},
    key=("symbol", "model", "made_ms"),
    time="made_ms",
    keep=20,
)
_RECORDED = (
    *(CANDLES, OPEN_INTEREST, SNAPSHOTS, POSITION_EVENTS, ZONE_EVENTS),
    *(ALERT_HISTORY, ENGINE_STATE, GAPS),
    *(LIQUIDATIONS, FUNDING, RATIOS, HEALTH, ABSENCES, MARGIN_TIERS),
)
_TRUTH = (
    *(IMPORTED_CANDLES, IMPORTED_OPEN_INTEREST, IMPORTED_LIQUIDATIONS, IMPORTED_EVENTS),
    *(ACCURACY, CALIBRATIONS),
)
TABLES = {table.name: table for table in (*_RECORDED, *_TRUTH)}


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRecord:
    """One alert as kept for analytics; given again under the same id, it replaces the first."""

    user_id: str
    alert_id: str
    rule_id: int
    market_ms: int
    wall_ms: int
    symbol: str
    kind: str
    severity: str
    subject: str
    price: float
    action: str
    reason: str
    epoch: int


def candle_rows(venue: str, symbol: str, step_ms: int, candles: Candles) -> list[tuple[Table, pa.Table]]:
    """Return bars as rows of `candles`, and of `open_interest` where it is known."""
    names = ("ts", "open", "high", "low", "close", "volume", "quote_volume", "taker_buy_volume")
    arrays = {name: getattr(candles, name).copy() for name in names}
    place = {"venue": _repeat(venue, len(candles)), "symbol": _repeat(symbol, len(candles))}
    steps = np.full(len(candles), step_ms, np.int64)
    rows = [(CANDLES, CANDLES.arrow(place | {"step_ms": steps} | arrays))]
    known = ~np.isnan(candles.open_interest)
    if known.any():
        count = int(known.sum())
        place = {"venue": _repeat(venue, count), "symbol": _repeat(symbol, count)}
        values = {"ts": candles.ts[known], "open_interest": candles.open_interest[known]}
        rows.append((OPEN_INTEREST, OPEN_INTEREST.arrow(place | values)))
    return rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelfmark:
    """Say which heatmap columns are meant: whose, of which model and how long, in dollars of which scale."""

    venue: str
    symbol: str
    preset: str
    step_ms: int = STEP_MS
    usd_scale: float = 1.0

    @property
    def place(self) -> dict[str, str]:
        """Return what position events are kept under as well."""
        return {"venue": self.venue, "symbol": self.symbol, "preset": self.preset}


def snapshot_rows(
    mark: Shelfmark, ts: Ints | Sequence[int], blobs: Sequence[bytes], since_ts: int
) -> pa.Table:
    """Return heatmap columns as rows; raises ValueError when times and blobs differ in number."""
    if len(ts) != len(blobs):
        raise ValueError(f"{len(ts)} times for {len(blobs)} heatmap columns")
    rows = {name: _repeat(value, len(blobs)) for name, value in mark.place.items()}
    values = {"step_ms": mark.step_ms, "usd_scale": mark.usd_scale, "since_ts": since_ts}
    same = {name: np.full(len(blobs), value) for name, value in values.items()}
    return SNAPSHOTS.arrow(rows | same | {"ts": np.array(ts, np.int64), "blob": list(blobs)})


def position_rows(mark: Shelfmark, events: PositionEvents) -> pa.Table:
    """Return what candles moved as rows, USD in single precision."""
    rows: dict[str, Any] = {name: _repeat(value, len(events.ts)) for name, value in mark.place.items()}
    for i, side in enumerate(("long", "short")):
        for move in _MOVES:
            rows[f"{side}_{move}"] = getattr(events, move)[:, i].astype(np.float32)
    return POSITION_EVENTS.arrow(rows | {"ts": np.array(events.ts, np.int64)})


def zone_event_rows(events: Iterable[ZoneEvent]) -> pa.Table:
    """Return zone events as rows."""
    return _from_rows(ZONE_EVENTS, [_zone_event_row(event) for event in events])


def _zone_event_row(event: ZoneEvent) -> dict[str, Any]:
    zone = event.zone
    same = ("venue", "symbol", "zone_id", "low", "high", "peak", "notional_usd", "share", "percentile")
    return {
        **{name: getattr(zone, name) for name in (*same, "born_ts", "updated_ts")},
        "ts": event.ts,
        "change": event.change.value,
        "other": event.other or "",
        "side": zone.side.value,
        "fraction": event.fraction,
        "venue_share": json.dumps(zone.venue_share),
    }


def alert_rows(records: Iterable[AlertRecord]) -> pa.Table:
    """Return alerts as rows."""
    return _from_rows(ALERT_HISTORY, [asdict(record) for record in records])


def gap_rows(gaps: Iterable[Gap]) -> pa.Table:
    """Return gaps as rows."""
    names = [field.name for field in fields(Gap)]
    return _from_rows(GAPS, [{name: getattr(gap, name) for name in names} for gap in gaps])


def state_rows(place: tuple[str, str, str], ts: int, heatmap: bytes, zones: bytes) -> pa.Table:
    """Return one engine state as a row; `place` is venue, symbol, preset."""
    venue, symbol, preset = place
    row = {"venue": venue, "symbol": symbol, "preset": preset, "ts": ts, "heatmap": heatmap, "zones": zones}
    return _from_rows(ENGINE_STATE, [row])


def _from_rows(table: Table, rows: list[dict[str, Any]]) -> pa.Table:
    return table.arrow({name: [row[name] for row in rows] for name in table.columns})


def _repeat(value: str, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(value, _TEXT), count)
