"""Put each venue's parts together the same way, so that the live source needs to know none of them.

A kit says where a venue is and how its calls, topics and frames are had. A new venue is one more kit.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import structlog

from adapters.binance import answers as binance_answers
from adapters.binance import history as binance_history
from adapters.binance import rest as binance_rest
from adapters.binance import streams as binance_streams
from adapters.bybit import answers as bybit_answers
from adapters.bybit import history as bybit_history
from adapters.bybit import listing as bybit_listing
from adapters.bybit import rest as bybit_rest
from adapters.bybit import streams as bybit_streams
from adapters.health import Health
from adapters.hyperliquid import answers as hyperliquid_answers
from adapters.hyperliquid import history as hyperliquid_history
from adapters.hyperliquid import rest as hyperliquid_rest
from adapters.hyperliquid import streams as hyperliquid_streams
from adapters.hyperliquid.account import vaults_of
from adapters.hyperliquid.fills import Vaults
from adapters.instruments import Instrument, Instruments
from adapters.native import Native, Streams
from adapters.okx import answers as okx_answers
from adapters.okx import history as okx_history
from adapters.okx import rest as okx_rest
from adapters.okx import streams as okx_streams
from adapters.parsed import Parsed
from adapters.rest.calls import Call, CallFailed, Site
from adapters.rest.client import RestClient
from adapters.rest.pages import Page
from adapters.rest.waiting import Backoff, Clock
from adapters.series import Series, Wanted
from adapters.stream.dialect import Channel, Dialect, Parser
from adapters.stream.queue import EventQueue
from adapters.venue import Feed
from engine.model import STEP_MS

log = structlog.get_logger(__name__)

VAULTS_S = 3.0
"""How long it may be waited for the names of Hyperliquid's vaults: those known are good enough to begin."""
FEEDS = frozenset({Feed.PRICES, Feed.CANDLES, Feed.LIQUIDATIONS, Feed.OPEN_INTEREST, Feed.FUNDING})
"""What is read of every venue, as far as it has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """A call whose answer is asked for again and again, where no stream says it."""

    call: Call
    read: Callable[[object], Parsed]


class Kit(Protocol):
    """Be all that is particular to one venue. Candles and open interest are those of five minutes."""

    @property
    def venue(self) -> str:
        """Return the venue's name."""

    @property
    def interest_days(self) -> float:
        """Return how far back open interest can be asked for."""

    @property
    def site(self) -> Site:
        """Return what the REST client must know."""

    async def instruments(self, rest: RestClient) -> Instruments:
        """Return everything that is traded; raise CallFailed."""

    def client(
        self, *, clock: Clock | None = None, health: Health | None = None, backoff: Backoff | None = None
    ) -> RestClient:
        """Return a client for the venue, not open yet."""

    def stream(
        self, instruments: Callable[[], Instruments], *, clock: Clock, health: Health, queue: EventQueue
    ) -> Streams:
        """Return what reads topics, not running yet; `instruments` gives those known now."""

    def channels(self, known: Sequence[Instrument]) -> Iterable[Channel]:
        """Return the topics of some instruments."""

    def candles(self, known: Instrument, since_ms: int, now_ms: int) -> Page:
        """Return how candles are paged from a time on."""

    def open_interest(self, known: Instrument) -> Page | None:
        """Return how past open interest is paged, None where there is none."""

    def polls(self, known: Instrument) -> Sequence[Poll]:
        """Return what has to be asked for again and again of an instrument."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BinanceKit(Native):
    """Binance USD-M futures. A connection of its streams is replaced after `life_s` seconds."""

    rest_url: str = binance_rest.BASE_URL
    stream_url: str = binance_streams.URL
    venue: str = "binance"
    interest_days: float = 28.0
    life_s: float = binance_streams.LIFE_S

    @property
    def site(self) -> Site:
        """Return what the REST client must know."""
        return Site(
            venue=self.venue,
            base_url=self.rest_url,
            limits=binance_rest.LIMITS,
            judge=binance_rest.judge,
            time_call=binance_rest.server_time,
            server_ms=binance_answers.read_time,
        )

    async def instruments(self, rest: RestClient) -> Instruments:
        """Return everything that is traded; raise CallFailed."""
        listed = binance_answers.read_instruments(await rest.ask(binance_rest.instruments))[0]
        try:
            said = await rest.ask(binance_rest.funding_rules, patience_s=binance_rest.RULES_S)
        except CallFailed as error:
            log.info("binance.funding_rules_not_had", why=str(error))
            return listed
        hours, _ = binance_answers.read_funding_rules(said)
        return Instruments(replace(each, funding_h=hours.get(each.native)) for each in listed.all)

    def dialect(self, instruments: Callable[[], Instruments]) -> Dialect:
        """Return how Binance's streams are spoken to."""
        return binance_streams.Binance(instruments, life_s=self.life_s)

    def channels(self, known: Sequence[Instrument]) -> Iterable[Channel]:
        """Return the topics of some instruments."""
        return binance_streams.channels(known, FEEDS, url=self.stream_url)

    def candles(self, known: Instrument, since_ms: int, now_ms: int) -> Page:
        """Return how candles are paged."""
        return binance_rest.candles(known, "5m", now_ms)

    def open_interest(self, known: Instrument) -> Page | None:
        """Return how past open interest is paged: the latest month."""
        return binance_rest.open_interest_history(known, "5m")

    def past(self, wanted: Wanted) -> Sequence[Series]:
        """Return the series of the past that there are of what is wanted."""
        return binance_history.series(wanted)

    def polls(self, known: Instrument) -> Sequence[Poll]:
        """Return the call for open interest now: no stream says it."""
        call = binance_rest.open_interest(known)
        return (Poll(call=call, read=lambda decoded: binance_answers.read_open_interest(decoded, known)),)


@dataclass(frozen=True, slots=True, kw_only=True)
class BybitKit(Native):
    """Bybit linear."""

    rest_url: str = bybit_rest.URL
    stream_url: str = bybit_streams.URL
    venue: str = "bybit"
    interest_days: float = 400.0

    @property
    def site(self) -> Site:
        """Return what the REST client must know."""
        return Site(
            venue=self.venue,
            base_url=self.rest_url,
            limits=bybit_rest.LIMITS,
            judge=bybit_rest.judge,
            time_call=bybit_rest.server_time(),
            server_ms=bybit_answers.read_time,
        )

    async def instruments(self, rest: RestClient) -> Instruments:
        """Return everything that is traded, page by page; raise CallFailed."""

        def following(decoded: object) -> Call | None:
            cursor = bybit_listing.read_listing(decoded).cursor
            return bybit_rest.listing(cursor) if cursor else None

        pages = await rest.listed(bybit_rest.listing(), following)
        return Instruments(each for page in pages for each in bybit_listing.read_listing(page).instruments)

    def dialect(self, instruments: Callable[[], Instruments]) -> Dialect:
        """Return how Bybit's streams are spoken to."""
        return bybit_streams.Bybit(instruments)

    def channels(self, known: Sequence[Instrument]) -> Iterable[Channel]:
        """Return the topics of some instruments."""
        return bybit_streams.channels(known, FEEDS, self.stream_url)

    def candles(self, known: Instrument, since_ms: int, now_ms: int) -> Page:
        """Return how candles are paged."""
        return bybit_rest.candles(known, STEP_MS)

    def open_interest(self, known: Instrument) -> Page | None:
        """Return how past open interest is paged."""
        return bybit_rest.interest(known, STEP_MS)

    def past(self, wanted: Wanted) -> Sequence[Series]:
        """Return the series of the past that there are of what is wanted."""
        return bybit_history.series(wanted)

    def polls(self, known: Instrument) -> Sequence[Poll]:
        """Return nothing: the ticker says it all."""
        return ()


class RenewedOkx(okx_streams.Okx):
    """Speak OKX's dialect with the newest list: one asked for replaces what frames made of the one before."""

    def __init__(self, instruments: Callable[[], Instruments], *, base_url: str) -> None:
        self._listed = instruments
        self._newest = instruments()
        super().__init__(self._newest, base_url=base_url)

    def parser(self) -> Parser:
        """Return a parser that looks for a renewed list before each frame."""
        inner = super().parser()

        def read(frame: str | bytes, received_ms: int) -> Parsed:
            listed = self._listed()
            if listed is not self._newest:
                self.instruments = self._newest = listed
            return inner(frame, received_ms)

        return read


@dataclass(frozen=True, slots=True, kw_only=True)
class OkxKit(Native):
    """OKX swaps."""

    rest_url: str = okx_rest.BASE_URL
    stream_url: str = okx_streams.BASE_URL
    venue: str = "okx"
    interest_days: float = 4.5

    @property
    def site(self) -> Site:
        """Return what the REST client must know."""
        return Site(
            venue=self.venue,
            base_url=self.rest_url,
            limits=okx_rest.LIMITS,
            judge=okx_rest.judge,
            time_call=okx_rest.server_time(),
            server_ms=okx_answers.server_ms,
        )

    async def instruments(self, rest: RestClient) -> Instruments:
        """Return everything that is traded; raise CallFailed."""
        return okx_answers.contracts(await rest.ask(okx_rest.instruments())).instruments

    def dialect(self, instruments: Callable[[], Instruments]) -> Dialect:
        """Return how OKX's streams are spoken to."""
        return RenewedOkx(instruments, base_url=self.stream_url)

    def channels(self, known: Sequence[Instrument]) -> Iterable[Channel]:
        """Return the topics of some instruments, those of the whole market once."""
        speaker = okx_streams.Okx(Instruments(known), base_url=self.stream_url)
        found = (
            channel for each in known for feed in sorted(FEEDS) for channel in speaker.channels(feed, each)
        )
        return list({channel.topic: channel for channel in found}.values())

    def candles(self, known: Instrument, since_ms: int, now_ms: int) -> Page:
        """Return how candles are paged: in larger pages where they are recent."""
        recent = since_ms >= okx_rest.recent_from_ms(STEP_MS, now_ms)
        return okx_rest.candles(known, STEP_MS, recent=recent)

    def open_interest(self, known: Instrument) -> Page | None:
        """Return how past open interest is paged: the latest five days."""
        return okx_rest.open_interest_history(known, STEP_MS)

    def past(self, wanted: Wanted) -> Sequence[Series]:
        """Return the series of the past that there are of what is wanted."""
        return okx_history.series(wanted)

    def polls(self, known: Instrument) -> Sequence[Poll]:
        """Return nothing: channels say it all."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HyperliquidKit(Native):
    """Hyperliquid; `users` are followed besides its vaults, for their liquidations.

    Vaults that the venue has named since are its own, too, and are followed where there is room.
    """

    rest_url: str = hyperliquid_rest.URL
    stream_url: str = hyperliquid_streams.URL
    venue: str = "hyperliquid"
    interest_days: float = 0.0
    users: tuple[str, ...] = ()
    vaults: Vaults = field(default_factory=Vaults, compare=False)

    @property
    def site(self) -> Site:
        """Return what the REST client must know."""
        return Site(
            venue=self.venue,
            base_url=self.rest_url,
            limits=(hyperliquid_rest.LIMIT,),
            judge=hyperliquid_rest.judge,
            time_call=hyperliquid_rest.clock(),
            server_ms=hyperliquid_answers.server_time,
        )

    async def instruments(self, rest: RestClient) -> Instruments:
        """Return everything that is traded; raise CallFailed."""
        listed = hyperliquid_answers.listed(await rest.ask(hyperliquid_rest.listing())).instruments
        try:
            named = await rest.ask(hyperliquid_rest.vault(), patience_s=VAULTS_S)
        except CallFailed as error:
            log.info("hyperliquid.vaults_not_named", why=str(error))
        else:
            self.vaults.renew(vaults_of(named))
        return listed

    def dialect(self, instruments: Callable[[], Instruments]) -> Dialect:
        """Return how Hyperliquid's streams are spoken to."""
        return hyperliquid_streams.Hyperliquid(instruments, self.vaults)

    def channels(self, known: Sequence[Instrument]) -> Iterable[Channel]:
        """Return the topics of some instruments."""
        users = hyperliquid_streams.spare((*self.users, *self.vaults.new))
        return hyperliquid_streams.channels(known, FEEDS, users=users, url=self.stream_url)

    def candles(self, known: Instrument, since_ms: int, now_ms: int) -> Page:
        """Return how candles are paged: the latest 5000."""
        return hyperliquid_rest.candles(known, "5m", now_ms)

    def open_interest(self, known: Instrument) -> Page | None:
        """Return nothing: its past is not published."""
        return None

    def past(self, wanted: Wanted) -> Sequence[Series]:
        """Return the series of the past that there are of what is wanted."""
        return hyperliquid_history.series(wanted)

    def polls(self, known: Instrument) -> Sequence[Poll]:
        """Return nothing: the context's stream says it all."""
        return ()
