"""What the kinds of daily files of Binance say: a piece of a file by itself, and all of its pieces together.

A piece is read into arrays and let go of, so that a file may be of any length.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.model import Floats, Ints

MINUTE_MS = 60_000
RATIOS = {
    "count_long_short_ratio": "accounts",
    "count_toptrader_long_short_ratio": "top_accounts",
    "sum_toptrader_long_short_ratio": "top_positions",
}
"""The kinds of ratio by the columns of metrics; the one of takers' volume is of no kind that is kept."""
KLINES = (
    *("open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "count"),
    *("taker_buy_volume", "taker_buy_quote_volume", "ignore"),
)
"""The columns of klines, where a file does not say them."""
TRADES = (
    *("agg_trade_id", "price", "quantity", "first_trade_id", "last_trade_id", "transact_time"),
    "is_buyer_maker",
)
"""The columns of trades, where a file does not say them."""
_BARS = ("open", "high", "low", "close", "volume", "quote_volume", "taker_buy_volume")

Part = tuple[Ints, dict[str, Floats]]
"""Times (n,) in ms, and columns by name (n,)."""


def joined(parts: Sequence[Part]) -> Part:
    """Return the parts of a file as one."""
    ts = np.concatenate([part[0] for part in parts])
    return ts, {name: np.concatenate([part[1][name] for part in parts]) for name in parts[0][1]}


def _numbers(table: pa.Table, name: str) -> Floats:
    return np.asarray(table.column(name).to_numpy(), np.float64)


def _times(table: pa.Table, name: str) -> Ints:
    """Return times in ms: the files have ms, us or text."""
    column = table.column(name)
    if pa.types.is_timestamp(column.type):
        return np.asarray(
            pc.cast(column, pa.timestamp("ms"), safe=False).cast(pa.int64()).to_numpy(), np.int64
        )
    times = np.asarray(pc.cast(column, pa.int64()).to_numpy(), np.int64)
    return np.where(times > 10**14, times // 1000, times)


def _klines(table: pa.Table) -> Part:
    return _times(table, "open_time"), {name: _numbers(table, name) for name in _BARS}


def _traded(part: Part) -> Part:
    """Return candles that trades were made in: those of mark, index and premium prices have none."""
    if not (part[1]["volume"] > 0.0).any():
        raise ValueError(
            "nothing is traded in it, so it is of mark or index prices; the files of `klines` are wanted"
        )
    return part


def _apart(ts: Ints) -> int:
    """Return how long candles are: the least distance in time, five minutes where there is one alone."""
    apart = np.diff(np.sort(ts))
    return int(apart[apart > 0].min()) if (apart > 0).any() else 5 * MINUTE_MS


def _metrics(table: pa.Table) -> Part:
    columns = {"open_interest": _numbers(table, "sum_open_interest")}
    columns |= {name: _numbers(table, name) for name in RATIOS if name in table.column_names}
    return _times(table, "create_time"), columns


def _forced(table: pa.Table) -> Part:
    sides = pc.utf8_lower(table.column("side")).to_pylist()
    unknown = sorted({str(side) for side in sides} - {"sell", "buy"})
    if unknown:
        raise ValueError(f"the side {unknown[0]!r} is neither sell nor buy")
    columns = {
        "side": np.array([0.0 if side == "sell" else 1.0 for side in sides]),  # a sale closes a long
        "price": _numbers(table, "average_price"),
        "quantity": _numbers(table, "accumulated_fill_quantity"),
    }
    filled = columns["quantity"] > 0.0  # an order of which nothing was filled closed nothing
    return _times(table, "time")[filled], {name: values[filled] for name, values in columns.items()}


def _trades(table: pa.Table) -> Part:
    """Return trades as candles of a minute, with when the first and the last of each was traded."""
    ts, price, quantity = (
        _times(table, "transact_time"),
        _numbers(table, "price"),
        _numbers(table, "quantity"),
    )
    sold = table.column("is_buyer_maker")
    maker = np.asarray(
        (sold if pa.types.is_boolean(sold.type) else pc.equal(pc.utf8_lower(sold), "true")).to_numpy()
    )
    order = np.argsort(ts, kind="stable")
    ts, price, quantity, maker = ts[order], price[order], quantity[order], maker[order]
    minute = ts // MINUTE_MS
    starts = np.flatnonzero(np.diff(minute, prepend=minute[0] - 1))
    ends = np.append(starts[1:], len(ts)) - 1
    columns = {
        "open": price[starts],
        "high": np.maximum.reduceat(price, starts),
        "low": np.minimum.reduceat(price, starts),
        "close": price[ends],
        "volume": np.add.reduceat(quantity, starts),
        "quote_volume": np.add.reduceat(quantity * price, starts),
        "taker_buy_volume": np.add.reduceat(np.where(maker, 0.0, quantity), starts),
        "first_ms": ts[starts].astype(np.float64),
        "last_ms": ts[ends].astype(np.float64),
    }
    return minute[starts] * MINUTE_MS, columns


def _minutes(part: Part) -> Part:
    """Return one candle for each minute, whichever pieces of the file its trades were in."""
    ts, columns = part
    by_first = np.lexsort((columns["first_ms"], ts))
    by_last = np.lexsort((columns["last_ms"], ts))
    starts = np.flatnonzero(np.diff(ts[by_first], prepend=-1))
    ends = np.append(starts[1:], len(ts)) - 1
    reduced = {"high": np.maximum, "low": np.minimum}
    whole = {name: reduced.get(name, np.add).reduceat(columns[name][by_first], starts) for name in _BARS}
    whole["open"], whole["close"] = columns["open"][by_first][starts], columns["close"][by_last][ends]
    return ts[by_first][starts], whole


def _same(part: Part) -> Part:
    return part


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of file: its columns, what a piece of it says, and what all of its pieces say together."""

    name: str
    wanted: tuple[str, ...]
    part: Callable[[pa.Table], Part]
    whole: Callable[[Part], Part] = _same
    optional: tuple[str, ...] = ()
    step_ms: Callable[[Ints], int | None] = lambda _: None


KINDS = (
    Kind(name="klines", wanted=("open_time", *_BARS), part=_klines, whole=_traded, step_ms=_apart),
    Kind(
        name="aggTrades",
        wanted=("price", "quantity", "transact_time", "is_buyer_maker"),
        part=_trades,
        whole=_minutes,
        step_ms=lambda _: MINUTE_MS,
    ),
    Kind(
        name="metrics",
        wanted=("create_time", "symbol", "sum_open_interest"),
        part=_metrics,
        optional=tuple(RATIOS),
    ),
    Kind(
        name="liquidationSnapshot",
        wanted=("time", "side", "average_price", "accumulated_fill_quantity"),
        part=_forced,
        optional=("symbol",),
    ),
)
