"""Say how OKX's sockets are used: topics of each feed, where they are had, messages, limits, rhythm, ends."""

import json
from collections.abc import Iterator, Mapping, Sequence

from adapters.instruments import Instrument, Instruments
from adapters.okx import answers, rest
from adapters.okx.parse import parse
from adapters.okx.topics import BARS, SWAP, arg_of
from adapters.parsed import Answer, Parsed
from adapters.rest.limits import Limit
from adapters.rest.verdicts import GOOD, Answered, Verdict, again, by_status, mistake, never
from adapters.stream.dialect import Channel, Manners, Op, Parser, Request
from adapters.venue import Feed
from engine.model import STEP_MS

BASE_URL = "wss://ws.okx.com"
REGIONS = {"global": BASE_URL, "eea": "wss://wseea.okx.com", "us": "wss://wsus.okx.com"}
"""Where each region is served, on port 443: the 8443 of older documents is said to be closed."""

PUBLIC, BUSINESS = "/ws/v5/public", "/ws/v5/business"
FEEDS = frozenset({Feed.CANDLES, Feed.PRICES, Feed.OPEN_INTEREST, Feed.LIQUIDATIONS, Feed.FUNDING})
"""What comes by sockets; ratios are to be asked for."""

PAYLOAD = 60_000
"""Bytes of topics on a connection: OKX takes 64 KB, all requests together."""
TOPICS = 200
"""Topics of a connection. OKX allows it 480 operations an hour, and does not say whether a message is one or
each of its topics: with this many, all can be taken and let go of within the hour in either case."""
BATCH = 50
"""Topics of a message."""
OPERATIONS = 480

MANNERS = Manners(
    messages=Limit(name="okx-messages", budget=5, window_s=1.0),
    connects=Limit(name="okx-connects", budget=3, window_s=1.0),
    operations=Limit(name="okx-operations", budget=OPERATIONS, window_s=3600.0),
    connections=16,
    heartbeat_s=15.0,
    silent_s=30.0,
    passing=frozenset({"60014"}),
)
"""OKX closes a connection on which nothing was said for 30 s. It names no longest life, but gives notice half
a minute or more before it closes one."""

_SILENT_S: Mapping[Feed, float] = {
    Feed.PRICES: 30.0,  # every 10 s at least
    Feed.OPEN_INTEREST: 30.0,  # every 3 s
    Feed.FUNDING: 300.0,  # every 30 to 90 s
    Feed.CANDLES: 900.0,  # at most once a second, and not without a trade
    Feed.LIQUIDATIONS: 3600.0,  # of the whole market, which is never quiet for so long
}
_CHANNELS: Mapping[Feed, str] = {
    Feed.PRICES: "mark-price",
    Feed.OPEN_INTEREST: "open-interest",
    Feed.FUNDING: "funding-rate",
}


class Okx:
    """Speak OKX's dialect. `instruments` is what is known of its contracts; frames that change them renew it.

    `step_ms` is the length of candles, one of BARS; raise KeyError for another.
    """

    venue = answers.VENUE
    manners = MANNERS

    def __init__(self, instruments: Instruments, *, base_url: str = BASE_URL, step_ms: int = STEP_MS) -> None:
        self.instruments = instruments
        self._base_url = base_url.rstrip("/")
        self._step_ms = step_ms
        self._candles = f"candle{BARS[step_ms]}"

    def channels(self, feed: Feed, instrument: Instrument) -> tuple[Channel, ...]:
        """Return the topics that give a feed of a contract, none for what has to be asked for.

        Liquidations come of all contracts at once: the topic is the same for each, to be taken once. Changes
        of contracts come along, since quantities are worth what a contract is.
        """
        if feed is Feed.LIQUIDATIONS:
            return (
                self._channel(f"liquidation-orders:{SWAP}", feed),
                Channel(topic=f"instruments:{SWAP}", feed=feed, url=self._base_url + PUBLIC),
            )
        name = self._candles if feed is Feed.CANDLES else _CHANNELS.get(feed)
        if name is None:
            return ()
        return (self._channel(f"{name}:{instrument.native}", feed, symbol=instrument.symbol),)

    def _channel(self, topic: str, feed: Feed, *, symbol: str = "") -> Channel:
        """Return a topic; all but candles and liquidations come whatever the market does."""
        return Channel(
            topic=topic,
            feed=feed,
            url=self._base_url + (BUSINESS if feed is Feed.CANDLES else PUBLIC),
            silent_s=_SILENT_S[feed],
            symbol=symbol,
            steady=feed in _CHANNELS,
        )

    def fits(self, channels: Sequence[Channel]) -> bool:
        """Say whether one connection may carry these topics."""
        return len(channels) <= TOPICS and sum(_size(each.topic) for each in channels) <= PAYLOAD

    def requests(self, op: Op, topics: Sequence[str], numbers: Iterator[int]) -> list[Request]:
        """Return the messages that ask for topics; each topic is counted as an operation."""
        found: list[Request] = []
        for first in range(0, len(topics), BATCH):
            batch = tuple(topics[first : first + BATCH])
            number = str(next(numbers))
            body = {"id": number, "op": op.value, "args": [arg_of(topic) for topic in batch]}
            words = json.dumps(body, separators=(",", ":"))
            found.append(Request(request_id=number, text=words, topics=batch, weight=len(batch)))
        return found

    def heartbeat(self, number: int) -> str:
        """Return what keeps a connection alive: plain text, without a number, and so is its answer."""
        return "ping"

    def parser(self) -> Parser:
        """Return a parser; all connections share what is known of contracts."""
        return self._read

    def _read(self, frame: str | bytes, received_ms: int) -> Parsed:
        renewed = answers.renewed(frame, self.instruments)
        if renewed is None:
            return parse(frame, self.instruments, received_ms, step_ms=self._step_ms)
        self.instruments = renewed.instruments
        return Parsed(dropped=renewed.dropped, alive=True)

    def judge(self, answered: Answered) -> Verdict:
        """Say what an answer means that refused the WebSocket's handshake: it has no words of OKX's."""
        return by_status(answered)


def _size(topic: str) -> int:
    """Return the bytes that a topic takes in a request."""
    return len(json.dumps(arg_of(topic), separators=(",", ":")).encode()) + 1


_SOON = {"60014": "asks to subscribe less often", "64008": "closes the connection for maintenance"}
_NEVER = {
    "60018": "does not have this topic",
    "64002": "does not give this topic to everybody",
    "64003": "does not give this topic to everybody",
}
_HOUR_S = 3600.0
_ENDS = {
    4004: "heard nothing of us for 30 s",
    4005: "found that we read too slowly",
    4006: "closed the connection after an error of its own",
}
_WRONG_ENDS = {
    1009: "found a message of ours too long",
    4001: "refused a login",
    4002: "did not understand a request",
    4003: "found too many subscriptions",
    4007: "says that the key was changed",
    4008: "found too many topics on the connection",
    4009: "found too many topics on the connection",
}


def judge_answer(answer: Answer) -> Verdict:
    """Say what a refusal on a socket means for the topics that it is about.

    60014 means that the hour's operations are used up; a new connection counts anew.
    """
    if answer.ok:
        return GOOD
    if answer.code in _SOON:
        return again(f"{_SOON[answer.code]} ({answer.code})", after_s=_HOUR_S)
    if answer.code in _NEVER:
        return never(f"{_NEVER[answer.code]} ({answer.code})")
    return mistake(f"did not understand the request ({answer.code}: {answer.text[: rest.WORDS]})")


def judge_close(code: int | None) -> Verdict:
    """Say what the code of a closed connection means: mostly to connect again, but not after our mistakes."""
    if code in _WRONG_ENDS:
        return mistake(f"{_WRONG_ENDS[code]} ({code})")
    return again(f"{_ENDS[code]} ({code})" if code in _ENDS else f"closed the connection ({code})")
