"""Read market data that somebody brings: CSV or Parquet, checked whole before any of it is used.

What a file holds is told by its columns:

- candles: `ts, open, high, low, close, volume` and, where known, `quote_volume, taker_buy_volume`;
- open interest in base coins: `ts, open_interest`;
- liquidations in sums: `ts, long_usd, short_usd`;
- single liquidations: `ts, side, price, quantity`, `side` being whose position it was: long or short.

`ts` is the open of what the row covers, in ms since 1970 or as ISO 8601 (UTC where it says nothing else).
The daily files that Binance publishes are known as they are (`binance_daily`). Every error names the file,
the row and the column; for CSV the line as well, which counts the header.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import numpy as np
import numpy.typing as npt

from adapters.binance_daily import Daily, read_daily
from adapters.importer_columns import Source, read_source
from engine.errors import DataError
from engine.model import HOUR_MS, STEP_MS, Floats, Ints

MINUTE_MS = 60_000


class Content(StrEnum):
    """What a file holds."""

    CANDLES = "candles"
    OPEN_INTEREST = "open interest"
    LIQUIDATIONS = "liquidations in sums"
    EVENTS = "single liquidations"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Form:
    """Say which columns a content has; `positive` may not be 0 either."""

    content: Content
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    positive: tuple[str, ...] = ()
    step_ms: int | None = None


FORMS = (
    _Form(
        content=Content.CANDLES,
        required=("open", "high", "low", "close", "volume"),
        optional=("quote_volume", "taker_buy_volume"),
        positive=("open", "high", "low", "close"),
        step_ms=STEP_MS,
    ),
    _Form(content=Content.EVENTS, required=("side", "price", "quantity"), positive=("price", "quantity")),
    _Form(content=Content.LIQUIDATIONS, required=("long_usd", "short_usd"), step_ms=HOUR_MS),
    _Form(content=Content.OPEN_INTEREST, required=("open_interest",)),
)
"""Every form, the most telling first; `step_ms` is what a file of one row is taken for."""
_DAILY = {
    "klines": Content.CANDLES,
    "aggTrades": Content.CANDLES,
    "metrics": Content.OPEN_INTEREST,
    "liquidationSnapshot": Content.EVENTS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """Hold what one file says, in order of time: columns by name (n,), NaN where nothing is known.

    `side` holds 0 for longs and 1 for shorts. `step_ms` is what a row covers, None for what is of a moment;
    `ignored` names columns that mean nothing here. `ratios` are longs over shorts by kind (n,), of five
    minutes; `symbols` are those that the file itself names.
    """

    path: Path
    content: Content
    ts: Ints
    columns: dict[str, Floats]
    step_ms: int | None
    ignored: tuple[str, ...]
    ratios: dict[str, Floats] = field(default_factory=dict)
    symbols: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self.ts)


def read_files(paths: Sequence[Path]) -> list[Imported]:
    """Return what every file says; raise DataError for the first that is wrong."""
    return [read_file(path) for path in paths]


def read_file(path: Path) -> Imported:
    """Return what a file says; raise DataError where it says something impossible."""
    daily = read_daily(path) if path.is_file() else None
    if daily is not None:
        return _from_daily(path, daily)
    source = read_source(path)
    form = _form_of(source)
    ts = source.times("ts")
    columns = {name: source.numbers(name) for name in form.required if name != "side"}
    columns |= {n: source.numbers(n, blanks=True) for n in form.optional if n in source.names}
    if "side" in form.required:
        columns["side"] = source.sides("side")
    _check_values(source, form, columns)
    order = np.argsort(ts, kind="stable")
    step_ms = None if form.step_ms is None else _step_of(source, ts, order, otherwise=form.step_ms)
    if form.content is not Content.EVENTS:
        _check_once(source, ts, order)
    known = {"ts", *form.required, *form.optional}
    return Imported(
        path=path,
        content=form.content,
        ts=ts[order],
        columns={name: values[order] for name, values in columns.items()},
        step_ms=step_ms,
        ignored=tuple(name for name in source.names if name not in known),
    )


def _from_daily(path: Path, daily: Daily) -> Imported:
    """Return what a daily file of Binance says, checked like any other."""
    content = _DAILY[daily.kind]
    form = next(each for each in FORMS if each.content is content)
    order = np.argsort(daily.ts, kind="stable")
    imported = Imported(
        path=path,
        content=content,
        ts=daily.ts[order],
        columns={name: values[order] for name, values in daily.columns.items()},
        step_ms=daily.step_ms,
        ignored=(),
        ratios={kind: values[order] for kind, values in daily.ratios.items()},
        symbols=daily.symbols,
    )
    for name, values in (*imported.columns.items(), *imported.ratios.items()):
        wrong = ~(values > 0.0) if name in form.positive else ~(values >= 0.0)
        if name in imported.ratios:
            wrong = (values < 0.0) | np.isinf(values)  # one that is not said is blank
        row = int(np.argmax(wrong))
        if wrong[row]:
            raise DataError(f"{path}: row {order[row] + 1}, column {name}: {values[row]:g} is impossible")
    if content is not Content.EVENTS and (np.diff(imported.ts) == 0).any():
        raise DataError(f"{path}: a time is there twice")
    if daily.step_ms is not None and (HOUR_MS % daily.step_ms or (imported.ts % daily.step_ms).any()):
        raise DataError(f"{path}: rows of 1, 5, 15 or 60 minutes are wanted, on their marks")
    return imported


def _form_of(source: Source) -> _Form:
    """Return the form whose columns a file has."""
    if not source.rows:
        raise DataError(f"{source.path}: has no rows")
    if "ts" in source.names:
        for form in FORMS:
            if all(name in source.names for name in form.required):
                return form
    nearest = max(FORMS, key=lambda form: sum(name in source.names for name in form.required))
    missing = [name for name in ("ts", *nearest.required) if name not in source.names]
    raise DataError(
        f"{source.path}: the header has no column {', '.join(missing)}; it has "
        f"{', '.join(source.names)}. {nearest.content.value.capitalize()} need: "
        f"{', '.join(('ts', *nearest.required))}."
    )


def _check_values(source: Source, form: _Form, columns: dict[str, Floats]) -> None:
    for name, values in columns.items():
        if name in form.positive:
            _refuse(source, name, ~(values > 0.0), "is not above 0")
        elif name != "side":
            _refuse(source, name, values < 0.0, "is below 0")
    if form.content is Content.CANDLES:
        _refuse(source, "low", columns["low"] > columns["high"], "is above the row's high")


def _refuse(source: Source, name: str, wrong: npt.NDArray[np.bool_], why: str) -> None:
    """Raise DataError for the first row that is wrong."""
    found = np.flatnonzero(wrong)
    if found.size:
        raise source.error(int(found[0]), name, why)


def _check_once(source: Source, ts: Ints, order: Ints) -> None:
    """Refuse a time that is there twice, naming the later row."""
    again = np.flatnonzero(np.diff(ts[order]) == 0)
    if again.size:
        pair = sorted(order[again[0] : again[0] + 2].tolist())
        raise source.error(pair[1], "ts", f"is there twice, first in row {pair[0] + 1}")


def _step_of(source: Source, ts: Ints, order: Ints, *, otherwise: int) -> int:
    """Return what a row covers: the least distance in time; every row must lie on a multiple of it."""
    apart = np.diff(ts[order])
    some = np.flatnonzero(apart > 0)
    nearest = int(some[np.argmin(apart[some])]) if some.size else 0
    step_ms = int(apart[nearest]) if some.size else otherwise
    if step_ms < MINUTE_MS or HOUR_MS % step_ms:
        why = f"comes {step_ms / MINUTE_MS:g} minutes after another row; 1, 5, 15 or 60 are wanted"
        raise source.error(int(order[nearest + 1]), "ts", why)
    _refuse(source, "ts", ts % step_ms != 0, f"is not on a mark of {step_ms // MINUTE_MS} minutes")
    return step_ms
