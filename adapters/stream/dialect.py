"""Describe how a venue's sockets are spoken to: its topics, messages, manners and frames.

Nothing here opens anything or waits for anything. Waits are seconds.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from adapters.parsed import Parsed
from adapters.rest.limits import Limit
from adapters.rest.verdicts import Answered, Verdict
from adapters.venue import Feed
from engine.model import (
    Candle,
    Funding,
    Liquidation,
    LongShortRatio,
    OpenInterest,
    Tick,
    VenueEvent,
)

FEEDS: Mapping[type[VenueEvent], Feed] = {
    Tick: Feed.PRICES,
    Candle: Feed.CANDLES,
    Liquidation: Feed.LIQUIDATIONS,
    OpenInterest: Feed.OPEN_INTEREST,
    Funding: Feed.FUNDING,
    LongShortRatio: Feed.LONG_SHORT,
}
"""Which feed an event is of."""
KINDS: Mapping[Feed, type[VenueEvent]] = {feed: kind for kind, feed in FEEDS.items()}
"""Which events are of a feed."""


class Op(StrEnum):
    """What is asked of a venue for topics."""

    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One topic: the venue's name of it, the feed that it gives, and the URL at which it is had.

    `topic` is what the venue's answers name, whole; `silent_s` is how long the topic's feed may be silent on
    a connection before that connection is taken for dead, None where silence proves nothing. `symbol` is the
    one symbol that it is of, "" where it is of many: its own rhythm is not known then. `also` names the feeds
    that it gives besides; `steady` says that the venue promises something within `silent_s`, whatever the
    market does.
    """

    topic: str
    feed: Feed
    url: str
    silent_s: float | None = None
    symbol: str = ""
    also: frozenset[Feed] = frozenset()
    steady: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One message to a venue: its id ("" where the venue knows none), its text, the topics it asks for.

    `weight` is what it costs against `Manners.operations`.
    """

    request_id: str
    text: str
    topics: tuple[str, ...]
    weight: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How a venue wants its sockets to be used.

    `messages` limits what is sent on one connection, `operations` the weight of its requests, `connects` the
    connections opened by all of this venue's together; at most `connections` are open at a time. A heartbeat
    is sent every `heartbeat_s`, None for never. A socket on which nothing at all came for `silent_s` is dead.
    After `life_s` it is replaced by a new one, before the venue cuts it; both stand for `overlap_s`, so that
    what is on its way arrives. A request is answered within `ack_s`; `acks` is False where it is never
    answered. `batches_fail` says that a refusal of one topic fails the whole request. `ahead` requests may
    wait for answers at a time: more than one where answers name what they are about, or come in order. A
    refusal with one of the codes in `passing` is not of a topic but of asking now (too often, for one): the
    connection is given up and another one opened, later.
    """

    messages: Limit
    connects: Limit
    operations: Limit | None = None
    connections: int = 8
    heartbeat_s: float | None = None
    silent_s: float = 60.0
    life_s: float | None = None
    overlap_s: float = 5.0
    acks: bool = True
    batches_fail: bool = False
    ahead: int = 1
    passing: frozenset[str] = frozenset()
    ack_s: float = 10.0
    connect_s: float = 10.0


Parser = Callable[[str | bytes, int], Parsed]
"""Turn a frame that came at a time (ms UTC, ours) into what it holds; never raises for what a venue sends."""


class Dialect(Protocol):
    """Be what the sockets must know of one venue; nothing here does input or output, or waits."""

    @property
    def venue(self) -> str:
        """Return the venue's name."""

    @property
    def manners(self) -> Manners:
        """Return how the venue wants its sockets to be used."""

    def fits(self, channels: Sequence[Channel]) -> bool:
        """Say whether one connection may carry these channels, which all have the same URL."""

    def requests(self, op: Op, topics: Sequence[str], numbers: Iterator[int]) -> Sequence[Request]:
        """Return the messages that ask for topics, none larger than the venue takes.

        Each takes its id from `numbers`, which are unique on a connection. The venue's answers come out of
        the parser with that id, or with the topics that they are about, or both; an answer that refuses
        without naming topics makes the request be asked again in halves, down to the topic that is refused.
        A topic that is subscribed already must be answered with `ok`.
        """

    def heartbeat(self, number: int) -> str:
        """Return the text that keeps a connection alive; its answer parses to `Parsed.alive`."""

    def parser(self) -> Parser:
        """Return a parser for one connection: its own where frames are merged into a state, else shared."""

    def judge(self, answered: Answered) -> Verdict:
        """Say what an answer means that refused the WebSocket's handshake; mostly `rest.by_status` does."""
