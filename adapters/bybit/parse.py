"""Turn Bybit's public linear frames into events. Nothing here raises for what comes in, or invents.

Topics that are read: `allLiquidation`, `tickers` and `kline.5`. Bybit neither announces that it will close a
connection nor sends what is past, so nothing is ever marked as closing or as backlog.
"""

import math
import re
from collections.abc import Mapping

from adapters.bybit.bars import bar
from adapters.bybit.fields import VENUE, instant, known, plain, positive
from adapters.bybit.tickers import Tickers
from adapters.decoding import decoded
from adapters.instruments import Instrument, Instruments
from adapters.parsed import Answer, Dropped, Parsed, collected, lost
from engine.model import STEP_MS, Candle, Liquidation, PriceKind, Side

SIDES = {"Buy": Side.LONG, "Sell": Side.SHORT}
"""Whose position was closed. Bybit names the POSITION here, where others name the order that closed it."""
INTERVAL = str(STEP_MS // 60_000)
"""The one interval of live candles, in minutes: an event does not carry its length."""

ALREADY = "already"
BAD_TOPIC = "bad topic"

_TOPIC = re.compile(r"[A-Za-z]+\.[^\s,\[\]\"']+")


class Parser:
    """Parse the frames of any number of connections; the state is what tickers last said."""

    def __init__(self) -> None:
        self._tickers = Tickers()

    def parse(self, frame: str | bytes, instruments: Instruments, received_ms: int) -> Parsed:
        """Return what a frame holds; `received_ms` is our clock at its arrival, in ms UTC."""
        try:
            message = decoded(frame)
        except (ValueError, RecursionError):
            return lost(Dropped.NOT_JSON)
        if not isinstance(message, dict):
            return lost(Dropped.UNKNOWN)
        topic = message.get("topic")
        if not isinstance(topic, str):
            return _said(message)
        kind, _, rest = topic.partition(".")
        if kind == "allLiquidation":
            return _rows(rest, message, instruments, received_ms)
        if kind == "tickers":
            return self._ticker(rest, message, instruments)
        return _klines(rest, message, instruments) if kind == "kline" else lost(Dropped.UNKNOWN)

    def _ticker(self, native: str, message: Mapping[str, object], instruments: Instruments) -> Parsed:
        instrument = known(native, instruments)
        if isinstance(instrument, Dropped):
            return lost(instrument)
        return collected(self._tickers.take(message, instrument))

    def forget(self) -> None:
        """Let go of what tickers said, for a connection that starts anew; its snapshots come first."""
        self._tickers.forget()


def parse(frame: str | bytes, instruments: Instruments, received_ms: int) -> Parsed:
    """Parse one frame by itself; of a ticker's delta only what it holds is known."""
    return Parser().parse(frame, instruments, received_ms)


def _rows(native: str, message: Mapping[str, object], instruments: Instruments, received_ms: int) -> Parsed:
    rows = message.get("data")
    if not isinstance(rows, list):
        return lost(Dropped.MALFORMED)
    instrument = known(native, instruments)
    if isinstance(instrument, Dropped):
        return lost(instrument, len(rows)) if rows else Parsed()
    seen: dict[tuple[object, ...], int] = {}
    return collected(_liquidation(row, instrument, received_ms, seen) for row in rows)


def _liquidation(
    row: object, instrument: Instrument, received_ms: int, seen: dict[tuple[object, ...], int]
) -> Liquidation | Dropped:
    """Return one event; `seen` counts equal ones of the frame, which are as real as any other."""
    if not isinstance(row, dict) or row.get("S") not in ("Buy", "Sell"):
        return Dropped.MALFORMED
    if row.get("s") != instrument.native:
        return Dropped.CONTRADICTORY
    ts, sizes = instant(row.get("T")), _sizes(row, instrument)
    if isinstance(ts, Dropped):
        return ts
    if isinstance(sizes, Dropped):
        return sizes
    price, coins = sizes
    same = (row["S"], ts, price, coins)
    nth = seen.get(same, 0)
    seen[same] = nth + 1
    return Liquidation(
        venue=VENUE,
        symbol=instrument.symbol,
        side=SIDES[row["S"]],
        price=price,
        price_kind=PriceKind.BANKRUPTCY,
        quantity=coins,
        notional_usd=coins * price,
        ts=ts,
        received_ms=received_ms,
        nth=nth,
    )


def _sizes(row: Mapping[str, object], instrument: Instrument) -> tuple[float, float] | Dropped:
    """Return the price of one coin and the coins of a liquidation, or why they are none."""
    price, quantity = positive(row.get("p")), positive(row.get("v"))
    if isinstance(price, Dropped):
        return price
    if isinstance(quantity, Dropped):
        return quantity
    price, quantity = instrument.price(price), instrument.quantity(quantity)
    return (price, quantity) if 0.0 < price * quantity < math.inf else Dropped.IMPOSSIBLE


def _klines(rest: str, message: Mapping[str, object], instruments: Instruments) -> Parsed:
    interval, _, native = rest.partition(".")
    rows = message.get("data")
    if not isinstance(rows, list):
        return lost(Dropped.MALFORMED)
    if interval != INTERVAL:
        return lost(Dropped.UNKNOWN, len(rows)) if rows else Parsed()
    instrument = known(native, instruments)
    if isinstance(instrument, Dropped):
        return lost(instrument, len(rows)) if rows else Parsed()
    return collected(_kline(row, instrument) for row in rows)


def _kline(row: object, instrument: Instrument) -> Candle | Dropped:
    if not isinstance(row, dict) or not isinstance(row.get("confirm"), bool):
        return Dropped.MALFORMED
    start, end = instant(row.get("start")), instant(row.get("end"))
    if isinstance(start, Dropped):
        return start
    if isinstance(end, Dropped):
        return end
    if row.get("interval") != INTERVAL or end != start + STEP_MS - 1:
        return Dropped.CONTRADICTORY
    values = [row.get(name) for name in ("open", "high", "low", "close", "volume", "turnover")]
    return bar(instrument, start, values, STEP_MS, closed=row["confirm"])


def _said(message: Mapping[str, object]) -> Parsed:
    """Read what is no push: an answer to a request, or a pong.

    A pong of the public linear stream has op "ping", and its word in `ret_msg`; elsewhere op is "pong".
    """
    ok, text = message.get("success"), plain(message.get("ret_msg"))
    if message.get("op") == "pong" or (text == "pong" and ok is not False):
        return Parsed(alive=True)
    if not isinstance(ok, bool):
        return lost(Dropped.UNKNOWN)
    request_id = plain(message.get("req_id"))
    if ok:
        return Parsed(answers=(Answer(ok=True, request_id=request_id, text=text),))
    return Parsed(answers=(_refused(request_id, text),))


def _refused(request_id: str, text: str) -> Answer:
    """Return what a refusal says of its message, of which it names one topic: all of them failed.

    A topic that is on already is fine. Asked for alone it is answered well; among others nothing is said of
    it, so that the message is asked again in parts, down to that topic alone.
    """
    code, topics = refusal(text), tuple(dict.fromkeys(_TOPIC.findall(text.replace("topic:", " "))))
    if code == ALREADY and topics_asked(request_id) > 1:
        return Answer(ok=False, request_id=request_id, code=code, text=text)
    return Answer(ok=code == ALREADY, request_id=request_id, code=code, text=text, topics=topics)


def message_id(number: int, topics: int) -> str:
    """Return the id of a message that asks for some topics; Bybit repeats it in its answer."""
    return f"{number}.{topics}"


def topics_asked(request_id: str) -> int:
    """Return how many topics a message asked for, by its id; 1 for an id that does not say."""
    _, _, topics = request_id.partition(".")
    return int(topics) if topics.isascii() and topics.isdigit() and len(topics) < 9 else 1


def refusal(text: str) -> str:
    """Return what a refusal means: `already` on, `bad topic`, or "" for anything else."""
    words = text.lower()
    if "already subscribed" in words:
        return ALREADY
    return BAD_TOPIC if "handler not found" in words or "invalid topic" in words else ""
