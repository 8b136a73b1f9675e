"""Put the parts of a venue that ccxt reads together, as `adapters.kits` does for those with an adapter."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from adapters.ccxt import calls, parse, topics
from adapters.ccxt.client import CcxtClient
from adapters.ccxt.known import meaning
from adapters.ccxt.listing import read_listing
from adapters.ccxt.streams import CcxtStream
from adapters.ccxt.verdicts import judge
from adapters.health import Health
from adapters.instruments import Instrument, Instruments
from adapters.kits import Poll
from adapters.rest.calls import Call, CallFailed, Site
from adapters.rest.client import RestClient
from adapters.rest.pages import Page
from adapters.rest.verdicts import Scope, never
from adapters.rest.waiting import Backoff, Clock
from adapters.stream.dialect import Channel
from adapters.stream.queue import EventQueue
from engine.model import STEP_MS

PARALLEL = 4
"""How many calls of one venue may be under way; ccxt spaces them by the venue's limit."""


class CcxtKit:
    """Read one venue through ccxt, by ccxt's name of it.

    `config` goes to ccxt as it is, such as other `urls`. What the venue offers is known once it was asked.
    """

    interest_days: float = 5.0

    def __init__(self, venue: str, config: Mapping[str, object] | None = None) -> None:
        self.venue = venue
        self._config = MappingProxyType(dict(config or {}))
        self._meant = meaning(venue)
        self._client: CcxtClient | None = None
        self._instruments: Callable[[], Instruments] = Instruments

    @property
    def site(self) -> Site:
        """Return what the client must know."""
        return Site(
            venue=self.venue,
            base_url="",
            limits=(),
            judge=judge,
            parallel=PARALLEL,
            time_call=calls.TIME,
            server_ms=calls.server_ms,
        )

    def client(
        self, *, clock: Clock | None = None, health: Health | None = None, backoff: Backoff | None = None
    ) -> CcxtClient:
        """Return a client that goes through ccxt, from now on the one that tells what the venue offers."""
        self._client = CcxtClient(self.site, self._config, clock=clock, health=health, backoff=backoff)
        return self._client

    async def instruments(self, rest: RestClient) -> Instruments:
        """Return everything that is traded; raise CallFailed, a final one where there are no candles."""
        listing = read_listing(await rest.ask(calls.MARKETS), self.venue, self._meant)
        if not self._has("fetchOHLCV"):
            raise CallFailed(self.venue, calls.MARKETS, never("tells no candles", scope=Scope.VENUE))
        return listing.instruments

    def stream(
        self, instruments: Callable[[], Instruments], *, clock: Clock, health: Health, queue: EventQueue
    ) -> CcxtStream:
        """Return what reads topics, not running yet; `instruments` gives those known now."""
        self._instruments = instruments
        return CcxtStream(self._asked, self._reader, clock=clock, health=health, queue=queue)

    def _reader(self, channel: Channel) -> topics.Reader:
        """Return what reads a topic; raise KeyError for one of an instrument that is not known."""
        known = self._instruments().native(channel.topic.partition(" ")[2])
        if known is None:
            raise KeyError(channel.topic)
        priced = self._has("watchTicker") or self._has("fetchTicker")
        return topics.Reader(channel.topic, known, self._meant, priced=priced)

    def channels(self, known: Sequence[Instrument]) -> Sequence[Channel]:
        """Return the topics of some instruments, as far as the venue has them."""
        return topics.channels(known, self._has, self._meant)

    def candles(self, known: Instrument, since_ms: int, now_ms: int) -> Page:
        """Return how candles are paged."""
        size = self._asked.page_size("fetchOHLCV", calls.BARS)
        until = self._asked.takes_until("fetch_ohlcv")
        return calls.candles(known, self._meant, size, now_ms, until=until)

    def open_interest(self, known: Instrument) -> Page | None:
        """Return how past open interest is paged, None where there is none or its unit is not known."""
        if not self._has("fetchOpenInterestHistory") or not self._counted(known):
            return None
        until = self._asked.takes_until("fetch_open_interest_history")
        return calls.past_interest(known, self._meant, until=until)

    def polls(self, known: Instrument) -> Sequence[Poll]:
        """Return the calls for open interest and funding now, as far as there are such."""
        meant = self._meant
        found: list[Poll] = []
        if self._counted(known) and (call := self._interest_call(known)):
            found.append(Poll(call=call, read=lambda d: parse.open_interest(d, known, meant, self._now_ms())))
        if self._asked.has("fetchFundingRate", emulated=True):  # then it is found among those of all symbols
            call = calls.call("fetch_funding_rate", known.native)
            found.append(Poll(call=call, read=lambda d: parse.funding(d, known, self._now_ms())))
        return found

    def _interest_call(self, known: Instrument) -> Call | None:
        if self._has("fetchOpenInterest"):
            return calls.call("fetch_open_interest", known.native)
        if self._has("fetchOpenInterestHistory"):
            since_ms = self._now_ms() - 3 * STEP_MS
            return calls.call(
                "fetch_open_interest_history", known.native, timeframe=calls.STEP, since=since_ms
            )
        return None

    def _counted(self, known: Instrument) -> bool:
        """Say whether it is known in what open interest is counted."""
        return known.coins == known.priced or self._meant.interest is not None

    def _has(self, method: str) -> bool:
        return self._asked.has(method)

    def _now_ms(self) -> int:
        return self._asked.now_ms()

    @property
    def _asked(self) -> CcxtClient:
        if self._client is None:
            raise ValueError(f"{self.venue} was not asked yet")
        return self._client
