"""Make the chart's heatmap by the usual model of an installation, where that is not the one zones are of."""

from typing import Protocol

from bot.commands.models import Past, pick, unit_of
from bot.live.window import ModelFeed
from engine.errors import GridError
from engine.grid import Grid
from engine.presets import Preset


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
    """Be the usual model's heatmap of a market; `about` says in a line what it shows."""

    def __init__(self, market: Modelled, preset: Preset) -> None:
        self.about = f"Model {preset.name}: {unit_of(preset)}. Zones and alerts use flow"
        self._market = market
        self._preset = preset

    async def grid(
        self,
        symbol: str,
        window_ms: int,
        *,
        low: float | None = None,
        high: float | None = None,
        bins: int = 600,
        max_cols: int | None = None,
    ) -> Grid:
        raise GridError
