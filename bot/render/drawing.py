"""Hold what every part of one drawing shares: the ink, the scene, the areas, the colours."""

from dataclasses import dataclass

import numpy as np

from bot.render.ink import Ink
from bot.render.layout import Frame, Sizes
from bot.render.palette import Colours, Palette
from bot.render.raster import Span, Surface
from bot.render.scene import Scene, Sheet
from engine.model import Floats, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    """One picture while it is drawn, whatever it shows; places are nominal pixels, y downwards."""

    ink: Ink
    scene: Sheet
    sizes: Sizes
    palette: Palette
    frame: Frame
    lut: Colours

    def y_at(self, price: float) -> float:
        """Return where a price lies, inside the plot or not."""
        return float(self.ys_at(np.float64(price)))

    def ys_at(self, price: Floats | np.float64) -> Floats:
        """Return where prices lie, inside the plot or not."""
        (low, high), plot = self.scene.view, self.frame.plot
        return np.asarray(plot.y1 - (price - low) / (high - low) * plot.height)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing(Sketch):
    """One heatmap while it is drawn; `heat` is what is coloured."""

    scene: Scene
    span: Span
    heat: Surface

    def x_at(self, ts: float) -> float:
        """Return where a time lies."""
        return float(self.xs_at(np.float64(ts)))

    def xs_at(self, ts: Floats | Ints | np.float64) -> Floats:
        """Return where times lie."""
        start, end, plot = self.scene.start_ms, self.scene.end_ms, self.frame.plot
        return np.asarray(plot.x0 + (ts - start) / max(end - start, 1) * plot.width)
