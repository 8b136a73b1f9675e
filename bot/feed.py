"""Carry each message of the source to the live market, and then to the alerts: the feed loop."""

from collections.abc import Callable

import structlog

from adapters.venue import Source
from bot.alerting.engine import Alerting
from bot.live.market import LiveMarket
from engine.errors import LiqwatchError
from engine.model import Candle, MarketEvent, SourceEnded, SourceSought, Tick

log = structlog.get_logger(__name__)

Reached = Callable[[int], None]


class Feed:
    """Read one source for ever, in order: nothing overtakes anything.

    `reached` is told up to which market time everything has been dealt with.
    """

    def __init__(
        self, source: Source, market: LiveMarket, alerting: Alerting, *, reached: Reached | None = None
    ) -> None:
        self._source = source
        self._market = market
        self._alerting = alerting
        self._reached = reached

    async def run(self) -> None:
        """Carry messages until the source is closed."""
        async for event in self._source.events():
            try:
                await self._carry(event)
            except LiqwatchError:
                log.exception("feed.not_carried", kind=type(event).__name__)

    async def _carry(self, event: MarketEvent) -> None:
        if isinstance(event, SourceSought):
            await self._alerting.on_seek(event.ts, backwards=event.backwards)
        zone_events = await self._market.apply(event)
        if isinstance(event, Candle | Tick) and zone_events:
            await self._alerting.on_zone_events(event.symbol, zone_events)
        if isinstance(event, Tick) and self._market.is_price(event):
            await self._alerting.on_tick(event, self._market.view(event.symbol).zones)
        elif isinstance(event, Tick) or (isinstance(event, Candle) and event.closed):
            await self._alerting.on_event(event)
        elif isinstance(event, SourceEnded):
            log.info("source.ended", ts=event.ts)
        if self._reached and isinstance(event, Candle | SourceSought | SourceEnded):
            self._reached(self._source.now_ms())
