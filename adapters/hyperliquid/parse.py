"""Turn Hyperliquid's WebSocket frames into the engine's messages.

The live price is the mark price of `activeAssetCtx`: it is what liquidates here, it comes with open interest
and funding on one subscription, and it has no backlog. It carries no time, so its events are of the moment
they came in. `trades` are read too, for whoever subscribes to them: their first frames hold old trades
without saying so, up to hours on thin coins, and are told by their age.

Candles have no closed flag: `parse` hands out forming ones, `Bars` closes a candle when a later one comes.
"""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace

from adapters.hyperliquid.contexts import read_context, universe_of
from adapters.hyperliquid.fields import (
    VENUE,
    Batch,
    Row,
    Unreadable,
    bought,
    decoded,
    each_row,
    instrument,
    moment,
    not_negative,
    plain,
    positive,
    row,
    rows,
    text,
)
from adapters.hyperliquid.fills import VAULTS, read_fills
from adapters.hyperliquid.topics import INTERVAL, topic_of
from adapters.instruments import Instrument, Instruments
from adapters.parsed import Answer, Dropped, Parsed, Tally, lost
from engine.model import STEP_MS, Candle, Tick, VenueEvent

GREETING = "Websocket connection established."
"""The first frame of a connection, not JSON; it may be left out."""
BACKLOG_MS = 60_000
"""A frame with a trade older than this is backlog. The clock must not be off by as much."""
_CODES = (
    ("Already subscribed", "already_subscribed", True),
    ("Already unsubscribed", "already_unsubscribed", True),
    ("Cannot track more than", "too_many_users", False),
)
"""How sentences begin that mean something else than a refusal of a topic, and whether that is good."""

Reader = Callable[[Batch, object, Instruments, AbstractSet[str]], None]


def parse(
    frame: str | bytes, instruments: Instruments, received_ms: int, *, vaults: AbstractSet[str] = VAULTS
) -> Parsed:
    """Return what a frame holds; never raise. `received_ms` is our time, corrected for a known skew.

    `vaults` are the venue's own addresses: what is liquidated of them is internal.
    """
    try:
        said = frame.decode() if isinstance(frame, bytes) else frame
    except UnicodeDecodeError:
        return lost(Dropped.NOT_JSON)
    if said.strip() == GREETING:
        return Parsed(alive=True)
    batch = Batch(received_ms)
    try:
        message = row(decoded(said))
        channel = message.get("channel")
        reader = _READERS.get(channel) if isinstance(channel, str) else None
        if reader is None:
            raise Unreadable(Dropped.UNKNOWN)
        reader(batch, message.get("data"), instruments, vaults)
    except Unreadable as error:
        batch.dropped[error.reason] += 1
    return batch.parsed()


def candle_of(found: Row, traded: Instrument, step_ms: int, received_ms: int) -> Candle:
    """Return one candle as it stands, forming; raise Unreadable for one that cannot be."""
    ts = moment(found.get("t"), received_ms)
    if ts % step_ms:
        raise Unreadable(Dropped.IMPOSSIBLE)
    if found.get("T") not in (None, ts + step_ms - 1):
        raise Unreadable(Dropped.CONTRADICTORY)
    opened, high, low, close = (traded.price(positive(found.get(name))) for name in "ohlc")
    if not low <= min(opened, close) <= max(opened, close) <= high:
        raise Unreadable(Dropped.CONTRADICTORY)
    return Candle(
        venue=VENUE,
        symbol=traded.symbol,
        ts=ts,
        open=opened,
        high=high,
        low=low,
        close=close,
        volume=traded.quantity(not_negative(found.get("v"))),
        closed=False,
    )


class Bars:
    """Close candles: the last one of each symbol is kept until a later one comes.

    A candle that goes back in time, or shrinks, is an old message come late, and is dropped. After a
    connection was lost, `forget` what is kept: its last trades may have been missed, and the closed candle
    is asked for by REST.
    """

    def __init__(self) -> None:
        self._forming: dict[str, Candle] = {}

    def __len__(self) -> int:
        return len(self._forming)

    def forget(self, symbol: str | None = None) -> None:
        """Let go of one symbol's forming candle, or of all."""
        if symbol is None:
            self._forming.clear()
        else:
            self._forming.pop(symbol, None)

    def close(self, parsed: Parsed) -> Parsed:
        """Return the same with candles closed: each closed one stands before the first of the next."""
        if not any(isinstance(event, Candle) for event in parsed.events):
            return parsed
        events: list[VenueEvent] = []
        dropped = Tally(parsed.dropped)
        for event in parsed.events:
            if not isinstance(event, Candle):
                events.append(event)
                continue
            kept = self._forming.get(event.symbol)
            if kept is not None and (event.ts, event.volume) < (kept.ts, kept.volume):
                dropped[Dropped.CONTRADICTORY] += 1
                continue
            if kept is not None and event.ts > kept.ts:
                events.append(replace(kept, closed=True))
            self._forming[event.symbol] = event
            events.append(event)
        return replace(parsed, events=tuple(events), dropped=dropped)


def _trades(batch: Batch, data: object, instruments: Instruments, _: AbstractSet[str]) -> None:
    """Read trades as prices, in order of time; trades in a row at one price are one."""
    found: list[Tick] = []
    for trade in each_row(rows(data), batch.dropped):
        try:
            traded = instrument(instruments, trade.get("coin"))
            price = traded.price(positive(trade.get("px")))
            ts = moment(trade.get("time"), batch.received_ms)
            positive(trade.get("sz"))
            bought(trade.get("side"))
        except Unreadable as error:
            batch.dropped[error.reason] += 1
            continue
        found.append(Tick(venue=VENUE, symbol=traded.symbol, ts=ts, price=price))
    found.sort(key=lambda tick: tick.ts)
    last: dict[str, float] = {}
    for tick in found:
        if last.get(tick.symbol) != tick.price:
            batch.events.append(tick)
        last[tick.symbol] = tick.price
    batch.backlog = bool(found) and found[0].ts < batch.received_ms - BACKLOG_MS


def _candle(batch: Batch, data: object, instruments: Instruments, _: AbstractSet[str]) -> None:
    found = row(data)
    traded = instrument(instruments, found.get("s"))
    if text(found.get("i")) != INTERVAL:
        raise Unreadable(Dropped.UNKNOWN)
    batch.events.append(candle_of(found, traded, STEP_MS, batch.received_ms))


def _context(batch: Batch, data: object, instruments: Instruments, _: AbstractSet[str]) -> None:
    found = row(data)
    read_context(batch, row(found.get("ctx")), instrument(instruments, found.get("coin")))


def _all_contexts(batch: Batch, data: object, instruments: Instruments, _: AbstractSet[str]) -> None:
    """Read the contexts of the main dex (""); those of others, whose coins are not ours, are counted."""
    for pair in rows(row(data).get("ctxs")):
        if not isinstance(pair, list) or len(pair) != 2 or not isinstance(pair[0], str):
            batch.dropped[Dropped.MALFORMED] += 1
        elif pair[0] == "":
            universe_of(batch, rows(pair[1]), instruments)
        elif others := rows(pair[1]):
            batch.dropped[Dropped.NOT_LINEAR] += len(others)


def _fills(batch: Batch, data: object, instruments: Instruments, vaults: AbstractSet[str]) -> None:
    found = row(data)
    user = text(found.get("user"))
    read_fills(batch, found.get("fills"), user, instruments, vaults)
    batch.backlog = found.get("isSnapshot") is True


def _spot(batch: Batch, data: object, instruments: Instruments, _: AbstractSet[str]) -> None:
    raise Unreadable(Dropped.NOT_LINEAR)


def _pong(batch: Batch, data: object, instruments: Instruments, _: AbstractSet[str]) -> None:
    batch.alive = True


def _subscribed(batch: Batch, data: object, instruments: Instruments, _: AbstractSet[str]) -> None:
    """Read the answer to a subscription: it is repeated, with defaults filled in."""
    found = row(data)
    method = found.get("method")
    if method not in ("subscribe", "unsubscribe"):
        raise Unreadable(Dropped.UNKNOWN)
    topic = topic_of(found.get("subscription"))
    batch.answers.append(Answer(ok=True, code=str(method), topics=(topic,) if topic else ()))


def _error(batch: Batch, data: object, instruments: Instruments, _: AbstractSet[str]) -> None:
    """Read a refusal: a sentence, with what was asked for inside it where we are lucky.

    To be subscribed already is what was wanted, and so for the contrary.
    """
    words = plain(data, limit=2000)
    code, ok = next(((code, ok) for start, code, ok in _CODES if words.startswith(start)), ("error", False))
    topic = topic_of(_inside(words))
    batch.answers.append(Answer(ok=ok, code=code, text=words[:300], topics=(topic,) if topic else ()))


def _inside(words: str) -> object:
    """Return the subscription that a sentence quotes, bare or in its request; None where there is none."""
    first, last = words.find("{"), words.rfind("}")
    if not 0 <= first < last:
        return None
    try:
        found = decoded(words[first : last + 1])
    except Unreadable:
        return None
    inner = found.get("subscription") if isinstance(found, dict) else None
    return found if inner is None else inner


_READERS: Mapping[str, Reader] = {
    "activeAssetCtx": _context,
    "trades": _trades,
    "candle": _candle,
    "userFills": _fills,
    "allDexsAssetCtxs": _all_contexts,
    "activeSpotAssetCtx": _spot,
    "pong": _pong,
    "subscriptionResponse": _subscribed,
    "error": _error,
}
