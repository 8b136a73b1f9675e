"""Draw text and shapes in nominal pixels, y downwards, on a matplotlib figure over a numpy picture.

Only `Figure` and the Agg canvas are used, never pyplot: nothing is global.
"""

import io
from collections.abc import Sequence

import numpy as np
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from matplotlib.transforms import IdentityTransform
from PIL import Image

from bot.render.fonts import Faces, Weight
from bot.render.layout import Box
from bot.render.palette import Colours, rgb
from engine.model import Floats

DPI = 100
CAP_SHARE = 0.364
"""Half the height of a capital letter, as a share of the type size: centres text on its capitals."""
PNG_LEVEL = 1
COLOURS = 256


class Ink:
    """One picture being drawn: pixels first, then shapes and text in the order they are asked for."""

    def __init__(self, size: tuple[int, int], scale: int, faces: Faces, ground: str) -> None:
        self.width, self.height = size
        self.scale = scale
        self.faces = faces
        self._figure = Figure(figsize=(self.width / DPI, self.height / DPI), dpi=DPI * scale)
        self._figure.patch.set_visible(False)
        # matplotlib's Agg has no annotations
        self._renderer = RendererAgg(self.width * scale, self.height * scale, DPI * scale)  # type: ignore[no-untyped-call]
        self.pixels: Colours = np.asarray(self._renderer.buffer_rgba())  # type: ignore[no-untyped-call]
        self.pixels[:] = (*rgb(ground), 255)
        self._order = 0
        self._words: list[tuple[float, float, str, Weight, float, tuple[float, float, float, float]]] = []

    def measure(self, words: str, size: float, weight: Weight = Weight.MEDIUM) -> float:
        """Return how wide a text is."""
        return self.faces.advance(weight, words) * size

    def text(  # noqa: PLR0913 (where, what and how of a line of text)
        self,
        at: tuple[float, float],
        words: str,
        size: float,
        colour: str,
        *,
        weight: Weight = Weight.MEDIUM,
        align: str = "left",
        alpha: float = 1.0,
    ) -> None:
        """Write a line whose capitals are centred on `at`'s y; text lies above all shapes."""
        shift = {"left": 0.0, "center": 0.5, "right": 1.0}[align] * self.measure(words, size, weight)
        x, y = (at[0] - shift) * self.scale, (at[1] + CAP_SHARE * size) * self.scale
        self._words.append((x, y, self.faces.drawable(words), weight, size, to_rgba(colour, alpha)))

    def box(
        self,
        box: Box,
        fill: str,
        *,
        alpha: float = 1.0,
        radius: float = 0.0,
        edge: str = "none",
        edge_width: float = 0.0,
    ) -> None:
        """Fill a rectangle, with rounded corners and a border where asked for."""
        s = self.scale
        style = f"round,pad=0,rounding_size={radius * s}" if radius else "square,pad=0"
        corner = (box.x0 * s, (self.height - box.y1) * s)
        face = to_rgba(fill, alpha) if fill != "none" else "none"
        line = edge_width * s * 72 / (DPI * s)
        patch = FancyBboxPatch(
            corner, box.width * s, box.height * s, boxstyle=style, fc=face, ec=edge, lw=line
        )
        self._add(patch)

    def rectangles(self, corners: Floats, colours: Sequence[str] | str, *, alpha: float = 1.0) -> None:
        """Fill many rectangles with hard edges; `corners` has shape (n, 4): left, top, right, bottom."""
        if not len(corners):
            return
        x0, y0, x1, y1 = (np.round(corners * self.scale)).T
        y0, y1 = self.height * self.scale - y0, self.height * self.scale - y1
        points = np.stack([np.c_[x0, y0], np.c_[x1, y0], np.c_[x1, y1], np.c_[x0, y1]], 1)
        self._add(
            PolyCollection(
                list(points), facecolors=colours, edgecolors="none", antialiased=False, alpha=alpha
            )
        )

    def line(
        self,
        points: Sequence[tuple[float, float]],
        colour: str,
        width: float,
        *,
        alpha: float = 1.0,
        dashes: tuple[float, float] | None = None,
    ) -> None:
        """Draw a line through points, dashed where asked for; lengths are in nominal pixels."""
        way = np.array([(x * self.scale, (self.height - y) * self.scale) for x, y in points])
        thick = width * 72 / DPI
        style = (0, (dashes[0] / width, dashes[1] / width)) if dashes else "solid"
        self._add(LineCollection([way], colors=[colour], linewidths=thick, linestyles=[style], alpha=alpha))

    def _add(self, artist: FancyBboxPatch | PolyCollection | LineCollection) -> None:
        """Put an artist on top of what is there."""
        self._order += 1
        artist.set_transform(IdentityTransform())
        artist.set_zorder(self._order)
        self._figure.add_artist(artist)

    def _write(self) -> None:
        """Draw the text. Straight to Agg: matplotlib's own Text measures each line three times."""
        pen = self._renderer.new_gc()
        for x, y, words, weight, size, colour in self._words:
            pen.set_foreground(colour, isRGBA=True)
            pen.set_alpha(colour[3])
            face = self.faces.properties(weight, size)
            self._renderer.draw_text(pen, x, y, words, face, 0.0)  # type: ignore[no-untyped-call]
        pen.restore()

    def png(self) -> bytes:
        """Draw everything over the pixels and return the picture as PNG.

        Pictures of nominal size are reduced to the 256 colours that serve them best, which takes two thirds
        off their size and time and is hard to see; HD keeps every colour.
        """
        self._figure.draw(self._renderer)
        self._write()
        image = Image.fromarray(np.ascontiguousarray(self.pixels[..., :3]))
        if self.scale == 1:
            image = image.quantize(COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        out = io.BytesIO()
        image.save(out, "PNG", compress_level=PNG_LEVEL)
        return out.getvalue()
