"""Say what a film of a heatmap is to show, and reduce it with its grid to what the drawing needs."""

from collections.abc import Hashable
from dataclasses import dataclass, fields

from bot.lang import N_, _
from bot.render import alt
from bot.render.compose import scene_of
from bot.render.picture import Layout
from bot.render.request import HeatmapRequest
from bot.render.scene import FilmScene
from engine.grid import Grid

FRAMES = 60
FRAME_MS = 90
LAST_MS = 2_500
TOLD = N_("How the last {window} came to be, as a film.")


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmRequest:
    """Everything but the grid that a film is made from: the heatmap that it ends with."""

    last: HeatmapRequest

    @property
    def layout(self) -> Layout:
        """Return the shape."""
        return self.last.layout

    @property
    def hd(self) -> bool:
        """Say that it is never drawn larger."""
        return False

    @property
    def symbol(self) -> str:
        """Return whose films it replaces when it is newer; heatmaps of the market are others."""
        return f"film {self.last.symbol}"

    @property
    def candle_ts(self) -> int:
        """Return the candle that it ends with."""
        return self.last.candle_ts

    @property
    def what(self) -> Hashable:
        """Return what is drawn, apart from the candle it ends with."""
        return ("film", self.last.what)

    @property
    def file_name(self) -> str:
        """Return a plain file name, such as liqwatch-BTCUSDT-24h.gif."""
        return self.last.file_name.removesuffix(".png").removesuffix("@2x") + ".gif"

    def scene(self, grid: Grid) -> FilmScene:
        """Return what is to be drawn."""
        scene = scene_of(self.last, grid)
        known = {each.name: getattr(scene, each.name) for each in fields(scene)}
        return FilmScene(**known, stops=stops_of(grid.ts.size), frame_ms=FRAME_MS, last_ms=LAST_MS)

    def alt(self) -> str:
        """Return the film in words: what its last picture says."""
        told = _(TOLD).format(window=self.last.window_label)
        return alt.within_limit(f"{told} {alt.alt_text(self.last)}")


def stops_of(columns: int) -> tuple[int, ...]:
    """Return after how many columns each frame is: evenly, the last after all of them."""
    step = max(1, -(-columns // FRAMES))
    return tuple(range(columns, 0, -step))[::-1]
