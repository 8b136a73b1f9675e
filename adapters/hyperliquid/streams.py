"""Plan Hyperliquid's streams: which topics there are, how each is asked for, how they share connections.

One subscription is one message, and the venue's limits hold for an IP address over all connections. Prices,
open interest and funding of a coin come on one topic. Liquidations are seen only of addresses that are
followed, and of those no more than ten can be.
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

from adapters.coverage import coverage
from adapters.hyperliquid import topics as named
from adapters.hyperliquid.account import is_address
from adapters.hyperliquid.fields import VENUE
from adapters.hyperliquid.fills import HLP, LIQUIDATORS, STRATEGIES, VAULTS
from adapters.hyperliquid.parse import Bars, parse
from adapters.hyperliquid.rest import judge
from adapters.instruments import Instrument, Instruments, Status
from adapters.parsed import Parsed
from adapters.rest.limits import Limit
from adapters.rest.verdicts import Answered, Verdict
from adapters.stream.dialect import Channel, Manners, Op, Parser, Request
from adapters.venue import Feed
from engine.errors import SourceError

URL = "wss://api.hyperliquid.xyz/ws"
TESTNET_URL = "wss://api.hyperliquid-testnet.xyz/ws"
FEEDS = frozenset({Feed.PRICES, Feed.CANDLES, Feed.OPEN_INTEREST, Feed.FUNDING, Feed.LIQUIDATIONS})
"""What the streams give, liquidations in part."""
PARTIAL: Mapping[Feed, str] = {
    Feed.LIQUIDATIONS: coverage(VENUE).sentence,
}
"""Which feeds do not cover everything, in words that users are shown."""
FOLLOWED = (*LIQUIDATORS, *STRATEGIES, HLP)
"""Addresses that are followed by themselves: the venue's own vaults."""

USERS = 10
"""Addresses that can be followed in all; up to 14 were taken where 10 are documented."""
SUBSCRIPTIONS = 1000
CONNECTIONS = 8
"""Connections open at a time; ten are allowed, and two are left for one that is being replaced."""
TOPICS = SUBSCRIPTIONS // 10
"""Topics of a connection, so that ten full ones stay within the venue's limit."""
_CONTEXT = frozenset({Feed.PRICES, Feed.OPEN_INTEREST, Feed.FUNDING})

CONTEXT_SILENT_S = 120.0
CANDLE_SILENT_S = 900.0
"""A context comes with every change of what it holds, for liquid coins within seconds; a candle with every
trade. Followed addresses may be idle for hours."""
MANNERS = Manners(
    messages=Limit(name="messages", budget=200, window_s=60.0),
    connects=Limit(name="connects", budget=25, window_s=60.0),
    connections=CONNECTIONS,
    heartbeat_s=20.0,
    silent_s=55.0,
    ahead=20,
)
"""A connection on which the venue sent nothing for 60 s is closed by it, so that it is asked for pongs. All
connections together may send 2000 messages a minute, and 30 may be opened. A longest life is not known."""


def channels(
    instruments: Iterable[Instrument],
    feeds: Collection[Feed],
    *,
    users: Sequence[str] = (),
    url: str = URL,
) -> list[Channel]:
    """Return the topics that give some feeds of some instruments; liquidations by address, of all coins.

    `users` are followed besides the venue's own vaults. Raise SourceError for one that is no address, and for
    more than the venue lets be followed. Delisted coins are left out. Of more coins than the connections can
    carry one by one, contexts are those of all coins at once.
    """
    found: list[Channel] = []
    if Feed.LIQUIDATIONS in feeds:
        found += [
            Channel(topic=named.fills(user), feed=Feed.LIQUIDATIONS, url=url) for user in followed(users)
        ]
    coins = [each for each in instruments if each.status is not Status.DELISTED]
    single = [channel for coin in coins for channel in _of_coin(coin, feeds, url)]
    if len(found) + len(single) > CONNECTIONS * TOPICS and not _CONTEXT.isdisjoint(feeds):
        found.append(Channel(topic=named.CONTEXTS, feed=Feed.PRICES, url=url, silent_s=CONTEXT_SILENT_S))
        single = [channel for channel in single if channel.feed is Feed.CANDLES]
    found += single
    if len(found) > SUBSCRIPTIONS:
        raise SourceError(f"Hyperliquid takes {SUBSCRIPTIONS} subscriptions, and {len(found)} are wanted.")
    return found


def followed(users: Sequence[str]) -> tuple[str, ...]:
    """Return every address whose fills are read, in small letters; raise SourceError where it cannot be."""
    wanted = tuple(dict.fromkeys([*FOLLOWED, *(user.lower() for user in users)]))
    wrong = [user for user in wanted if not is_address(user)]
    if wrong:
        raise SourceError(f"{wrong[0]} is no Hyperliquid address: 0x and 40 hexadecimal digits are wanted.")
    if len(wanted) > USERS:
        spare = USERS - len(FOLLOWED)
        raise SourceError(
            f"Hyperliquid lets {USERS} addresses be followed, {len(FOLLOWED)} of them its own vaults: "
            f"{spare} of yours fit, and {len(wanted) - len(FOLLOWED)} are named."
        )
    return wanted


def spare(users: Sequence[str]) -> tuple[str, ...]:
    """Return the first of some addresses whose fills can be followed besides the venue's own vaults'."""
    own = set(FOLLOWED)
    return tuple(user for user in dict.fromkeys(users) if user not in own)[: USERS - len(FOLLOWED)]


def _of_coin(known: Instrument, feeds: Collection[Feed], url: str) -> Iterator[Channel]:
    if not _CONTEXT.isdisjoint(feeds):
        yield Channel(
            topic=named.context(known.native),
            feed=Feed.PRICES,
            url=url,
            silent_s=CONTEXT_SILENT_S,
            symbol=known.symbol,
            also=_CONTEXT,
        )
    if Feed.CANDLES in feeds:
        yield Channel(
            topic=named.candle(known.native),
            feed=Feed.CANDLES,
            url=url,
            silent_s=CANDLE_SILENT_S,
            symbol=known.symbol,
        )


class Hyperliquid:
    """Be the dialect of Hyperliquid's streams.

    `instruments` and `vaults` are asked at every frame, so that renewed lists are used by connections that
    are open.
    """

    def __init__(
        self,
        instruments: Callable[[], Instruments],
        vaults: Callable[[], AbstractSet[str]] = lambda: VAULTS,
    ) -> None:
        self._instruments = instruments
        self._vaults = vaults

    @property
    def venue(self) -> str:
        """Return the venue's name."""
        return VENUE

    @property
    def manners(self) -> Manners:
        """Return how Hyperliquid wants its sockets to be used."""
        return MANNERS

    def fits(self, channels: Sequence[Channel]) -> bool:
        """Say whether one connection may carry these channels."""
        return len(channels) <= TOPICS

    def requests(self, op: Op, topics: Sequence[str], numbers: Iterator[int]) -> Sequence[Request]:
        """Return a message for each topic; they have no ids, answers repeat what they are about."""
        return [
            Request(
                request_id="",
                text=json.dumps({"method": op.value, "subscription": named.subscription(topic)}),
                topics=(topic,),
            )
            for topic in topics
        ]

    def heartbeat(self, number: int) -> str:
        """Return the ping; its answer is a pong."""
        return '{"method":"ping"}'

    def parser(self) -> Parser:
        """Return a parser of one connection: what was forming when another ended, this one never closes."""
        bars = Bars()

        def read(frame: str | bytes, received_ms: int) -> Parsed:
            return bars.close(parse(frame, self._instruments(), received_ms, vaults=self._vaults()))

        return read

    def judge(self, answered: Answered) -> Verdict:
        """Say what it means that a handshake was refused."""
        return judge(answered)
