"""Draw for commands and alerts: ask the live market for a grid and the renderer for a picture."""

from dataclasses import replace

from bot.live.market import LiveMarket
from bot.render.picture import Picture
from bot.render.renderer import Renderer
from bot.render.request import HeatmapRequest
from engine.model import HOUR_MS, Zone


class Draughtsman:
    """Bring market and renderer together for the pictures that alerts carry."""

    def __init__(self, market: LiveMarket, renderer: Renderer) -> None:
        self._market = market
        self._renderer = renderer

    async def alert(self, symbol: str, window_ms: int, zone: Zone | None) -> tuple[bytes, str, str]:
        """Return the picture of an alert as PNG bytes, alt text and file name; the zone is marked in it."""
        picture = await self._draw(symbol, window_ms, zone)
        return picture.png, picture.alt, picture.name

    async def _draw(self, symbol: str, window_ms: int, zone: Zone | None) -> Picture:
        view = self._market.view(symbol)
        request = HeatmapRequest.of(
            view, now_ms=self._market.now_ms(), window_ms=window_ms, window_label=window_label(window_ms)
        )
        request = replace(request, source_label=self._market.label(), highlight=zone)
        return await self._renderer.heatmap(request, lambda: self._market.grid(symbol, window_ms))


def window_label(window_ms: int) -> str:
    """Return a window as people write it: 12h, 24h, 3d."""
    hours = round(window_ms / HOUR_MS)
    return f"{hours // 24}d" if hours % 24 == 0 and hours > 24 else f"{hours}h"
