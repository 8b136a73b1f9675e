"""Read the lists that Bybit gives page by page: which contracts there are, and their margin tiers.

A page names the cursor of the next one, "" on the last. Cursors come percent-encoded and are decoded once,
so that whoever sends the next call encodes them once, too.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import unquote

from adapters.bybit.answers import result_of
from adapters.bybit.fields import VENUE, amount, instant, number, plain, positive
from adapters.bybit.tickers import Fields
from adapters.instruments import Instrument, Instruments, Status
from adapters.parsed import Dropped
from engine.errors import MarginError
from engine.margin.tiers import Tier, TierTable
from engine.symbols import unbundled

STATUSES = {
    "Trading": Status.TRADING,
    "PreLaunch": Status.PENDING,
    "Delivering": Status.DELISTED,
    "Closed": Status.DELISTED,
}
"""What Bybit's words mean; Settling and words that are new stand for a pause; what is delivered ends."""
QUOTES = ("USDT", "USDC")
OTHER_MARKETS = ("stock", "commodity", "forex")
"""Kinds of symbols that are no coins: their markets close at night, and nobody else here has them."""
_FRACTION = (0.5, 2.0)
_PERCENT = (50.0, 200.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Hold one page of contracts, the cursor of the next one ("" on the last), and what was left out."""

    instruments: tuple[Instrument, ...] = ()
    cursor: str = ""
    dropped: Counter[Dropped] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True, kw_only=True)
class TierPage:
    """Hold one page of margin tiers as they came, 15 symbols, and the cursor of the next one."""

    rows: tuple[Fields, ...] = ()
    cursor: str = ""
    dropped: Counter[Dropped] = field(default_factory=Counter)


def read_listing(decoded: object) -> Listing:
    """Return the linear perpetuals of a page: in coins, with dated, inverse and other markets left out."""
    rows, cursor = _page(decoded)
    if rows is None:
        return Listing(dropped=Counter({Dropped.MALFORMED: 1}))
    read = [_instrument(row) for row in rows]
    return Listing(
        instruments=tuple(each for each in read if isinstance(each, Instrument)),
        cursor=cursor,
        dropped=Counter(each for each in read if isinstance(each, Dropped)),
    )


def read_tier_page(decoded: object) -> TierPage:
    """Return the rows of a page of margin tiers; `tier_tables` makes tables of all pages together."""
    rows, cursor = _page(decoded)
    if rows is None:
        return TierPage(dropped=Counter({Dropped.MALFORMED: 1}))
    good = tuple(row for row in rows if isinstance(row, dict))
    odd = len(rows) - len(good)
    return TierPage(rows=good, cursor=cursor, dropped=Counter({Dropped.MALFORMED: odd} if odd else {}))


def tier_tables(
    rows: Iterable[Fields], instruments: Instruments, as_of: str, source: str
) -> tuple[dict[str, TierTable], Counter[Dropped]]:
    """Return a table for each canonical symbol, and why others have none (one count for each symbol).

    A table with an odd row is left out whole: with a hole in it, it would be another table.
    """
    by_native: dict[str, list[Fields]] = {}
    for row in rows:
        by_native.setdefault(plain(row.get("symbol")), []).append(row)
    tables: dict[str, TierTable] = {}
    dropped: Counter[Dropped] = Counter()
    for native, of_symbol in by_native.items():
        instrument = instruments.native(native)
        if instrument is None:
            dropped[Dropped.NO_INSTRUMENT] += 1
            continue
        tiers = _tiers(of_symbol)
        if isinstance(tiers, Dropped):
            dropped[tiers] += 1
            continue
        try:
            tables[instrument.symbol] = TierTable(
                venue=VENUE, symbol=instrument.symbol, as_of=as_of, source=source, tiers=tiers
            )
        except MarginError:
            dropped[Dropped.CONTRADICTORY] += 1
    return tables, dropped


def _page(decoded: object) -> tuple[list[object] | None, str]:
    found = result_of(decoded)
    rows = found.get("list") if found else None
    cursor = found.get("nextPageCursor") if found else None
    return (rows if isinstance(rows, list) else None), unquote(cursor) if isinstance(cursor, str) else ""


def _instrument(row: object) -> Instrument | Dropped:
    if not isinstance(row, dict):
        return Dropped.MALFORMED
    if not _is_ours(row):
        return Dropped.NOT_LINEAR
    native, base = row.get("symbol"), row.get("baseCoin")
    tick, step = _within(row, "priceFilter", "tickSize"), _within(row, "lotSizeFilter", "qtyStep")
    if not (isinstance(native, str) and native and isinstance(base, str) and base):
        return Dropped.MALFORMED
    if isinstance(tick, Dropped):
        return tick
    if isinstance(step, Dropped):
        return step
    coin, coins = unbundled(base)
    ends = instant(row.get("deliveryTime"))
    return Instrument(
        venue=VENUE,
        native=native,
        symbol=f"{coin}{row['quoteCoin']}",
        base=coin,
        quote=row["quoteCoin"],
        coins=coins,
        priced=coins,
        tick=tick,
        step=step,
        status=_status(row),
        delist_ms=ends if isinstance(ends, int) else None,  # "0" where no end is planned
    )


def _is_ours(row: Fields) -> bool:
    """Say whether it is a perpetual on a coin that is settled in dollars."""
    return (
        row.get("contractType") == "LinearPerpetual"
        and row.get("quoteCoin") in QUOTES
        and row.get("symbolType") not in OTHER_MARKETS
        and not row.get("marketRegion")
    )


def _status(row: Fields) -> Status:
    if row.get("isPreListing") is True:
        return Status.PENDING
    return STATUSES.get(plain(row.get("status")), Status.PAUSED)


def _within(row: Fields, group: str, name: str) -> float | Dropped:
    inner = row.get(group)
    return positive(inner.get(name)) if isinstance(inner, dict) else Dropped.MALFORMED


def _tiers(rows: list[Fields]) -> tuple[Tier, ...] | Dropped:
    read: list[tuple[float, float, float, float]] = []
    for row in rows:
        values = _tier(row)
        if isinstance(values, Dropped):
            return values
        read.append(values)
    floor, found = 0.0, []
    for cap, maintenance, leverage, deduction in sorted(read):
        found.append(Tier(floor=floor, cap=cap, rate=maintenance, max_leverage=leverage, amount=deduction))
        floor = cap
    return tuple(found)


def _tier(row: Fields) -> tuple[float, float, float, float] | Dropped:
    """Return cap (quote currency), maintenance (fraction), highest leverage and deduction (quote currency).

    Maintenance is written as a fraction or in percent; the initial margin, which is one over the leverage,
    tells which.
    """
    cap, maintenance = positive(row.get("riskLimitValue")), positive(row.get("maintenanceMargin"))
    leverage, initial = positive(row.get("maxLeverage")), positive(row.get("initialMargin"))
    deduction = amount(row.get("mmDeduction") or "0")
    for value in (cap, maintenance, leverage, initial, deduction):
        if isinstance(value, Dropped):
            return value
    whole = (number(initial) or 0.0) * (number(leverage) or 0.0)
    if _FRACTION[0] <= whole <= _FRACTION[1]:
        unit = 1.0
    elif _PERCENT[0] <= whole <= _PERCENT[1]:
        unit = 100.0
    else:
        return Dropped.CONTRADICTORY
    return float(cap), float(maintenance) / unit, float(leverage), float(deduction)
