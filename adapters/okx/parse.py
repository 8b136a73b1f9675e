"""Turn OKX's WebSocket frames into events.

The live price is the **mark price**: it is what liquidates, it comes at most five times a second however
many trades there are, and at least every ten seconds, so that silence means a fault. Trades are understood as
well, for whoever asks for them.
"""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from adapters.decoding import decoded
from adapters.instruments import Instrument, Instruments
from adapters.okx import rows
from adapters.okx.gather import details, gather, told_apart, tried_list
from adapters.okx.topics import BARS, topic_of
from adapters.okx.values import Refused
from adapters.parsed import Answer, Dropped, Found, Parsed, lost
from engine.model import STEP_MS, VenueEvent

BACKLOG_MS = 30_000
"""A liquidation that is older when it arrives is backlog: the first frame after subscribing may be stale."""
CLOSING = "64008"
_PONGS = ("pong", b"pong")
_CANDLES = {step_ms: f"candle{bar}" for step_ms, bar in BARS.items()}
_NAMED = re.compile(r"channel:\s*([^\s,]+),\s*(?:instId|instType):\s*([^\s,]+)")


class _Asked(NamedTuple):
    """What a frame is about, and what is needed to read it."""

    native: object
    kind: object
    instruments: Instruments
    received_ms: int
    step_ms: int


_Reader = Callable[[rows.Row, Instrument], VenueEvent]

_READERS: Mapping[str, _Reader] = {
    "mark-price": lambda row, instrument: rows.tick(row, instrument, field="markPx"),
    "trades": lambda row, instrument: rows.tick(row, instrument, field="px"),
    "trades-all": lambda row, instrument: rows.tick(row, instrument, field="px"),
    "open-interest": rows.open_interest,
    "funding-rate": rows.funding,
}


def parse(
    frame: str | bytes, instruments: Instruments, received_ms: int, *, step_ms: int = STEP_MS
) -> Parsed:
    """Return what a frame says; never raises, and counts what is dropped.

    `received_ms` is our clock, set right by what is known of OKX's. Candles are taken of `step_ms` only: a
    candle does not say how long it is.
    """
    if frame in _PONGS:
        return Parsed(alive=True)
    try:
        message = decoded(frame)
    except (ValueError, RecursionError):
        return lost(Dropped.NOT_JSON)
    if not isinstance(message, dict):
        return lost(Dropped.UNKNOWN)
    if "event" in message:
        return _event(message)
    arg, data = message.get("arg"), message.get("data")
    if not isinstance(arg, dict) or not isinstance(data, list):
        return lost(Dropped.UNKNOWN)
    asked = _Asked(arg.get("instId"), arg.get("instType"), instruments, received_ms, step_ms)
    return _data(arg.get("channel"), data, asked)


def _data(channel: object, data: list[object], asked: _Asked) -> Parsed:
    """Return what the rows of a channel say."""
    if channel == "liquidation-orders":
        return _liquidations(data, asked)
    if channel == "instruments":
        return Parsed(alive=True)
    if not isinstance(channel, str):
        return lost(Dropped.MALFORMED)
    if channel == _CANDLES.get(asked.step_ms):
        return gather(_candle(row, asked) for row in data)
    reader = _READERS.get(channel)
    if reader is None:
        return lost(Dropped.UNKNOWN)
    return gather(_row(row, reader, asked) for row in data)


def _row(row: object, reader: _Reader, asked: _Asked) -> Found:
    if not isinstance(row, dict):
        return Dropped.MALFORMED
    try:
        return reader(row, rows.instrument_of(row, asked.native, asked.instruments))
    except Refused as refused:
        return refused.reason


def _candle(row: object, asked: _Asked) -> Found:
    return tried_list(
        row, lambda each: rows.candle(each, rows.find(asked.native, asked.instruments), asked.step_ms)
    )


def _liquidations(data: list[object], asked: _Asked) -> Parsed:
    """Return every detail of every contract."""
    parsed = gather(
        each for row in data for each in details(row, asked.kind, asked.instruments, asked.received_ms)
    )
    events = tuple(told_apart(parsed.events))
    backlog = any(event.received_ms - event.ts > BACKLOG_MS for event in events)
    return Parsed(events=events, dropped=parsed.dropped, alive=parsed.alive, backlog=backlog)


def _event(message: Mapping[str, object]) -> Parsed:
    """Return what OKX says of requests and of the connection."""
    kind = message["event"]
    if kind in ("subscribe", "unsubscribe"):
        return Parsed(answers=(_answer(message, ok=True),))
    if kind in ("error", "channel-conn-count-error"):
        return Parsed(answers=(_answer(message, ok=False),))
    if kind == "notice" and str(message.get("code")) == CLOSING:
        return Parsed(closing=True)
    if kind == "channel-conn-count":
        return Parsed(alive=True)
    return lost(Dropped.UNKNOWN)


def _answer(message: Mapping[str, object], *, ok: bool) -> Answer:
    """Return an answer; a refusal names its topic in its words, if at all."""
    words = _words(message.get("msg"))
    topic = topic_of(message.get("arg"))
    if not topic and (named := _NAMED.search(words)):
        topic = f"{named[1]}:{named[2]}"
    return Answer(
        ok=ok,
        request_id=_words(message.get("id")),
        code=_words(message.get("code")),
        text=words,
        topics=(topic,) if topic else (),
    )


def _words(value: object) -> str:
    """Return text or a number as text: codes are text, but nothing hangs on it."""
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
