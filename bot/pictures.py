"""Draw for commands and alerts: ask the live market for a grid and the renderer for a picture."""

from dataclasses import replace
from typing import TypeVar

from bot.delivery.channel import Picture, PictureRequest
from bot.live.health import lacking
from bot.live.market import LiveMarket
from bot.live.view import SymbolView
from bot.render.renderer import Renderer
from bot.render.request import HeatmapRequest
from bot.render.zones_request import ZonesRequest
from bot.truth.shelf import Shelf
from engine.model import HOUR_MS

Asked = TypeVar("Asked", HeatmapRequest, ZonesRequest)


class Draughtsman:
    """Bring market and renderer together for the pictures that alerts carry."""

    def __init__(self, market: LiveMarket, renderer: Renderer, accuracy: Shelf) -> None:
        self._market = market
        self._renderer = renderer
        self._accuracy = accuracy

    async def alert(self, asked: PictureRequest) -> Picture | None:
        """Return the picture of a message: the heatmap as it stands now, an alert's zone marked by severity.

        Of zones that is their card, None where there are none.
        """
        if asked.what == "zones":
            return await self._zones(asked)
        view = self._market.view(asked.symbol)
        request = HeatmapRequest.of(
            view,
            now_ms=self._market.now_ms(),
            window_ms=asked.window_ms,
            window_label=window_label(asked.window_ms),
        )
        request = replace(self._dressed(request, view, asked), highlight=asked.zone, severity=asked.severity)
        drawn = await self._renderer.heatmap(
            request, lambda: self._market.grid(asked.symbol, asked.window_ms)
        )
        return Picture(png=drawn.png, alt=drawn.alt, name=drawn.name)

    async def _zones(self, asked: PictureRequest) -> Picture | None:
        """Return the card of the zones near the price."""
        view = self._market.view(asked.symbol)
        if view.zones is None or not view.zones.zones:
            return None
        shares = self._market.shares(asked.symbol)
        request = replace(
            self._dressed(ZonesRequest.of(view, now_ms=self._market.now_ms()), view, asked),
            zones=view.zones.zones,
            known=view.zones.threshold_ready,
            samples_h=view.zones.samples_h,
            shares=tuple(shares.items()) if len(shares) > 1 else (),
        )
        drawn = await self._renderer.card(request, _unlimited)
        return Picture(png=drawn.png, alt=drawn.alt, name=drawn.name)

    def _dressed(self, request: Asked, view: SymbolView, asked: PictureRequest) -> Asked:
        """Return a request with what is known of the data, and whose clock it shows."""
        now_ms, awaited = self._market.now_ms(), self._market.awaited(asked.symbol)
        return replace(
            request,
            tz=asked.tz,
            source_label=self._market.label(),
            without=lacking(self._market, view.venues, now_ms, awaited),
            accuracy=self._accuracy.line(asked.symbol, request.model),
        )


def _unlimited() -> None:
    """Take no note of what is drawn: nobody asked for it just now."""


def window_label(window_ms: int) -> str:
    """Return a window as people write it: 12h, 24h, 3d."""
    hours = round(window_ms / HOUR_MS)
    return f"{hours // 24}d" if hours % 24 == 0 and hours > 24 else f"{hours}h"
