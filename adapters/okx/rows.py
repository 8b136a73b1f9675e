"""Turn single rows of OKX into events; rows are the same in frames and in answers.

Quantities come in contracts (`sz`, `oi`, the candle's `vol`) or in the base currency (`oiCcy`, `volCcy`): a
contract holds `Instrument.coins` coins, a unit of the base currency `Instrument.priced`.
"""

from collections.abc import Mapping, Sequence

from adapters.instruments import Instrument, Instruments
from adapters.okx.values import Refused, counted, known, moment, number, positive, text, whole
from adapters.parsed import Dropped
from engine.model import HOUR_MS, Candle, Funding, Liquidation, OpenInterest, PriceKind, Side, Tick

Row = Mapping[str, object]

_READ = ("-USDT-SWAP", "-USDC-SWAP")
_CANDLE_FIELDS = 9
_CONFIRMED = {"0": False, "1": True}
_CLOSED_BY = {"sell": Side.LONG, "buy": Side.SHORT}
_POSITION = {"long": Side.LONG, "short": Side.SHORT}


def find(native: object, instruments: Instruments) -> Instrument:
    """Return the instrument of an id; raise Refused, saying whether it is of a kind that is not read."""
    if not isinstance(native, str):
        raise Refused(Dropped.MALFORMED)
    instrument = instruments.native(native)
    if instrument is None:
        raise Refused(Dropped.NO_INSTRUMENT if native.endswith(_READ) else Dropped.NOT_LINEAR)
    return instrument


def instrument_of(row: Row, asked: object, instruments: Instruments) -> Instrument:
    """Return what a row is of: its own id and the one that was asked for must not differ."""
    native = row.get("instId", asked)
    if asked is not None and native != asked:
        raise Refused(Dropped.CONTRADICTORY)
    return find(native, instruments)


def tick(row: Row, instrument: Instrument, *, field: str) -> Tick:
    """Return a price: `markPx` of the mark price, `px` of a trade."""
    return Tick(
        venue=instrument.venue,
        symbol=instrument.symbol,
        ts=moment(row.get("ts")),
        price=whole(instrument.price(positive(row.get(field)))),
    )


def open_interest(row: Row, instrument: Instrument) -> OpenInterest:
    """Return open interest in coins: `oiCcy` needs no contract size, `oi` stands in where it is empty."""
    return OpenInterest(
        venue=instrument.venue,
        symbol=instrument.symbol,
        ts=moment(row.get("ts")),
        open_interest=coins(row.get("oiCcy"), row.get("oi"), instrument),
    )


def coins(base: object, contracts: object, instrument: Instrument) -> float:
    """Return a quantity in coins: of the base currency, or where that is not known, of contracts."""
    if known(base):
        return number(counted(base) * instrument.priced)
    return number(instrument.quantity(counted(contracts)))


def funding(row: Row, instrument: Instrument) -> Funding:
    """Return what is going to be paid; how often is the distance to the time after, where that is said."""
    at_ms = moment(row.get("fundingTime"))
    return Funding(
        venue=instrument.venue,
        symbol=instrument.symbol,
        ts=moment(row.get("ts")),
        rate=rate(row.get("fundingRate")),
        funding_ts=at_ms,
        interval_h=_interval_h(at_ms, row.get("nextFundingTime")),
    )


def _interval_h(at_ms: int, next_time: object) -> float | None:
    """Return hours between two payments, None where the next one is not said or not later."""
    if not known(next_time):
        return None
    next_ms = moment(next_time)
    return (next_ms - at_ms) / HOUR_MS if next_ms > at_ms else None


def rate(value: object) -> float:
    """Return a funding rate as a fraction; raise Refused for one of 100 % or more."""
    found = number(value)
    if abs(found) >= 1.0:
        raise Refused(Dropped.IMPOSSIBLE)
    return found


def candle(row: Sequence[object], instrument: Instrument, step_ms: int) -> Candle:
    """Return a candle of `step_ms`, forming or closed, its volume in coins.

    A row is `[ts, o, h, l, c, contracts, base, quote, confirm]`. One that opens off its mark is refused: so
    are days that open at 16:00 UTC.
    """
    if len(row) < _CANDLE_FIELDS:
        raise Refused(Dropped.MALFORMED)
    ts = moment(row[0])
    first, high, low, last = (instrument.price(positive(value)) for value in row[1:5])
    if ts % step_ms or not low <= min(first, last) <= max(first, last) <= high:
        raise Refused(Dropped.IMPOSSIBLE)
    closed = _CONFIRMED.get(row[8]) if isinstance(row[8], str) else None
    if closed is None:
        raise Refused(Dropped.MALFORMED)
    return Candle(
        venue=instrument.venue,
        symbol=instrument.symbol,
        ts=ts,
        open=whole(first),
        high=high,
        low=whole(low),
        close=last,
        volume=number(counted(row[6]) * instrument.priced),
        quote_volume=counted(row[7]) if known(row[7]) else None,
        closed=closed,
    )


def liquidation(row: Row, instrument: Instrument, received_ms: int) -> Liquidation:
    """Return one liquidation: the order's side says whose it was, and `posSide` may not disagree.

    `bkPx` is what the liquidation account took the position over at, not a fill in the market. `sz` counts
    contracts, and not only whole ones.
    """
    side = _side(text(row, "side"), text(row, "posSide"))
    price = whole(instrument.price(positive(row.get("bkPx"))))
    quantity = whole(instrument.quantity(positive(row.get("sz"))))
    return Liquidation(
        venue=instrument.venue,
        symbol=instrument.symbol,
        side=side,
        price=price,
        price_kind=PriceKind.BANKRUPTCY,
        quantity=quantity,
        notional_usd=whole(quantity * price),
        ts=moment(row.get("ts")),
        received_ms=received_ms,
    )


def _side(order: str, position: str) -> Side:
    """Return whose position an order closed: accounts in one-way mode say `net`, and only the order tells."""
    side = _CLOSED_BY.get(order)
    if side is None or (position not in _POSITION and position not in ("net", "")):
        raise Refused(Dropped.MALFORMED)
    if _POSITION.get(position, side) is not side:
        raise Refused(Dropped.CONTRADICTORY)
    return side
