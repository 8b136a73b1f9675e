"""Read the daily files that Binance publishes as they are: zipped or not, with or without a header.

- klines: candles with quote and taker-buy volume;
- metrics: open interest every five minutes;
- aggTrades: turned into candles of one minute;
- liquidationSnapshot (withdrawn, but people have them): single liquidations, at most one a second.

Quantities and prices are taken as they are: the symbol they are imported under is the venue's.
"""

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from engine.errors import DataError
from engine.model import Floats, Ints

MINUTE_MS = 60_000
LARGEST_BYTES = 4 << 30
_KLINES = (
    *("open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "count"),
    *("taker_buy_volume", "taker_buy_quote_volume", "ignore"),
)
_TRADES = (
    *("agg_trade_id", "price", "quantity", "first_trade_id", "last_trade_id", "transact_time"),
    "is_buyer_maker",
)
_METRICS = ("create_time", "symbol", "sum_open_interest")
_FORCED = ("time", "side", "average_price", "accumulated_fill_quantity")


@dataclass(frozen=True, slots=True, kw_only=True)
class Daily:
    """What a daily file says: `kind` as in the module's list, times (n,) in ms, columns by name (n,).

    `side` is 0 for longs and 1 for shorts.
    """

    kind: str
    ts: Ints
    columns: dict[str, Floats]
    step_ms: int | None


def read_daily(path: Path) -> Daily | None:
    """Return what a daily file of Binance says, None for a file of another kind.

    Raise DataError where it is one and cannot be read.
    """
    try:
        content = _content(path)
        if content is None:
            return None
        names, header = _names(content[: content.find(b"\n") + 1 or len(content)])
        kind = next((k for k in _KINDS if set(k.wanted) <= set(names)), None)
        if kind is None:
            return None
        table = pa_csv.read_csv(
            io.BytesIO(content),
            read_options=pa_csv.ReadOptions(column_names=list(names), skip_rows=int(header)),
            convert_options=pa_csv.ConvertOptions(include_columns=list(kind.wanted)),
        )
        if not len(table):
            raise DataError(f"{path}: has no rows")
        return kind.read(table)
    except (pa.ArrowException, OSError, zipfile.BadZipFile, UnicodeDecodeError, ValueError) as error:
        raise DataError(f"{path}: cannot be read: {str(error).splitlines()[0]}") from error


def _content(path: Path) -> bytes | None:
    """Return the text of a file or of the one file in a zip; None for what is neither."""
    if path.suffix.lower() == ".csv":
        return path.read_bytes()
    if path.suffix.lower() != ".zip":
        return None
    with zipfile.ZipFile(path) as packed:
        found = [each for each in packed.infolist() if each.filename.lower().endswith(".csv")]
        if len(found) != 1:
            raise DataError(f"{path}: holds {len(found)} CSV files, and one is wanted")
        if found[0].file_size > LARGEST_BYTES:
            raise DataError(f"{path}: {found[0].filename} is larger than {LARGEST_BYTES >> 30} GiB")
        return packed.read(found[0])


def _names(line: bytes) -> tuple[tuple[str, ...], bool]:
    """Return the columns' names, and whether the file's first line says them."""
    first = tuple(cell.strip().lower() for cell in line.decode("utf-8-sig").strip().split(","))
    if first and first[0] and not first[0].lstrip("-").isdigit():
        return first, True
    by_count = {len(_KLINES): _KLINES, len(_TRADES): _TRADES}
    return by_count.get(len(first), first), False


def _numbers(table: pa.Table, name: str) -> Floats:
    return np.asarray(pc.cast(table.column(name), pa.float64()).to_numpy(), np.float64)


def _times(table: pa.Table, name: str) -> Ints:
    """Return times in ms: the files have ms, us or text."""
    column = table.column(name)
    if pa.types.is_timestamp(column.type):
        return np.asarray(
            pc.cast(column, pa.timestamp("ms"), safe=False).cast(pa.int64()).to_numpy(), np.int64
        )
    times = np.asarray(pc.cast(column, pa.int64()).to_numpy(), np.int64)
    return np.where(times > 10**14, times // 1000, times)


def _klines(table: pa.Table) -> Daily:
    names = ("open", "high", "low", "close", "volume", "quote_volume", "taker_buy_volume")
    ts = _times(table, "open_time")
    apart = np.diff(np.sort(ts))
    step_ms = int(apart[apart > 0].min()) if (apart > 0).any() else 5 * MINUTE_MS
    columns = {name: _numbers(table, name) for name in names}
    return Daily(kind="klines", ts=ts, columns=columns, step_ms=step_ms)


def _metrics(table: pa.Table) -> Daily:
    columns = {"open_interest": _numbers(table, "sum_open_interest")}
    return Daily(kind="metrics", ts=_times(table, "create_time"), columns=columns, step_ms=None)


def _forced(table: pa.Table) -> Daily:
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
    kept = {name: values[filled] for name, values in columns.items()}
    return Daily(kind="liquidationSnapshot", ts=_times(table, "time")[filled], columns=kept, step_ms=None)


def _trades(table: pa.Table) -> Daily:
    """Return trades as candles of a minute."""
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
    }
    return Daily(kind="aggTrades", ts=minute[starts] * MINUTE_MS, columns=columns, step_ms=MINUTE_MS)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    wanted: tuple[str, ...]
    read: Callable[[pa.Table], Daily]


_KINDS = (
    _Kind(
        wanted=tuple(
            n for n in _KLINES if n not in ("close_time", "count", "taker_buy_quote_volume", "ignore")
        ),
        read=_klines,
    ),
    _Kind(wanted=("price", "quantity", "transact_time", "is_buyer_maker"), read=_trades),
    _Kind(wanted=_METRICS, read=_metrics),
    _Kind(wanted=_FORCED, read=_forced),
)
