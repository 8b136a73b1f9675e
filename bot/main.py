"""Build Liqwatch from its settings, start the parts, supervise them, and stop them in order."""

import asyncio
import contextlib
import secrets
from functools import partial
from typing import Any

import structlog
from sqlalchemy.orm import Session

from adapters.live import LiveSource
from adapters.replay import DEFAULT_START_MS, Replay
from adapters.venue import Source
from bot import backup, interpreter
from bot.alerting.apart import LOOK_S as CHANGES_S
from bot.alerting.apart import Apart, Changes
from bot.alerting.dry import DryRuns
from bot.alerting.engine import Alerting
from bot.alerting.parts import wall_clock_ms
from bot.alerting.rules.past import StoredPast
from bot.banner import missing
from bot.chats import Fronts, Inside, fallback_of, platforms_of
from bot.commands.dispatch import Commands
from bot.commands.models import FOLLOWED
from bot.commands.registry import check_names
from bot.commands.reply import Front
from bot.commands.services import Services
from bot.console.control import LOCAL_USER, ControlSocket, Push
from bot.delivery.inapp import InApp, InAppMessage
from bot.delivery.worker import Hooks, Worker
from bot.feed import Feed, Reached
from bot.inquiries import Inquiries
from bot.lag import LoopLag
from bot.lang import learned, settle
from bot.linked import Linked
from bot.live.following import Following
from bot.live.health import LOOK_S, HealthKeeper
from bot.live.market import LiveMarket
from bot.lock import DirectoryLock
from bot.measures import Counts
from bot.office import Office
from bot.pictures import Draughtsman
from bot.position import PlaceKeeper, find_place
from bot.privacy import Privacy
from bot.render.renderer import Renderer
from bot.reporting.engine import TICK_S, Reporting, Sources
from bot.reporting.pictures import ReportPictures
from bot.retention import SWEEP_S, Retention, check_tables
from bot.scheduler import Scheduler, alert_jobs
from bot.sources import open_live
from bot.supervisor import PartHealth, Supervisor
from bot.truth.levels import REFRESH_S, LevelKeeper
from bot.truth.renewal import CHECK_S, Renewal
from bot.truth.shelf import load_shelf
from bot.warm import compile_models
from bot.ways import Ways, addresses_of, check_ways, links_of, own_channels, running, sealer_of, ways_of
from bot.web.server import Behind, WebServer
from bot.web.usual import Usual
from config.kinds import SourceChoice
from config.settings import Settings
from engine.model import UserId
from storage.forget import finish_forgetting
from storage.market import MarketStore
from storage.notes import get_note, set_note
from storage.reports import wanted_symbols
from storage.state import StateStore
from storage.truth import TruthStore
from storage.venues import VenueStore

log = structlog.get_logger(__name__)

KEY_NOTE = "button_key"
SWEEP_SYMBOLS_S = 600.0
"""How often it is looked for symbols that nobody wants any more."""
DRAIN_S = 8.0
"""How long everything together may take to stop."""


class Liqwatch:
    """One running Liqwatch: everything that serves one data directory.

    `settings` say whether it is live or a replay; `source` is where its data comes from, `replay` the same
    where it is recorded.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.kind = settings.source.kind
        if self.kind is SourceChoice.AUTO:
            raise ValueError("these settings leave open where data comes from; `resolved` decides that")
        check_names(settings)
        check_tables(settings.storage.keep_days)
        check_ways(settings)
        self.directory = settings.storage.directory(self.kind.value)
        self.supervisor = Supervisor()
        self.fronts = Fronts(self.supervisor)
        self.lag = LoopLag()
        self.web: WebServer | None = None
        self.ways = Ways(channels=())
        self.replay: Replay | None = None
        self._lock = DirectoryLock(self.directory)
        self._undo = contextlib.AsyncExitStack()

    async def start(self, *, serving: bool = True) -> None:
        """Build and start every part; what was started is stopped again where one cannot be.

        Without `serving` there is no page, and no chat is joined: one terminal's session needs neither.
        """
        try:
            await self._start(serving=serving)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop the parts in reverse order and let the directory go."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                await self._undo.aclose()

    def health(self) -> list[PartHealth]:
        """Return how every part is."""
        return [*self.fronts.health(), *self.ways.health(), *(self.web.health() if self.web else ())]

    def faults(self) -> list[str]:
        """Return why something cannot be stored now."""
        return [fault for fault in (self.market.fault, self.alerting.health().fault) if fault]

    @contextlib.contextmanager
    def listen(self, push: Push) -> Any:  # noqa: ANN401 - a generator, typed by contextmanager
        """Give each alert of the local user to `push` while the context lasts."""

        async def sink(_: str, message: InAppMessage) -> None:
            body = {"severity": message.severity.value, "title": message.title, "text": message.text}
            await push({"alert": {**body, "label": message.label, "revision": message.revision}})

        leave = self.inapp.register(LOCAL_USER, sink)
        try:
            yield
        finally:
            leave()

    async def _start(self, *, serving: bool) -> None:
        interpreter.share()
        settle(await learned(self.settings.chat.language))
        self._lock.acquire()
        self._undo.callback(self._lock.release)
        await self._open_stores()
        await self._open_market()
        button_key = await self.state.run(_button_key)
        self.links = links_of(self.settings, button_key)
        await self._build_alerts(serving=serving)
        self._build_commands(button_key)
        self._run_parts()
        if serving:
            self._join_chats()
            await self._open_web()
            back_up = partial(backup.answer, self.directory, self.store)
            control = ControlSocket(self.directory, self.commands, self.listen, back_up)
            await control.start()
            self._undo.push_async_callback(control.stop)
        interpreter.spare()
        self._undo.callback(interpreter.spare_no_more)

    async def _open_stores(self) -> None:
        url = self.settings.storage.state_url
        address = url.get_secret_value() if url else f"sqlite:///{self.directory / 'state.db'}"
        self.state = await StateStore.open(address)
        self._undo.push_async_callback(self.state.close)
        self.store = await MarketStore.open(self.directory / "market.duckdb")
        self._undo.push_async_callback(self.store.close)
        await finish_forgetting(self.state, self.store)
        self.accuracy = await load_shelf(TruthStore(self.store))

    async def _open_market(self) -> None:
        self.source: Source = await self._open_source()
        self._undo.push_async_callback(self.source.aclose)
        self.inquiries = await Inquiries.open(self.source, self.store, self.settings)
        self.renderer = Renderer()
        self._undo.push_async_callback(self.renderer.aclose)
        self.market = LiveMarket(self.source, self.store, self.settings)
        compiled = asyncio.to_thread(compile_models, self.settings.presets.values())
        await asyncio.gather(self.market.start(), self.renderer.warm(), compiled)
        self._undo.push_async_callback(self.market.stop)
        source_settings = self.settings.source
        self.following = Following(self.market, source_settings.symbols, most=source_settings.most_symbols)
        self.levels = LevelKeeper(TruthStore(self.store), self.market, self.settings)
        await self.levels.load()

    async def _open_source(self) -> Source:
        source = self.settings.source
        if self.kind is SourceChoice.LIVE:
            watched = await self.state.read(wanted_symbols)
            return await open_live(self.settings, self.store, [*source.symbols, *watched])
        place = await find_place(
            self.state, asked_ms=source.start_ms, default_ms=DEFAULT_START_MS, wall_ms=wall_clock_ms
        )
        self.replay = await asyncio.to_thread(
            Replay, symbols=source.symbols, start_ms=place.start_ms, speed=source.speed
        )
        return self.replay

    async def _build_alerts(self, *, serving: bool) -> None:
        usual = Draughtsman(self.market, self.renderer, self.accuracy).alert
        venues = VenueStore(self.store)
        draw = self._draw = ReportPictures(usual, self.market, venues, self.renderer).draw
        kind = Alerting if self.settings.chat.leads else Apart
        self.alerting = kind(self.state, self.store, self.settings.alerts, self.market, wake=self._queued)
        self._undo.push_async_callback(self.alerting.close)
        self.inapp = InApp(self.state, wall_ms=wall_clock_ms, draw=draw)
        self._platforms = platforms_of(self.settings, self.state, self.alerting) if serving else []
        for platform in self._platforms:
            self._undo.push_async_callback(platform.close)
        further = addresses_of(self.settings, self.state)
        self.ways = ways = ways_of(self.settings, links=self.links, further=further)
        self._undo.push_async_callback(ways.close)
        self.own = await own_channels(self.settings, self.state, ways)
        hooks = Hooks(draw=draw, expired=self.alerting.expired, fallback=fallback_of(self._platforms))
        channels = [self.inapp, *(platform.channel for platform in self._platforms), *ways.channels]
        self.worker = Worker(self.state, channels, hooks=hooks)
        if self.own is not None:
            self.own.turn = self.worker.turn
        self.alerting.delivers(running(channels, own=self.own is not None))
        self.alerting.reads(StoredPast(self.store, self.market))
        await self.alerting.load()
        if isinstance(self.source, LiveSource):
            self.source.listen(self.alerting.on_said)

    def _build_commands(self, button_key: bytes) -> None:
        now_ms = self.market.now_ms
        office = Office(self.settings, self.state, now_ms=now_ms, wall_ms=wall_clock_ms, wake=self._queued)
        self.commands = Commands(
            Services(
                market=self.market,
                state=self.state,
                alerting=self.alerting,
                pictures=self.renderer,
                privacy=Privacy(self.state, self.store, self._forgotten, sealer=sealer_of(self.settings)),
                reports=VenueStore(self.store),
                dry=DryRuns(self.store, self.market),
                defaults=self.settings.alerts,
                aliases=office.aliases,
                tiers=self.inquiries.book,
                accounts=self.inquiries.accounts,
                channels=self.own,
                office=office,
                accuracy=self.accuracy,
                presets=self.settings.presets,
                usual_model=self.settings.models.usual,
                health=self.health,
                faults=self.faults,
                venue_past=VenueStore(self.store).health,
                loop_lag_ms=self.lag.p99_ms,
                replay=self.replay,
                ensure=self.following.ensure,
                grounds={platform.name: platform.grounds for platform in self._platforms},
                missing=missing(self.settings),
                chart_url=self._chart_url,
                button_key=button_key,
            )
        )

    def _run_parts(self) -> None:
        reached = self._keep_place() if self.replay is not None else None
        feed = Feed(self.source, self.market, self.alerting, reached=reached)
        scheduler = Scheduler()
        alert_jobs(scheduler, self.alerting)
        made_of = Sources(market=self.market, venues=VenueStore(self.store), ensure=self.following.ensure)
        reporting = Reporting(self.state, made_of, wake=self._queued)
        if self.settings.chat.leads:
            scheduler.every(TICK_S, "reports", reporting.tick)
        if self.settings.chat.leads and self.settings.chat.discord_shard_ids:
            scheduler.every(CHANGES_S, "changes", Changes(self.state, self.alerting).look)
        renewal = Renewal(TruthStore(self.store), self.accuracy, self.market, self.settings)
        scheduler.every(CHECK_S, "accuracy", renewal.refresh)
        scheduler.every(REFRESH_S, "level", self.levels.refresh, at_once=True)
        retention = Retention(VenueStore(self.store), self.settings.storage.keep_days, self.market.now_ms)
        scheduler.every(SWEEP_S, "retention", retention.sweep)
        venues = HealthKeeper(self.source, VenueStore(self.store), self.market.now_ms)
        scheduler.every(LOOK_S, "venues", venues.sweep, at_once=True)
        if self.replay is None:
            scheduler.every(SWEEP_SYMBOLS_S, "symbols", self._sweep_symbols)
        self.inquiries.schedule(scheduler)
        scheduler.start()
        self._undo.push_async_callback(self.supervisor.stop_all)
        self._undo.callback(self.worker.stop)
        self._undo.push_async_callback(scheduler.stop)
        self._undo.push_async_callback(renewal.stop)
        if self.settings.chat.leads:
            self.supervisor.start("delivery", self.worker.run)
        if self.replay is None:
            self.supervisor.start("markets", self.market.upkeep.run)
        self.supervisor.start("feed", feed.run)
        self.supervisor.start("loop lag", self.lag.run, essential=False)

    async def _sweep_symbols(self) -> None:
        """Read no longer what nobody wants any more."""
        await self.following.sweep(await self.state.read(wanted_symbols))

    def _keep_place(self) -> Reached:
        """Remember where the replay stands."""
        keeper = PlaceKeeper(self.state)
        self._undo.push_async_callback(keeper.flush)
        self.supervisor.start("replay position", keeper.run)
        return keeper.reached

    def _join_chats(self) -> None:
        inside = Inside(
            commands=self.commands,
            market=self.market,
            settings=self.settings,
            rules_changed=self.alerting.rules_changed,
        )
        self._undo.push_async_callback(self.fronts.stop)
        self.fronts.start(self._platforms, inside)

    async def _open_web(self) -> None:
        usual = self.settings.models.usual
        behind = Behind(
            market=self.market,
            commands=self.commands,
            inapp=self.inapp,
            health=self.health,
            presets=self.settings.presets,
            venue_past=VenueStore(self.store).health,
            reports=VenueStore(self.store),
            accuracy=self.accuracy,
            loop_lag_ms=self.lag.p99_ms,
            measures=Counts(self.market, self.alerting, self.worker),
            links=self.links,
            linked=Linked(
                self.state, self._draw, self.alerting.rules_changed, sealer=sealer_of(self.settings)
            ),
            usual=None if usual == FOLLOWED else Usual(self.market, self.settings.presets[usual]),
        )
        self.web = WebServer(behind, self.settings.web, api=self.settings.api, ws=self.settings.ws)
        await self.web.start()
        self._undo.push_async_callback(self.web.stop)
        if isinstance(self.source, LiveSource):
            self.source.listen(self.web.stream.board.heard)

    def _queued(self) -> None:
        """Tell the sender that something was put into the outbox."""
        self.worker.wake()

    async def _forgotten(self, user_id: UserId) -> None:
        """Take a user's rules and pictures out of memory once they are gone from the stores."""
        await self.alerting.load()
        if self.web is not None:
            self.web.forget(user_id)

    def _chart_url(self, symbol: str, front: Front) -> str:
        if front in (Front.PANEL, Front.CONSOLE) and self.web is not None:
            return f"http://{self.settings.web.host}:{self.web.port}/?symbol={symbol}"
        public = self.settings.web.public_url
        return f"{public.rstrip('/')}/?symbol={symbol}" if public else ""


def _button_key(session: Session) -> bytes:
    """Return the key that signs confirmations, made once for this installation."""
    note = get_note(session, KEY_NOTE)
    if note is None:
        note = {"hex": secrets.token_hex(32)}
        set_note(session, KEY_NOTE, note)
    return bytes.fromhex(str(note["hex"]))
