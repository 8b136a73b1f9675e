"""Make the chart's heatmap by the usual model of an installation, where that is not the one of the zones."""

from typing import Protocol

from bot.commands.models import Past, pick
from bot.live.window import ModelFeed
from engine.errors import GridError
from engine.grid import Grid
from engine.presets import Preset, Unit

_UNITS = {Unit.EXPECTED: "expected liquidations", Unit.STANDING: "standing notional"}


class Modelled(Past, Protocol):
    """Be a live market that other models can be asked of."""

    async def model_grid(
        self,
        symbol: str,
        window_ms: int,
        feed: ModelFeed,
        *,
        low: float | None = None,
        high: float | None = None,
        max_cols: int = 1200,
    ) -> Grid:
        """Return the heatmap of a window as another model sees it."""


class Usual:
    """Be a market's heatmap by one model; `about` says in a line what it shows."""

    def __init__(self, market: Modelled, preset: Preset) -> None:
        self.about = f"Model {preset.name}: {_UNITS[preset.unit]}. Zones and alerts use flow"
        self._market = market
        self._preset = preset

    async def grid(
        self,
        symbol: str,
        window_ms: int,
        *,
        max_cols: int,
        low: float | None = None,
        high: float | None = None,
    ) -> Grid:
        """Return the heatmap of a window that ends now.

        Raise UserError without data, and without open interest where the model follows it.
        """
        presets, asked = {self._preset.name: self._preset}, (self._preset.name, "")
        chosen = await pick(presets, self._market, symbol, asked, window_ms)
        if chosen is None:
            raise GridError(f"{self._preset.name} is what the market itself shows")
        return await self._market.model_grid(
            symbol, window_ms, chosen.feed, low=low, high=high, max_cols=max_cols
        )
