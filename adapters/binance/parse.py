"""Turn a frame of Binance USD-M futures into events.

Prices are traded prices (`aggTrade`): candles are made of the same trades, so that a price that reaches a
level and the candle that sweeps it agree. The mark price is another series, and frames with it are read for
funding alone. Trades of the insurance fund and of deleveraging are not in `aggTrade`; where the raw trade
stream names them, they are dropped as well.
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from adapters.binance.bars import INTERVALS, VENUE, Bar, candle
from adapters.binance.values import LINEAR, Body, Unfit, amount, body, instrument, price, rate, time_ms
from adapters.decoding import decoded
from adapters.instruments import Instrument, Instruments
from adapters.parsed import Answer, Dropped, Parsed, lost
from engine.model import Candle, Funding, Liquidation, PriceKind, Side, Tick, VenueEvent

INTERVAL = "5m"
"""The candles that are read from streams; a candle does not say its length, so others are dropped."""
_CLOSED_SIDE = {"SELL": Side.LONG, "BUY": Side.SHORT}
"""Whose position an order closed: it is sold to close a long."""


class _Reading(NamedTuple):
    instruments: Instruments
    received_ms: int
    interval: str


def parse(
    frame: str | bytes, instruments: Instruments, received_ms: int, *, interval: str = INTERVAL
) -> Parsed:
    """Return what a WebSocket frame holds; never raise for what came in.

    `received_ms` is when it came, ms UTC. Candles of another length than `interval` are dropped. Frames may
    be raw or wrapped with the name of their stream; events may be single or in an array.
    """
    try:
        said = decoded(frame)
    except (ValueError, RecursionError):
        return lost(Dropped.NOT_JSON)
    if isinstance(said, dict) and "stream" in said and "data" in said:
        said = said["data"]
    reading = _Reading(instruments, received_ms, interval)
    if isinstance(said, list):
        return _many(said, reading)
    if isinstance(said, dict) and "e" not in said:
        return _unnamed(said)
    try:
        return Parsed(events=(_event(said, reading),))
    except Unfit as unfit:
        return lost(unfit.reason)


def _many(items: list[object], reading: _Reading) -> Parsed:
    """Return the events of an array; an empty one is a sign of life."""
    events: list[VenueEvent] = []
    dropped: Counter[Dropped] = Counter()
    for item in items:
        try:
            events.append(_event(item, reading))
        except Unfit as unfit:
            dropped[unfit.reason] += 1
    return Parsed(events=_told_apart(events), dropped=dropped, alive=not items)


def _told_apart(events: list[VenueEvent]) -> tuple[VenueEvent, ...]:
    """Number liquidations that are equal: each happened."""
    seen: Counter[Liquidation] = Counter()
    told: list[VenueEvent] = []
    for event in events:
        if isinstance(event, Liquidation):
            told.append(replace(event, nth=seen[event]) if seen[event] else event)
            seen[event] += 1
        else:
            told.append(event)
    return tuple(told)


def _event(item: object, reading: _Reading) -> VenueEvent:
    """Return one event; raise Unfit with the reason where there is none."""
    said = body(item)
    kind = said.get("e")
    if kind is None:
        raise Unfit(Dropped.UNKNOWN)
    if type(kind) is not str:
        raise Unfit(Dropped.MALFORMED)
    read = _KINDS.get(kind)
    if read is None:
        raise Unfit(Dropped.UNKNOWN)
    return read(said, reading)


def _known(said: Body, reading: _Reading) -> Instrument:
    """Return whose event it is. Coin-margined symbols come on the same streams, marked `st` 2."""
    if said.get("st") not in LINEAR:
        raise Unfit(Dropped.NOT_LINEAR)
    return instrument(said.get("s"), reading.instruments)


def _trade(said: Body, reading: _Reading) -> Tick:
    """Return a trade. One of the spot market has the same shape and name: only its `M` tells it apart."""
    if "M" in said and "st" not in said:
        raise Unfit(Dropped.NOT_LINEAR)
    known = _known(said, reading)
    return Tick(
        venue=VENUE,
        symbol=known.symbol,
        ts=time_ms(said.get("T")),
        price=known.price(price(said.get("p"))),
    )


def _raw_trade(said: Body, reading: _Reading) -> Tick:
    """Return a trade of the market; those of the insurance fund and of deleveraging are the venue's own."""
    if said.get("X", "MARKET") != "MARKET":
        raise Unfit(Dropped.INTERNAL)
    return _trade(said, reading)


def _kline(said: Body, reading: _Reading) -> Candle:
    known = _known(said, reading)
    k = body(said.get("k"))
    if k.get("i") != reading.interval:
        raise Unfit(Dropped.UNKNOWN if isinstance(k.get("i"), str) else Dropped.MALFORMED)
    if k.get("s", known.native) != known.native:
        raise Unfit(Dropped.CONTRADICTORY)
    closed = k.get("x")
    if type(closed) is not bool:
        raise Unfit(Dropped.MALFORMED)
    bar = Bar(
        open_ms=k.get("t"),
        close_ms=k.get("T"),
        open=k.get("o"),
        high=k.get("h"),
        low=k.get("l"),
        close=k.get("c"),
        volume=k.get("v"),
        quote_volume=k.get("q"),
        taker=k.get("V"),
    )
    return candle(bar, known, INTERVALS[reading.interval], closed=closed)


def _mark(said: Body, reading: _Reading) -> Funding:
    """Return the funding that a mark price comes with; how often it is paid, the list of instruments says."""
    known = _known(said, reading)
    return Funding(
        venue=VENUE,
        symbol=known.symbol,
        ts=time_ms(said.get("E")),
        rate=rate(said.get("r")),
        funding_ts=time_ms(said.get("T")),
        interval_h=known.funding_h,
    )


def _forced(said: Body, reading: _Reading) -> Liquidation:
    """Return a forced order: its average fill and what it has filled so far, never its limit price."""
    order = body(said.get("o"))
    if said.get("st") not in LINEAR:
        raise Unfit(Dropped.NOT_LINEAR)
    known = _known(order, reading)
    sold = order.get("S")
    side = _CLOSED_SIDE.get(sold) if type(sold) is str else None
    if side is None:
        raise Unfit(Dropped.MALFORMED)
    at, quantity = known.price(price(order.get("ap"))), known.quantity(_filled(order))
    return Liquidation(
        venue=VENUE,
        symbol=known.symbol,
        side=side,
        price=at,
        price_kind=PriceKind.FILL,
        quantity=quantity,
        notional_usd=quantity * at,
        ts=time_ms(order.get("T")),
        received_ms=reading.received_ms,
    )


def _filled(order: Body) -> float:
    """Return what was closed so far: `z`, or the whole order where that is missing and it is filled."""
    if "z" not in order and order.get("X") != "FILLED":
        raise Unfit(Dropped.MALFORMED)
    filled = amount(order.get("z", order.get("q")))
    if not filled:
        raise Unfit(Dropped.IMPOSSIBLE)
    if "q" in order and filled > amount(order["q"]):
        raise Unfit(Dropped.CONTRADICTORY)
    return filled


def _unnamed(said: Body) -> Parsed:
    """Return an answer to a command. An answer that accepts proves nothing: wrong streams are accepted too.

    Errors come bare or wrapped in `error`.
    """
    request_id = _text(said.get("id"))
    error = said.get("error")
    if error is None and "code" in said and "msg" in said:
        error = said
    if error is not None:
        told = error if isinstance(error, dict) else {"msg": error}
        code, text = _text(told.get("code")), _text(told.get("msg"))
        return Parsed(answers=(Answer(ok=False, request_id=request_id, code=code, text=text),))
    if "result" not in said:
        return lost(Dropped.UNKNOWN)
    result = said["result"]
    topics = tuple(t for t in result if isinstance(t, str)) if isinstance(result, list) else ()
    text = "" if result is None or topics else _text(result)
    return Parsed(answers=(Answer(ok=True, request_id=request_id, text=text, topics=topics),))


def _text(value: object) -> str:
    """Return a text, number or truth value as text, nothing for anything else."""
    if isinstance(value, str):
        return value
    return json.dumps(value) if isinstance(value, (int, float)) else ""


_KINDS: dict[str, Callable[[Body, _Reading], VenueEvent]] = {
    "aggTrade": _trade,
    "trade": _raw_trade,
    "kline": _kline,
    "markPriceUpdate": _mark,
    "forceOrder": _forced,
}
