"""Carry each message of the source to the live market, and then to the alerts: the feed loop."""

from collections.abc import Callable

import structlog

from adapters.venue import Source
from bot.alerting.engine import Alerting
from bot.live.market import LiveMarket
from engine.model import Candle, MarketEvent, SourceEnded, SourceSought, Tick

log = structlog.get_logger(__name__)

Reached = Callable[[int], None]


class Feed:
    """Read one source for ever, in order: nothing overtakes anything."""

    def __init__(self, source: Source, market: LiveMarket, alerting: Alerting, *, reached: Reached) -> None:
        self._source = source
        self._market = market
        self._alerting = alerting
        self._reached = reached

    async def run(self) -> None:
        """Carry messages until the source is closed."""
        async for event in self._source.events():
            await self._carry(event)

    async def _carry(self, event: MarketEvent) -> None:
        if isinstance(event, SourceSought):
            await self._alerting.on_seek(event.ts, backwards=event.backwards)
        zone_events = await self._market.apply(event)
        if isinstance(event, Tick):
            await self._alerting.on_tick(event, self._market.view(event.symbol).zones)
        elif isinstance(event, Candle):
            await self._alerting.on_zone_events(event.symbol, zone_events)
        elif isinstance(event, SourceEnded):
            log.info("source.ended", ts=event.ts)
        if isinstance(event, Candle | SourceSought | SourceEnded):
            self._reached(self._source.now_ms())
