"""Draw text and shapes in nominal pixels, y downwards, with matplotlib's Agg over a numpy picture.

Agg's own calls are used rather than figures and artists: the picture is the same, and a third of the time
went into artists that measure everything several times. Nothing is global, and pyplot is never loaded.
"""

import io
from collections.abc import Sequence

import numpy as np
from matplotlib.backend_bases import GraphicsContextBase
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.colors import to_rgba
from matplotlib.path import Path
from matplotlib.transforms import IdentityTransform
from PIL import Image

from bot.render.fonts import Faces, Weight
from bot.render.layout import Box
from bot.render.palette import Colours, rgb
from engine.model import Floats

DPI = 100
POINTS = 72 / DPI
"""Points in a nominal pixel: what Agg wants line widths in."""
CAP_SHARE = 0.364
"""Half the height of a capital letter, as a share of the type size: centres text on its capitals."""
PNG_LEVEL = 1
CORNERS = np.array([[0, 1], [2, 1], [2, 3], [0, 3], [0, 1]])
"""Where the x and y of a rectangle's corners stand among its edges, the first corner again at the end."""
CORNER_CODES = np.array([Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY], np.uint8)
CORNER = 0.4477
"""Where a quarter circle's control points lie, from the corner, as a share of the radius."""


class Ink:
    """One picture being drawn: each call draws at once over what is there."""

    def __init__(self, size: tuple[int, int], scale: int, faces: Faces, ground: str) -> None:
        self.width, self.height = size
        self.scale = scale
        self.faces = faces
        # matplotlib's Agg has no annotations
        self._agg = RendererAgg(self.width * scale, self.height * scale, DPI * scale)  # type: ignore[no-untyped-call]
        self.pixels: Colours = np.asarray(self._agg.buffer_rgba())  # type: ignore[no-untyped-call]
        self.pixels.view(np.uint32)[:] = np.array((*rgb(ground), 255), np.uint8).view(np.uint32)
        self._flat = IdentityTransform()

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
        """Write a line whose capitals are centred on `at`'s y."""
        shift = {"left": 0.0, "center": 0.5, "right": 1.0}[align] * self.measure(words, size, weight)
        x, y = (at[0] - shift) * self.scale, (at[1] + CAP_SHARE * size) * self.scale
        face, pen = self.faces.properties(weight, size), self._pen(colour, alpha)
        pen.set_alpha(alpha)  # for text it counts here, for shapes it would override the fill's
        self._agg.draw_text(pen, x, y, self.faces.drawable(words), face, 0.0)  # type: ignore[no-untyped-call]

    def box(
        self,
        box: Box,
        fill: str | None,
        *,
        alpha: float = 1.0,
        radius: float = 0.0,
        edge: str | None = None,
        edge_width: float = 0.0,
    ) -> None:
        """Fill a rectangle, with rounded corners and a border where asked for."""
        pen = self._pen(edge or "#000000", 1.0)
        pen.set_linewidth(edge_width * POINTS if edge else 0.0)
        face = None if fill is None else to_rgba(fill, alpha)
        self._agg.draw_path(pen, self._path(_outline(box, radius)), self._flat, face)  # type: ignore[no-untyped-call]

    def rectangles(self, corners: Floats, colour: str, *, alpha: float = 1.0) -> None:
        """Fill many rectangles with hard edges; `corners` has shape (n, 4): left, top, right, bottom."""
        if not len(corners):
            return
        # halves go up, never to the even neighbour: a wick one pixel wide must not round to none
        edges = np.floor(corners * self.scale + 0.5) / self.scale
        points = edges[:, CORNERS]
        codes = np.tile(CORNER_CODES, len(corners))
        pen = self._pen(colour, 1.0)
        pen.set_linewidth(0.0)
        pen.set_antialiased(False)
        way = self._path(Path(points.reshape(-1, 2), codes))
        self._agg.draw_path(pen, way, self._flat, to_rgba(colour, alpha))  # type: ignore[no-untyped-call]

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
        pen = self._pen(colour, alpha)
        pen.set_linewidth(width * POINTS)
        pen.set_capstyle("butt")
        if dashes:
            pen.set_dashes(0.0, [length * POINTS for length in dashes])
        self._agg.draw_path(pen, self._path(Path(np.array(points, float))), self._flat, None)  # type: ignore[no-untyped-call]

    def _pen(self, colour: str, alpha: float) -> GraphicsContextBase:
        """Return a pen of a colour."""
        pen = GraphicsContextBase()
        pen.set_foreground(to_rgba(colour, alpha), isRGBA=True)
        return pen

    def _path(self, path: Path) -> Path:
        """Return a path in nominal pixels as Agg wants it: real pixels, y upwards."""
        places = np.asarray(path.vertices, float) * (self.scale, -self.scale)
        places[:, 1] += self.height * self.scale
        return Path(places, path.codes)

    def png(self) -> bytes:
        """Return the picture as PNG, in all its colours.

        256 colours would save 10 ms and two thirds of the bytes, but band the darks and the colour scale.
        """
        out = io.BytesIO()
        image = Image.fromarray(self.pixels).convert("RGB")
        image.save(out, "PNG", compress_level=PNG_LEVEL)
        return out.getvalue()


def _outline(box: Box, radius: float) -> Path:
    """Return a rectangle's outline, with round corners where asked for."""
    x0, y0, x1, y1 = box.x0, box.y0, box.x1, box.y1
    if radius <= 0:
        return Path(np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)]), closed=True)
    r, k = radius, radius * CORNER
    points = [(x0 + r, y0)]
    corners = ((x1, y0, -1, 0, 0, 1), (x1, y1, 0, -1, -1, 0), (x0, y1, 1, 0, 0, -1), (x0, y0, 0, 1, 1, 0))
    for x, y, ax, ay, bx, by in corners:
        points += [
            (x + ax * r, y + ay * r),
            (x + ax * k, y + ay * k),
            (x + bx * k, y + by * k),
            (x + bx * r, y + by * r),
        ]
    codes = [Path.MOVETO, *([Path.LINETO, Path.CURVE4, Path.CURVE4, Path.CURVE4] * 4), Path.CLOSEPOLY]
    return Path(np.array([*points, points[0]], float), codes)
