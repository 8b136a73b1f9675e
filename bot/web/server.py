"""Run the web server: the page, its API, its streams and the chat panel, on one port."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from aiohttp import web

from bot.delivery.links import Links
from bot.live.health import VenuePast, nothing_kept
from bot.supervisor import Part, PartHealth
from bot.truth.shelf import Shelf
from bot.web.api import Api
from bot.web.app import Site, build, checks
from bot.web.auth import PanelAuth
from bot.web.blobs import BlobStore
from bot.web.exchanges import Exchanges
from bot.web.files import allow
from bot.web.health import HealthPages
from bot.web.links import Linked, LinkPages
from bot.web.panel import LOCAL_OWNER, Panel
from bot.web.ports import Commands, Health, InApp, Market
from bot.web.reports import Reported
from bot.web.rest.clients import Clients
from bot.web.rest.metrics import Measures
from bot.web.rest.service import Rest, Sources
from bot.web.security import Guard, public_name
from bot.web.static import LIBRARY_DIR, PAGE_DIR, Assets
from bot.web.stream import Around, Owner, Stream
from bot.web.usual import Usual
from config.api_sections import ApiSettings
from config.sections import WebSettings
from config.stream_sections import StreamSettings
from engine.errors import ConfigError
from engine.model import UserId
from engine.presets import PRESETS, Preset

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much the server takes on, and how long it waits (seconds).

    `connections` are those beside the stream's. `idle_s` bounds both a connection that says nothing and one
    whose request never ends (slow loris), `linger_s` one that was answered and still owes its body.
    """

    connections: int = 1000
    idle_s: float = 20.0
    shutdown_s: float = 3.0
    linger_s: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """What the server stands in front of.

    `usual` is the chart's heatmap where it is not the market's own, `venue_past` what is kept of each venue,
    `reports` what venues reported, `accuracy` what was measured, `measures` what other parts count. `links`
    reads the links of messages, which lead to `linked`; both are None where there is no public address.
    """

    market: Market
    commands: Commands
    inapp: InApp
    health: Health
    presets: Mapping[str, Preset] = field(default_factory=lambda: PRESETS)
    usual: Usual | None = None
    reports: Reported | None = None
    venue_past: VenuePast = nothing_kept
    accuracy: Shelf | None = None
    loop_lag_ms: Callable[[], float] = lambda: 0.0
    measures: Measures = tuple
    links: Links | None = None
    linked: Linked | None = None


class WebServer:
    """Serve the page and everything behind it."""

    def __init__(  # noqa: PLR0913 - three sections of settings, and where files are
        self,
        behind: Behind,
        settings: WebSettings,
        *,
        api: ApiSettings | None = None,
        ws: StreamSettings | None = None,
        limits: Limits | None = None,
        page_dir: Path = PAGE_DIR,
        library_dir: Path = LIBRARY_DIR,
    ) -> None:
        self._settings = settings
        self._limits = limits or Limits()
        self._guard = Guard(settings.host, (*settings.allowed_hosts, *public_name(settings.public_url)))
        token = settings.panel_token.get_secret_value() if settings.panel_token else None
        self._auth = PanelAuth(self._guard, token)
        self._blobs = BlobStore()
        self._panel = Panel(
            market=behind.market,
            commands=behind.commands,
            inapp=behind.inapp,
            blobs=self._blobs,
        )
        self._stream = Stream(
            behind.market, ws or StreamSettings(), self._around(behind, api or ApiSettings())
        )
        self._assets = Assets(page_dir, library_dir)
        self._pages = HealthPages(
            behind.market,
            behind.health,
            Exchanges(behind.market, behind.venue_past),
            libraries_missing=bool(self._assets.missing),
        )
        sources = Sources(
            market=behind.market,
            presets=behind.presets,
            reported=behind.reports,
            accuracy=behind.accuracy,
            pages=self._pages,
            auth=self._auth,
            stream=self._stream,
            parts=behind.health,
            loop_lag_ms=behind.loop_lag_ms,
            measures=behind.measures,
        )
        self._rest = Rest(sources, api or ApiSettings())
        self._api = Api(behind.market, behind.presets, behind.reports)
        self._links: LinkPages | None = None
        if behind.links is not None and behind.linked is not None:
            self._links = LinkPages(behind.links, behind.linked, behind.commands)
        self._runner: web.AppRunner | None = None
        self._parts = [
            Part("web stream", self._stream.board.follow),
            Part("web prices", self._stream.board.tell),
            Part("web heatmaps", self._stream.board.draw),
            Part("web clock", self._stream.board.tell_time),
            Part("web messages", self._stream.hub.spread),
            Part("web slow clients", self._stream.hub.watch),
            Part("web heartbeats", self._stream.beat),
            Part("panel clock", self._panel.tell_time),
        ]
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def port(self) -> int:
        """Return the port that is listened on; 0 before the start."""
        addresses = self._runner.addresses if self._runner is not None else []
        return int(addresses[0][1]) if addresses else 0

    @property
    def stream(self) -> Stream:
        """Return the live stream."""
        return self._stream

    @property
    def token_needed(self) -> bool:
        """Say whether the panel asks for the token."""
        return self._auth.token_needed

    @property
    def url(self) -> str:
        """Return the address to open, with the panel's token where it is needed: print it, never log it."""
        host = self._settings.host
        shown = f"[{host}]" if ":" in host else host
        address = f"http://{shown}:{self.port}/"
        return f"{address}?token={self._auth.token}" if self.token_needed else address.rstrip("/")

    def health(self) -> Sequence[PartHealth]:
        """Return how the server's own parts are."""
        return [part.health for part in self._parts]

    def forget(self, user_id: UserId) -> None:
        """Drop the pictures and documents that are kept for a user."""
        self._blobs.forget(user_id)

    async def start(self) -> None:
        """Listen, and follow the market; raise ConfigError where the address cannot be had."""
        app = build(
            site=Site(auth=self._auth, panel=self._panel, blobs=self._blobs, assets=self._assets),
            api=self._api,
            stream=self._stream,
            rest=self._rest,
            assets=self._assets,
            check=checks(self._guard, self._rest.gate, self._open_connections, self._limits.connections),
        )
        if self._links is not None:
            app.add_routes(self._links.routes())
        allow(self._limits.connections + self._stream.most_connections)
        self._runner = web.AppRunner(
            app,
            access_log=None,
            handle_signals=False,
            keepalive_timeout=self._limits.idle_s,
            shutdown_timeout=self._limits.shutdown_s,
            lingering_time=self._limits.linger_s,
        )
        await self._runner.setup()
        try:
            site = web.TCPSite(self._runner, self._settings.host, self._settings.port, backlog=4096)
            await site.start()
        except OSError as error:
            await self._runner.cleanup()
            raise ConfigError([self._cannot_listen(error)]) from error
        self._panel.start()
        self._stream.start()
        self._tasks = [asyncio.create_task(part.run(), name=part.name) for part in self._parts]
        log.info("web.listening", host=self._settings.host, port=self.port)

    async def stop(self) -> None:
        """Take no more requests, say goodbye to open sockets, and end; may be called twice."""
        runner, self._runner = self._runner, None
        if runner is None:
            return
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(self._panel.close(), self._stream.close(), self._rest.close())
        await runner.cleanup()

    def _around(self, behind: Behind, api: ApiSettings) -> Around:
        return Around(
            usual=behind.usual,
            owner=Owner(
                inapp=behind.inapp,
                user_id=LOCAL_OWNER,
                keep=self._panel.keep,
                may_use=self._auth.may_use,
            ),
            address=Clients(api.trusted_proxies).address,
            log_addresses=api.log_addresses,
        )

    def _open_connections(self) -> int:
        """Return how many connections there are beside the stream's."""
        server = self._runner.server if self._runner is not None else None
        return len(server.connections) if server is not None else 0

    def _cannot_listen(self, error: OSError) -> str:
        host, port = self._settings.host, self._settings.port
        return f"LIQWATCH_PORT: {host}:{port} cannot be listened on ({error.strerror}); try another --port."
