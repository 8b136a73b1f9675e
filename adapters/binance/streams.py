"""Plan Binance's streams: which topics there are, how they are asked for and shared out over connections.

Everything that is read is market data, which flows at `/market` alone: at the host's other paths the same
requests are accepted and then nothing ever comes. Open interest is on no stream.
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from adapters.binance.bars import VENUE
from adapters.binance.parse import INTERVAL, parse
from adapters.binance.rest import judge
from adapters.instruments import Instrument, Instruments, Status
from adapters.parsed import Parsed
from adapters.rest.limits import Limit
from adapters.rest.verdicts import Answered, Verdict
from adapters.stream.dialect import Channel, Manners, Op, Parser, Request
from adapters.venue import Feed

HOST = "wss://fstream.binance.com"
PATH = "/market/stream"
URL = HOST + PATH
"""Frames come wrapped with the name of their stream."""
FORCED = "!forceOrder@arr"
FEEDS = frozenset({Feed.LIQUIDATIONS, Feed.PRICES, Feed.CANDLES, Feed.FUNDING})
"""What the streams give; open interest and ratios are asked for."""

TOPICS = 200
"""Topics of a connection: 1024 by the newest page, 200 by an older one; fewer lose less when it dies."""
BATCH = 50
"""Topics of a message."""
CHARS = 4000
"""Characters of a message's topics; no length is documented, so messages are kept small."""

LIFE_S = 23 * 3600.0
"""How long a connection is used before another one takes its place: the venue cuts it after 24 hours."""
MANNERS = Manners(
    messages=Limit(name="messages", budget=5, window_s=1.0),
    connects=Limit(name="connects", budget=100, window_s=300.0),
    connections=16,
    silent_s=240.0,
    life_s=LIFE_S,
)
"""Ten messages a second are taken, pongs among them. The venue pings every three minutes and the sockets
answer, so that nothing else need be sent."""

MARK_SILENT_S = 30.0
FORCED_SILENT_S = 300.0
TRADE_SILENT_S = 300.0
CANDLE_SILENT_S = 300.0
"""A mark price comes every three seconds whatever happens, a forced order of some symbol mostly within
seconds. Trades and candles come when somebody trades, and not at all when nobody does."""


def channels(instruments: Iterable[Instrument], feeds: Collection[Feed], *, url: str = URL) -> list[Channel]:
    """Return the topics that give some feeds of some instruments.

    Forced orders of all symbols are one topic, sampled no more than a symbol's own, and its silence means
    something. What does not trade is left out: its topics would be accepted and stay silent.
    """
    found: list[Channel] = []
    if Feed.LIQUIDATIONS in feeds:
        topic = Channel(topic=FORCED, feed=Feed.LIQUIDATIONS, url=url, silent_s=FORCED_SILENT_S)
        found.append(topic)
    for each in instruments:
        if each.status is Status.TRADING:
            found += _of_symbol(each, feeds, url)
    return found


def _of_symbol(known: Instrument, feeds: Collection[Feed], url: str) -> Iterator[Channel]:
    """Yield the topics of one symbol; their names are in small letters, but not what follows the symbol."""
    names = {
        Feed.PRICES: ("aggTrade", TRADE_SILENT_S),
        Feed.CANDLES: (f"kline_{INTERVAL}", CANDLE_SILENT_S),
        Feed.FUNDING: ("markPrice", MARK_SILENT_S),
    }
    for feed, (name, silent_s) in names.items():
        if feed in feeds:
            yield Channel(
                topic=f"{known.native.lower()}@{name}",
                feed=feed,
                url=url,
                silent_s=silent_s,
                symbol=known.symbol,
                steady=feed is Feed.FUNDING,
            )


class Binance:
    """Be the dialect of Binance's streams.

    `instruments` is asked at every frame, so that a renewed list is used by connections that are open. A
    connection is replaced after `life_s` seconds.
    """

    def __init__(self, instruments: Callable[[], Instruments], *, life_s: float = LIFE_S) -> None:
        self._instruments = instruments
        self._manners = replace(MANNERS, life_s=life_s)

    @property
    def venue(self) -> str:
        """Return the venue's name."""
        return VENUE

    @property
    def manners(self) -> Manners:
        """Return how Binance wants its sockets to be used."""
        return self._manners

    def fits(self, channels: Sequence[Channel]) -> bool:
        """Say whether one connection may carry these channels."""
        return len(channels) <= TOPICS

    def requests(self, op: Op, topics: Sequence[str], numbers: Iterator[int]) -> Sequence[Request]:
        """Return the messages that ask for topics; an id must be an unsigned integer.

        That a request is accepted proves nothing: topics that do not exist are accepted too.
        """
        return [_request(op, batch, next(numbers)) for batch in _batches(topics)]

    def heartbeat(self, number: int) -> str:
        """Return nothing: the venue pings, and a text that it does not know costs one of ten messages."""
        return ""

    def parser(self) -> Parser:
        """Return a parser; frames stand for themselves, so that all connections share it."""

        def read(frame: str | bytes, received_ms: int) -> Parsed:
            return parse(frame, self._instruments(), received_ms)

        return read

    def judge(self, answered: Answered) -> Verdict:
        """Say what it means that a handshake was refused."""
        return judge(answered)


def _request(op: Op, topics: tuple[str, ...], number: int) -> Request:
    said = {"method": op.value.upper(), "params": topics, "id": number}
    return Request(request_id=str(number), text=json.dumps(said, ensure_ascii=False), topics=topics)


def _batches(topics: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """Yield topics in groups that fit a message."""
    batch: list[str] = []
    chars = 0
    for topic in topics:
        if batch and (len(batch) == BATCH or chars + len(topic) > CHARS):
            yield tuple(batch)
            batch, chars = [], 0
        batch.append(topic)
        chars += len(topic)
    if batch:
        yield tuple(batch)
