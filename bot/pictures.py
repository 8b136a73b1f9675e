"""Draw for commands and alerts: ask the live market for a grid and the renderer for a picture."""

from dataclasses import replace

from bot.delivery.channel import Picture, PictureRequest
from bot.live.health import lacking
from bot.live.market import LiveMarket
from bot.render.renderer import Renderer
from bot.render.request import HeatmapRequest
from bot.truth.shelf import Shelf
from engine.model import HOUR_MS


class Draughtsman:
    """Bring market and renderer together for the pictures that alerts carry."""

    def __init__(self, market: LiveMarket, renderer: Renderer, accuracy: Shelf) -> None:
        self._market = market
        self._renderer = renderer
        self._accuracy = accuracy

    async def alert(self, asked: PictureRequest) -> Picture:
        """Return the picture of an alert: the heatmap as it stands now, the zone marked by severity."""
        view = self._market.view(asked.symbol)
        request = HeatmapRequest.of(
            view,
            now_ms=self._market.now_ms(),
            window_ms=asked.window_ms,
            window_label=window_label(asked.window_ms),
        )
        request = replace(
            request,
            tz=asked.tz,
            source_label=self._market.label(),
            without=lacking(
                self._market, view.venues, self._market.now_ms(), self._market.awaited(asked.symbol)
            ),
            accuracy=self._accuracy.line(asked.symbol, request.model),
            highlight=asked.zone,
            severity=asked.severity,
        )
        drawn = await self._renderer.heatmap(
            request, lambda: self._market.grid(asked.symbol, asked.window_ms)
        )
        return Picture(png=drawn.png, alt=drawn.alt, name=drawn.name)


def window_label(window_ms: int) -> str:
    """Return a window as people write it: 12h, 24h, 3d."""
    hours = round(window_ms / HOUR_MS)
    return f"{hours // 24}d" if hours % 24 == 0 and hours > 24 else f"{hours}h"
