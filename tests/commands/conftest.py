"""Give command tests a desk: real stores on files, a market that stands still, clocks to move."""

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from adapters.venue import Feed, SourceKind, VenueHealth, VenueState
from bot.alerting.dry import DryRuns
from bot.alerting.engine import Alerting
from bot.commands.dispatch import Commands
from bot.commands.parse import Parser
from bot.commands.registry import Registry
from bot.commands.reply import Caller, Front, Reply
from bot.commands.services import Missing, Services
from bot.commands.symbols import Markets
from bot.live.view import SymbolView
from bot.render.alt import alt_text
from bot.render.cascade_request import cascade_alt
from bot.render.liquidations_request import liquidations_alt
from bot.render.picture import Picture
from bot.supervisor import PartHealth, PartState
from config.settings import AlertSettings, load
from engine.errors import SourceError, UserError
from engine.grid import Grid
from engine.model import DAY_MS, HOUR_MS, Candles, Side, Tick, UserId, Zone, ZoneId, ZoneSet
from engine.presets import BIN_LOG
from engine.standing import Standing
from storage import forget
from storage.market import MarketStore
from storage.state import StateStore
from storage.venues import VenueStore

NOW_MS = 1_760_128_500_000  # 2025-10-10 20:35 UTC
ME = Caller(user_id=UserId("local:owner"), front=Front.PANEL)
OTHER = Caller(user_id=UserId("discord:42"), front=Front.DISCORD, place="c1")
PRICE = 113_204.5


def zone(number: int, side: Side, low: float, high: float, usd: float) -> Zone:
    """Make a zone."""
    return Zone(
        zone_id=ZoneId(f"z{number}"),
        venue="binance",
        symbol="BTCUSDT",
        side=side,
        low=low,
        high=high,
        peak=(low + high) / 2,
        notional_usd=usd,
        share=0.25,
        percentile=97.0,
        born_ts=NOW_MS - 3 * HOUR_MS,
        updated_ts=NOW_MS,
    )


ZONES = (
    zone(1, Side.SHORT, 114_000, 114_400, 38e6),
    zone(2, Side.SHORT, 116_000, 116_200, 12e6),
    zone(3, Side.LONG, 111_800, 112_300, 62e6),
)


def make_view(symbol: str = "BTCUSDT", price: float = PRICE, zones: tuple[Zone, ...] = ZONES) -> SymbolView:
    """Make the view of a symbol."""
    return SymbolView(
        symbol=symbol,
        venue="binance",
        venues=("binance",),
        price=price,
        price_ts=NOW_MS - 2_000,
        interpolated=True,
        candle_ts=NOW_MS - 300_000,
        zones=ZoneSet(
            venue="binance",
            symbol=symbol,
            ts=NOW_MS,
            price=price,
            zones=zones,
            samples_h=600,
            threshold_ready=True,
            auto_min_usd=20e6,
        ),
        warm=True,
        history_days=21.0,
        change_24h=-0.0347,
        high_24h=122_500.0,
        low_24h=112_000.0,
        volume_24h_usd=38.2e9,
        open_interest=84_213.0,
        oi_change_24h=0.021,
    )


@dataclass
class StillMarket:
    """A market that stands still until a test moves it."""

    symbols: tuple[str, ...] = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "PEPEUSDT")
    source_kind: SourceKind = SourceKind.REPLAY
    feeds: frozenset[Feed] = frozenset({Feed.CANDLES, Feed.PRICES, Feed.OPEN_INTEREST})
    at_ms: int = NOW_MS
    named: str = "REPLAY 2025-10-10 20:35 UTC"
    views: dict[str, SymbolView] = field(default_factory=dict)
    grids: int = 0
    days: int = 60
    coins: float = 84_213.0
    presets: list[object] = field(default_factory=list)
    fail: Exception | None = None
    parts: dict[str, float] = field(default_factory=lambda: {"binance": 1.0})
    """Venues, and each one's part of every market; Solana trades on the first alone."""
    asked_of: list[tuple[str, ...]] = field(default_factory=list)
    """The venues that grids were asked of."""
    prices: dict[str, Tick] = field(default_factory=dict)

    @property
    def listed(self):
        return self.symbols

    @property
    def venues(self) -> tuple[str, ...]:
        return tuple(self.parts)

    def venues_of(self, symbol: str) -> tuple[str, ...]:
        return self.venues[:1] if symbol == "SOLUSDT" else self.venues

    def shares(self, symbol: str) -> dict[str, float]:
        return dict(self.parts)

    def awaited(self, symbol: str) -> tuple[str, ...]:
        return tuple(venue for venue in self.venues_of(symbol) if not self.parts[venue])

    def ticks(self, symbol: str) -> dict[str, Tick]:
        return dict(self.prices)

    async def view_among(self, symbol: str, venues: tuple[str, ...] = ()) -> SymbolView:
        view = self.view(symbol)
        if not venues:
            return view
        part = sum(self.parts[venue] for venue in venues)
        zones = tuple(replace(z, notional_usd=z.notional_usd * part) for z in view.zones.zones)
        return replace(view, venue=venues[0], venues=venues, zones=replace(view.zones, zones=zones))

    def now_ms(self) -> int:
        return self.at_ms

    def label(self) -> str:
        return self.named

    def view(self, symbol: str) -> SymbolView:
        if symbol in self.views:
            return self.views[symbol]
        if symbol not in ("BTCUSDT", "ETHUSDT"):
            raise UserError(f"There is no data for {symbol} yet.", example="/symbols")
        view = make_view(symbol, PRICE if symbol == "BTCUSDT" else 4_011.25)
        if len(self.parts) == 1:
            return view
        share = tuple(self.parts.items())
        zones = tuple(replace(z, venue="all", venue_share=share) for z in view.zones.zones)
        return replace(view, venue="all", venues=self.venues, zones=replace(view.zones, zones=zones))

    def standing(self, symbol: str) -> Standing:
        price = self.view(symbol).price
        long, short = np.zeros(600), np.zeros(600)
        long[45:70], short[35:50] = 62e6 / 25, 38e6 / 15
        close_bin = int(np.floor(np.log(price) / BIN_LOG))
        return Standing(ts=self.at_ms, close_bin=close_bin, long=long, short=short)

    def health(self) -> list[VenueHealth]:
        return [
            VenueHealth(
                venue="binance", state=VenueState.UP, last_event_ms=self.at_ms - 1_000, messages=1_234
            )
        ]

    async def history(self, symbol, span_ms) -> Candles:
        count = min(span_ms, self.days * DAY_MS) // 300_000
        flat = np.full(count, PRICE)
        ts = self.at_ms // 300_000 * 300_000 - np.arange(count, 0, -1) * 300_000
        coins = np.full(count, self.coins)
        return Candles(
            ts=ts,
            **dict.fromkeys(("open", "high", "low", "close"), flat),
            **dict.fromkeys(("volume", "quote_volume", "taker_buy_volume"), np.ones(count)),
            open_interest=coins,
        )

    async def model_grid(self, symbol, window_ms, feed, *, low=None, high=None, venues=()) -> Grid:
        self.presets.append(feed.preset)
        return await self.grid(symbol, window_ms, low=low, high=high, venues=venues)

    async def grid(
        self, symbol, window_ms, *, low=None, high=None, bins=600, max_cols=None, venues=()
    ) -> Grid:
        self.grids += 1
        self.asked_of.append(venues)
        if self.fail:
            raise self.fail
        cols = np.arange(3, dtype=np.int64)
        flat = np.full(3, PRICE)
        return Grid(
            symbol=symbol,
            step_ms=300_000,
            ts=cols,
            edges=np.linspace(low or 1.0, high or 2.0, 5),
            long=np.zeros((3, 4), np.float32),
            short=np.zeros((3, 4), np.float32),
            open=flat,
            high=flat,
            low=flat,
            close=flat,
        )


@dataclass
class Sketches:
    """Pictures without a drawing: cached by what they show, as the real ones are."""

    drawn: dict[object, Picture] = field(default_factory=dict)
    requests: list[object] = field(default_factory=list)

    async def heatmap(self, request, grid) -> Picture:
        if self._missing(request):
            await grid()
        return self._drawn(request, alt_text(request))

    async def cascade(self, request, standing) -> Picture:
        words = cascade_alt(request, standing()) if self._missing(request) else ""
        return self._drawn(request, words)

    async def liquidations(self, request, drawing) -> Picture:
        if self._missing(request):
            drawing()
        return self._drawn(request, liquidations_alt(request))

    async def film(self, request, grid) -> Picture:
        if self._missing(request):
            await grid()
        return self._drawn(request, request.alt())

    async def panels(self, request, grids) -> Picture:
        if self._missing(request):
            await grids()
        return self._drawn(request, request.alt())

    async def card(self, request, drawing) -> Picture:
        if self._missing(request):
            drawing()
        assert request.scene()
        return self._drawn(request, request.alt())

    def _missing(self, request) -> bool:
        self.requests.append(request)
        return (request.what, request.candle_ts) not in self.drawn

    def _drawn(self, request, words) -> Picture:
        width, height = request.layout.size
        scale = 2 if request.hd else 1
        picture = Picture(
            png=b"GIF89a" if request.file_name.endswith(".gif") else b"\x89PNG",
            name=request.file_name,
            alt=words,
            width=width * scale,
            height=height * scale,
        )
        return self.drawn.setdefault((request.what, request.candle_ts), picture)


@dataclass
class Tape:
    """A replay that notes what it is told."""

    position_ms: int = NOW_MS
    speed: float | None = 60.0
    paused: bool = False
    ended: bool = False
    sought: list[int] = field(default_factory=list)

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False

    def seek(self, at_ms: int) -> None:
        if abs(at_ms - NOW_MS) > 120 * DAY_MS:
            raise SourceError("The recording goes from 2025-10-01 00:00 UTC to 2025-12-31 23:55 UTC.")
        self.sought.append(at_ms)

    def set_speed(self, speed: float | None) -> None:
        self.speed = speed


@dataclass
class Privacy:
    """Export and forget over the real stores."""

    state: StateStore
    store: MarketStore

    async def export(self, user_id):
        return await forget.export(self.state, self.store, user_id)

    async def forget(self, user_id):
        return await forget.forget(self.state, self.store, user_id)


@dataclass
class Desk:
    """Commands with everything a test may look at or move."""

    commands: Commands
    services: Services
    market: StillMarket
    pictures: Sketches
    state: StateStore
    tape: Tape
    alerting: Alerting
    wall: list[int]
    seconds: list[float]

    async def say(self, line: str, caller: Caller = ME) -> Reply:
        """Type a line, a while after the one before."""
        self.seconds[0] += 60
        return await self.commands.dispatch(line, caller)

    async def ok(self, line: str, caller: Caller = ME) -> Reply:
        """Type a line that has to work."""
        reply = await self.say(line, caller)
        assert not reply.failed, (line, reply.error)
        return reply

    async def press(self, action: str, caller: Caller = ME) -> Reply:
        """Press a button, a while after what was before."""
        self.seconds[0] += 60
        return await self.commands.press(action, caller)


@pytest.fixture(scope="session")
def aliases() -> dict[str, str]:
    return dict(load({}, environ={}, directory=Path("/nonexistent")).symbols.aliases)


@pytest.fixture
def markets(aliases) -> Markets:
    return Markets(known=StillMarket().symbols, aliases=aliases)


@pytest.fixture
def parser(markets) -> Parser:
    return Parser(registry=Registry(), markets=markets, front=Front.PANEL, replaying=True)


@pytest.fixture
async def state(tmp_path) -> AsyncIterator[StateStore]:
    store = await StateStore.open(f"sqlite:///{tmp_path}/state.db")
    yield store
    await store.close()


@pytest.fixture
async def store(tmp_path) -> AsyncIterator[MarketStore]:
    opened = await MarketStore.open(tmp_path / "market.duckdb")
    yield opened
    await opened.close()


@contextlib.asynccontextmanager
async def open_desk(state, store, aliases) -> AsyncIterator[Desk]:
    """Open a desk over stores."""
    market, pictures, tape = StillMarket(), Sketches(), Tape()
    wall, seconds = [1_790_000_000_000], [1_000.0]
    alerting = Alerting(state, store, AlertSettings(), market, wall_ms=lambda: wall[0])
    await alerting.load()
    part = PartHealth(name="feed", state=PartState.RUNNING, since_s=0.0, restarts=0)
    services = Services(
        market=market,
        state=state,
        alerting=alerting,
        pictures=pictures,
        privacy=Privacy(state, store),
        reports=VenueStore(store),
        dry=DryRuns(store, market),
        replay=tape,
        aliases=aliases,
        health=lambda: [part],
        loop_lag_ms=lambda: 3.2,
        missing=(Missing(name="Discord", fix="put LIQWATCH_DISCORD_TOKEN=… into .env"),),
        chart_url=lambda symbol, front: "" if front is Front.TELEGRAM else f"http://127.0.0.1:8080/#{symbol}",
        wall_ms=lambda: wall[0],
        button_key=b"k" * 32,
    )
    commands = Commands(services, clock=lambda: seconds[0])
    yield Desk(commands, services, market, pictures, state, tape, alerting, wall, seconds)
    await alerting.close()


@pytest.fixture
async def desk(state, store, aliases) -> AsyncIterator[Desk]:
    async with open_desk(state, store, aliases) as opened:
        yield opened


@pytest.fixture
def with_services(desk) -> Callable[..., Commands]:
    """Make commands over the same desk with some services replaced."""

    def make(**changes) -> Commands:
        return Commands(replace(desk.services, **changes), clock=lambda: desk.seconds[0])

    return make


@pytest.fixture
def me() -> Caller:
    return ME


@pytest.fixture
def other() -> Caller:
    return OTHER


@pytest.fixture
def view_with() -> Callable[..., SymbolView]:
    """Make the BTC view with some fields changed."""

    def make(**changes) -> SymbolView:
        return replace(make_view(), **changes)

    return make
