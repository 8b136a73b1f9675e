"""Turn decoded REST answers into instruments and events: never raised, never made up, all counted."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from adapters.binance.bars import INTERVALS, VENUE, Bar, candle
from adapters.binance.values import LATEST_MS, Body, Unfit, amount, body, instrument, price, rate, time_ms
from adapters.instruments import Instrument, Instruments, Status
from adapters.parsed import Dropped, Parsed
from engine.model import HOUR_MS, Candle, Funding, LongShortRatio, OpenInterest, VenueEvent
from engine.symbols import unbundled

DOLLARS = frozenset({"USDT", "USDC", "BUSD", "FDUSD"})
"""What counts as dollars; pairs quoted in coins (ETHBTC) are not what is read."""
PAID_EVERY_H = (1, 2, 4, 8)
BAR_FIELDS = 11
_STATUS = {
    "TRADING": Status.TRADING,
    "PENDING_TRADING": Status.PENDING,
    "SETTLING": Status.DELISTED,
    "PRE_SETTLE": Status.DELISTED,
    "PRE_DELIVERING": Status.DELISTED,
    "DELIVERING": Status.DELISTED,
    "DELIVERED": Status.DELISTED,
    "CLOSE": Status.DELISTED,
}
_Made = TypeVar("_Made")


def read_time(decoded: object) -> int | None:
    """Return the venue's clock, ms UTC, None where the answer does not hold it."""
    try:
        return time_ms(body(decoded).get("serverTime"))
    except Unfit:
        return None


def read_instruments(decoded: object) -> tuple[Instruments, Counter[Dropped]]:
    """Return the linear perpetuals of coins, and how many rows are something else.

    Those that are traded come first, so that a canonical name finds them before one that was delisted.
    Equities, commodities and deliveries are `unknown_message`; a status that is not known is a pause.
    """
    rows = decoded.get("symbols") if isinstance(decoded, dict) else None
    made, dropped = _each(rows, _instrument)
    return Instruments(sorted(made, key=lambda each: each.status is not Status.TRADING)), dropped


def _instrument(raw: object) -> Instrument:
    row = body(raw)
    native, base, quote = (_name(row.get(field)) for field in ("symbol", "baseAsset", "quoteAsset"))
    if not isinstance(row.get("contractType"), str):
        raise Unfit(Dropped.MALFORMED)
    if row["contractType"] != "PERPETUAL":
        raise Unfit(Dropped.UNKNOWN)
    if quote not in DOLLARS or row.get("marginAsset") != quote:
        raise Unfit(Dropped.NOT_LINEAR)
    coin, coins = unbundled(base)
    status, ends_ms = row.get("status"), row.get("deliveryDate")
    return Instrument(
        venue=VENUE,
        native=native,
        symbol=coin + quote,
        base=coin,
        quote=quote,
        coins=coins,
        priced=coins,
        tick=_filtered(row, "PRICE_FILTER", "tickSize"),
        step=_filtered(row, "LOT_SIZE", "stepSize"),
        status=_STATUS.get(status, Status.PAUSED) if isinstance(status, str) else Status.PAUSED,
        delist_ms=ends_ms if type(ends_ms) is int and 0 < ends_ms < LATEST_MS else None,
    )


def _name(raw: object) -> str:
    if not isinstance(raw, str) or not raw:
        raise Unfit(Dropped.MALFORMED)
    return raw


def _filtered(row: Body, kind: str, field: str) -> float:
    """Return a figure of one of a symbol's filters; `pricePrecision` is not the tick, so it must be there."""
    filters = row.get("filters")
    for each in filters if isinstance(filters, list) else []:
        if isinstance(each, dict) and each.get("filterType") == kind:
            return price(each.get(field))
    raise Unfit(Dropped.MALFORMED)


def read_candles(decoded: object, known: Instrument, interval: str, now_ms: int) -> Parsed:
    """Return bars; one that is not over at `now_ms`, by the venue's clock, still forms and says so."""

    def row(raw: object) -> Candle:
        if not isinstance(raw, list) or len(raw) < BAR_FIELDS:
            raise Unfit(Dropped.MALFORMED)
        bar = Bar(
            open_ms=raw[0],
            open=raw[1],
            high=raw[2],
            low=raw[3],
            close=raw[4],
            volume=raw[5],
            close_ms=raw[6],
            quote_volume=raw[7],
            taker=raw[9],
        )
        return candle(bar, known, INTERVALS[interval], closed=time_ms(raw[6]) < now_ms)

    return _rows(decoded, row)


def read_open_interest(decoded: object, known: Instrument) -> Parsed:
    """Return what is open now, one side, in coins."""
    return _rows([decoded], lambda raw: _interest(body(raw), known, "openInterest", "time"))


def read_open_interest_history(decoded: object, known: Instrument) -> Parsed:
    """Return what was open at each stamp; buckets that the venue left out are not there."""
    return _rows(decoded, lambda raw: _interest(body(raw), known, "sumOpenInterest", "timestamp"))


def _interest(row: Body, known: Instrument, field: str, time_field: str) -> OpenInterest:
    _check_symbol(row, known)
    return OpenInterest(
        venue=VENUE,
        symbol=known.symbol,
        ts=_stamp(row.get(time_field)),
        open_interest=known.quantity(amount(row.get(field))),
    )


def read_funding_now(decoded: object, known: Instruments, hours: Mapping[str, float]) -> Parsed:
    """Return the funding that is due next; the answer is one row or all of them.

    `hours` says how often it is paid by the venue's name, as `read_funding_rules` returns it.
    """

    def row(raw: object) -> Funding:
        said = body(raw)
        mine = instrument(said.get("symbol"), known)
        return Funding(
            venue=VENUE,
            symbol=mine.symbol,
            ts=time_ms(said.get("time")),
            rate=rate(said.get("lastFundingRate")),
            funding_ts=time_ms(said.get("nextFundingTime")),
            interval_h=hours.get(mine.native),
        )

    return _rows([decoded] if isinstance(decoded, dict) else decoded, row)


def read_funding_rules(decoded: object) -> tuple[dict[str, float], Counter[Dropped]]:
    """Return how many hours apart funding is paid, by the venue's name of a symbol.

    One that is absent is not said to be eight hours: its interval follows from two payments.
    """

    def row(raw: object) -> tuple[str, float]:
        said = body(raw)
        hours = amount(said.get("fundingIntervalHours"))
        if not 0 < hours <= 24:
            raise Unfit(Dropped.IMPOSSIBLE)
        return _name(said.get("symbol")), hours

    made, dropped = _each(decoded, row)
    return dict(made), dropped


def read_funding_history(decoded: object, known: Instrument) -> Parsed:
    """Return what was paid, oldest first; the interval of each is the time since the one before it."""

    def row(raw: object) -> Funding:
        said = body(raw)
        _check_symbol(said, known)
        paid_ms = time_ms(said.get("fundingTime"))
        return Funding(
            venue=VENUE,
            symbol=known.symbol,
            ts=paid_ms,
            rate=rate(said.get("fundingRate")),
            funding_ts=paid_ms,
            settled=True,
        )

    made, dropped = _each(decoded, row)
    made.sort(key=lambda funding: funding.ts)
    spaced = [
        replace(one, interval_h=_apart_h(made[index - 1], one)) if index else one
        for index, one in enumerate(made)
    ]
    return Parsed(events=tuple(spaced), dropped=dropped)


def _apart_h(earlier: Funding, later: Funding) -> float | None:
    """Return the whole hours between two payments where that is an interval there is, else None."""
    hours = round((later.ts - earlier.ts) / HOUR_MS)
    near = abs(later.ts - earlier.ts - hours * HOUR_MS) < HOUR_MS / 60
    return float(hours) if near and hours in PAID_EVERY_H else None


def read_long_short(decoded: object, known: Instrument, kind: str, step_ms: int) -> Parsed:
    """Return ratios of longs to shorts, by `kind` of whom they count."""

    def row(raw: object) -> LongShortRatio:
        said = body(raw)
        _check_symbol(said, known)
        return LongShortRatio(
            venue=VENUE,
            symbol=known.symbol,
            ts=_stamp(said.get("timestamp")),
            step_ms=step_ms,
            kind=kind,
            ratio=amount(said.get("longShortRatio")),
        )

    return _rows(decoded, row)


def _check_symbol(row: Body, known: Instrument) -> None:
    """Refuse a row that is about another symbol than was asked for."""
    if row.get("symbol", known.native) != known.native:
        raise Unfit(Dropped.CONTRADICTORY)


def _stamp(raw: object) -> int:
    """Return a time in ms; these answers have it as text in some of the venue's own examples."""
    if isinstance(raw, str) and raw.isascii() and raw.isdigit() and len(raw) == 13:
        return time_ms(int(raw))
    return time_ms(raw)


def _rows(rows: object, read: Callable[[object], VenueEvent]) -> Parsed:
    """Return every row that holds an event, and count the others."""
    made, dropped = _each(rows, read)
    return Parsed(events=tuple(made), dropped=dropped)


def _each(rows: object, read: Callable[[object], _Made]) -> tuple[list[_Made], Counter[Dropped]]:
    """Return what rows become, and why the others become nothing; no list of rows counts as one."""
    dropped: Counter[Dropped] = Counter()
    made: list[_Made] = []
    if not isinstance(rows, list):
        return made, Counter({Dropped.MALFORMED: 1})
    for row in rows:
        try:
            made.append(read(row))
        except Unfit as unfit:
            dropped[unfit.reason] += 1
    return made, dropped
