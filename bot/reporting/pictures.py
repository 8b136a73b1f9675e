"""Draw what reports show: the picture of their kind, as the market stands when they are sent."""

from dataclasses import replace

from bot.commands.amounts import MINUTE_MS
from bot.delivery.channel import Picture, PictureRequest
from bot.delivery.pictures import Draw
from bot.pictures import window_label
from bot.render.liquidations_request import LiquidationsRequest
from bot.render.renderer import Renderer
from bot.render.zones_request import ZonesRequest
from bot.reporting.engine import Liquidations, Market
from engine.model import DAY_MS, HOUR_MS
from storage.venue_reads import Asked

STEPS = (MINUTE_MS, 5 * MINUTE_MS, 15 * MINUTE_MS, 30 * MINUTE_MS, HOUR_MS, 2 * HOUR_MS, 4 * HOUR_MS, DAY_MS)
MOST_BARS = 60


class ReportPictures:
    """Draw for messages: what is not a report's own kind is handed on to `usual`."""

    def __init__(self, usual: Draw, market: Market, venues: Liquidations, renderer: Renderer) -> None:
        self._usual = usual
        self._market = market
        self._venues = venues
        self._renderer = renderer

    async def draw(self, asked: PictureRequest) -> Picture | None:
        """Return the picture that a message asks for, None where there is nothing to show."""
        if asked.what == "liquidations":
            return await self._liquidations(asked)
        if asked.what == "zones":
            return await self._zones(asked)
        return await self._usual(asked)

    async def _zones(self, asked: PictureRequest) -> Picture | None:
        view = self._market.view(asked.symbol)
        if view.zones is None or not view.zones.zones:
            return None
        request = replace(
            ZonesRequest.of(view, now_ms=self._market.now_ms()),
            zones=view.zones.zones,
            known=view.zones.threshold_ready,
            samples_h=view.zones.samples_h,
            tz=asked.tz,
            source_label=self._market.label(),
        )
        drawn = await self._renderer.card(request, _nothing)
        return Picture(png=drawn.png, alt=drawn.alt, name=drawn.name)

    async def _liquidations(self, asked: PictureRequest) -> Picture | None:
        now_ms = self._market.now_ms()
        step_ms = next((step for step in STEPS if asked.window_ms <= MOST_BARS * step), STEPS[-1])
        wanted = Asked(symbol=asked.symbol, t0=now_ms - asked.window_ms, t1=now_ms + 1)
        report = await self._venues.liquidation_report(wanted, step_ms=step_ms, count=1)
        total = sum(each.total_usd for each in report.venues)
        if total <= 0:
            return None
        request = LiquidationsRequest(
            market=asked.symbol,
            window_ms=asked.window_ms,
            window_label=window_label(asked.window_ms),
            now_ms=now_ms,
            step_ms=step_ms,
            step_label=f"{step_ms // MINUTE_MS} min" if step_ms < HOUR_MS else f"{step_ms // HOUR_MS} h",
            ts=report.step_ts,
            usd=report.step_usd,
            parts=tuple((each.name, each.total_usd / total) for each in report.venues),
            tz=asked.tz,
            source_label=self._market.label(),
        )
        drawn = await self._renderer.liquidations(request, _nothing)
        return Picture(png=drawn.png, alt=drawn.alt, name=drawn.name)


def _nothing() -> None:
    """Take no note of what is drawn: nobody asked for it just now."""
