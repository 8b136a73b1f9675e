"""Plan Bybit's public linear stream: which topics there are, how they are asked for and shared out.

One socket serves one category. There is no topic for all symbols, so each has its own three.
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from adapters.bybit.fields import VENUE
from adapters.bybit.parse import INTERVAL, Parser, message_id
from adapters.bybit.rest import judge_handshake
from adapters.instruments import Instrument, Instruments, Status
from adapters.parsed import Parsed
from adapters.rest.limits import Limit
from adapters.rest.verdicts import Answered, Verdict
from adapters.stream.dialect import Channel, Manners, Op, Request
from adapters.stream.dialect import Parser as Parse
from adapters.venue import Feed

URL = "wss://stream.bybit.com/v5/public/linear"
FEEDS = frozenset({Feed.LIQUIDATIONS, Feed.PRICES, Feed.OPEN_INTEREST, Feed.FUNDING, Feed.CANDLES})
"""What the stream gives; long/short ratios are asked for."""

ARGS_CHARS = 21_000
"""Characters of topics that a connection may hold, by Bybit's count; here with their quotes and commas."""
TOPICS = 300
"""Topics of a connection: far fewer than would fit, so that a lost connection loses less."""
BATCH = 10
"""Topics of a message. One that is gone fails all of its message, so it should be small."""

MANNERS = Manners(
    messages=Limit(name="messages", budget=10, window_s=1.0),
    connects=Limit(name="connects", budget=100, window_s=300.0),
    connections=16,
    batches_fail=True,
    heartbeat_s=20.0,
    silent_s=45.0,
)
"""Bybit allows 500 connections in five minutes and says nothing of messages. It cuts who sends no ping for
ten minutes; a pong answers each, so two that are missing are enough to know. No connection is cut for age."""

TICKER_SILENT_S = 60.0
CANDLE_SILENT_S = 150.0
"""A ticker comes ten times a second, a candle at least once a minute; liquidations may not come for hours."""

_BY_TICKER = frozenset({Feed.PRICES, Feed.OPEN_INTEREST, Feed.FUNDING})


def channels(instruments: Iterable[Instrument], feeds: Collection[Feed], url: str = URL) -> list[Channel]:
    """Return the topics that give some feeds of some instruments.

    One topic gives price, open interest and funding. What does not trade is left out: the topic of a symbol
    that is gone would fail every other one that is asked for with it.
    """
    found: list[Channel] = []
    for each in instruments:
        if each.status is not Status.TRADING:
            continue
        native = each.native
        if Feed.LIQUIDATIONS in feeds:
            found.append(Channel(topic=f"allLiquidation.{native}", feed=Feed.LIQUIDATIONS, url=url))
        if _BY_TICKER.intersection(feeds):
            found.append(
                Channel(
                    topic=f"tickers.{native}",
                    feed=Feed.PRICES,
                    url=url,
                    silent_s=TICKER_SILENT_S,
                    symbol=each.symbol,
                    also=_BY_TICKER,
                )
            )
        if Feed.CANDLES in feeds:
            topic = f"kline.{INTERVAL}.{native}"
            found.append(
                Channel(topic=topic, feed=Feed.CANDLES, url=url, silent_s=CANDLE_SILENT_S, symbol=each.symbol)
            )
    return found


def args_chars(topics: Iterable[str]) -> int:
    """Return what topics count against `ARGS_CHARS`: as written, each with its quotes and a comma."""
    return sum(len(json.dumps(topic, ensure_ascii=False)) + 1 for topic in topics)


class Bybit:
    """Be the dialect of Bybit's stream.

    `instruments` is asked at every frame, so that a renewed list is used by connections that are open.
    """

    def __init__(self, instruments: Callable[[], Instruments]) -> None:
        self._instruments = instruments

    @property
    def venue(self) -> str:
        """Return the venue's name."""
        return VENUE

    @property
    def manners(self) -> Manners:
        """Return how Bybit wants its sockets to be used."""
        return MANNERS

    def fits(self, channels: Sequence[Channel]) -> bool:
        """Say whether one connection may carry these channels."""
        return len(channels) <= TOPICS and args_chars(each.topic for each in channels) <= ARGS_CHARS

    def requests(self, op: Op, topics: Sequence[str], numbers: Iterator[int]) -> Sequence[Request]:
        """Return the messages that ask for topics, ten in each; their ids say how many."""
        found: list[Request] = []
        for first in range(0, len(topics), BATCH):
            batch = tuple(topics[first : first + BATCH])
            number = message_id(next(numbers), len(batch))
            text = json.dumps({"req_id": number, "op": op.value, "args": batch}, ensure_ascii=False)
            found.append(Request(request_id=number, text=text, topics=batch))
        return found

    def heartbeat(self, number: int) -> str:
        """Return a ping; its answer has op "ping" as well, and is told by its words."""
        return json.dumps({"req_id": str(number), "op": "ping"})

    def parser(self) -> Parse:
        """Return a parser of one connection: what tickers said stands for that connection alone."""
        own = Parser()

        def parse(frame: str | bytes, received_ms: int) -> Parsed:
            return own.parse(frame, self._instruments(), received_ms)

        return parse

    def judge(self, answered: Answered) -> Verdict:
        """Say what it means that a stream was not opened."""
        return judge_handshake(answered)
