"""Put the API together: its routes, its cache, its metrics, and what stands before every request."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import orjson
from aiohttp import web

from bot.truth.shelf import Shelf
from bot.web.auth import PanelAuth
from bot.web.health import HealthPages
from bot.web.ports import Health, Market
from bot.web.reports import Reported
from bot.web.rest import answers
from bot.web.rest.clients import Clients, Rates
from bot.web.rest.cors import Cors
from bot.web.rest.fields import Nothing
from bot.web.rest.gate import Gate
from bot.web.rest.heatmap import Heatmaps
from bot.web.rest.kept import JSON, Cache, Kept
from bot.web.rest.markets import Markets, every
from bot.web.rest.metrics import Measures, Metrics, Watched
from bot.web.rest.openapi import document
from bot.web.rest.operators import Operators
from bot.web.rest.reference import page
from bot.web.rest.route import Route, answer
from bot.web.rest.table import Handlers, table
from bot.web.stream import Stream
from config.api_sections import ApiSettings
from engine.presets import Preset

HEALTH_S = 10.0
"""How long the health of exchanges is answered again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What the API answers from."""

    market: Market
    presets: Mapping[str, Preset]
    reported: Reported | None
    accuracy: Shelf | None
    pages: HealthPages
    auth: PanelAuth
    stream: Stream
    parts: Health
    loop_lag_ms: Callable[[], float]
    measures: Measures


class Rest:
    """Serve the API."""

    def __init__(self, sources: Sources, settings: ApiSettings) -> None:
        self._sources = sources
        self.exchanges = sources.pages.exchanges
        self._cache = Cache(settings.cache_mb << 20)
        metrics = Metrics(self._watched())
        token = settings.metrics_token.get_secret_value() if settings.metrics_token else None
        self._operators = Operators(sources.auth, token, metrics, sources.stream)
        self.gate = Gate(
            clients=Clients(settings.trusted_proxies),
            rates=Rates(settings.rate_per_s, settings.burst),
            cors=Cors(settings.cors_origins),
            metrics=metrics,
            log_addresses=settings.log_addresses,
        )
        self.routes = table(self._handlers())
        described = document(self.routes)
        self._document = Kept.of(orjson.dumps(described, option=orjson.OPT_INDENT_2), JSON)
        self._page = Kept.of(page(described).encode(), "text/html; charset=utf-8")

    def resources(self) -> list[web.RouteDef]:
        """Return the addresses, for the application."""
        for route in self.routes:
            self.gate.know(route.path, limited=route.limited, shared=not route.private)
        self.gate.know("/openapi.json", limited=True, shared=True)
        documents = (("/openapi.json", self._document), ("/docs", self._page))
        return [
            *(web.get(route.path, self._handler(route)) for route in self.routes),
            *(web.get(path, self._handler(_whole(path, kept))) for path, kept in documents),
        ]

    async def close(self) -> None:
        """End what is being worked out."""
        await self._cache.close()

    def _handler(self, route: Route) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            if route.private:
                self._operators.admit(request)
            return await answer(route, request)

        return handle

    def _watched(self) -> Watched:
        sources = self._sources
        return Watched(
            cache=self._cache,
            tally=sources.stream.tally,
            connections=lambda: sources.stream.connections,
            channels=sources.stream.subscribers,
            parts=sources.parts,
            loop_lag_ms=sources.loop_lag_ms,
            venues_up=lambda: {each.venue: each.ok for each in sources.market.health()},
            more=sources.measures,
        )

    def _handlers(self) -> Handlers:
        sources = self._sources
        return Handlers(
            heatmaps=Heatmaps(sources.market, sources.presets, self._cache),
            markets=Markets(sources.market, sources.reported, sources.accuracy),
            operators=self._operators,
            health=every(HEALTH_S, time.monotonic, self._health),
            alive=self._alive,
            ready=self._ready,
        )

    async def _health(self) -> Kept:
        return Kept.json(answers.HealthAnswer(**await self._sources.pages.exchanges.body()))

    async def _alive(self, _: Nothing) -> Kept:
        return Kept.json(answers.AliveAnswer(status="alive"))

    async def _ready(self, _: Nothing) -> Kept:
        found = answers.ReadyAnswer(**self._sources.pages.ready())
        return Kept.json(found, status=503 if found.reasons else 200)


def _whole(path: str, kept: Kept) -> Route:
    """Return the route of a document that is always the same."""

    async def handle(_: Nothing) -> Kept:
        return kept

    return Route(path=path, name="", summary="", ask=Nothing, answer=None, handle=handle)
