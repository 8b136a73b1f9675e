"""Hold pictures, ready to be drawn: plain data, cheap to hand to another process.

The worker loads this module, so it stays clear of the engine's kernel and its compiler.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bot.render.picture import Layout, Theme
from engine.model import Floats, Ints, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A zone as drawn: prices, dollars, signed distance; `lit` for the one an alert is about."""

    long: bool
    low: float
    high: float
    usd: float
    distance: float
    born_ts: int
    lit: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What every picture has: its shape, its words, its price, the prices in view and labels beside them."""

    layout: Layout
    theme: Theme
    scale: int
    coin: str
    title: tuple[str, ...]
    price: float
    price_text: str
    change: float | None
    view: tuple[float, float]
    bands: tuple[Band, ...]
    replay: str
    headline: str
    severity: Severity | None
    notices: tuple[str, ...]
    footer: tuple[str, ...]

    @property
    def size(self) -> tuple[int, int]:
        """Return the width and height of the picture in pixels."""
        width, height = self.layout.size
        return width * self.scale, height * self.scale


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene(Sheet):
    """A heatmap.

    `heat` has shape (columns, bins): USD per bin of `bin_size` from `bin_low` upwards, both sides together
    (they never share a bin); `bars` has shape (4, columns): open, high, low, close, NaN where unknown.
    Columns begin at `ts` and last `step_ms`. `gaps` are (start, end) times without data. `pale` says
    that something in view lies beyond what was validated.
    """

    ts: Ints
    step_ms: int
    start_ms: int
    end_ms: int
    heat: npt.NDArray[np.float32]
    bin_low: float
    bin_size: float
    bars: Floats
    gaps: tuple[tuple[int, int], ...]
    tz: str
    pale: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmScene(Scene):
    """A heatmap as it came to be: a frame for each of `stops` (indices of columns that are over by then).

    `frame_ms` is how long a frame stays, `last_ms` how long the whole picture does at the end.
    """

    stops: tuple[int, ...]
    frame_ms: int
    last_ms: int

    @property
    def size(self) -> tuple[int, int]:
        """Return the width and height of the film: three quarters and two thirds of a picture's."""
        return (960, 540) if self.layout is Layout.LANDSCAPE else (720, 900)


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadeScene(Sheet):
    """What moves of price would sweep.

    `prices` (n,) rise evenly through the view; `swept_usd` (n,) is what a move from the present price to each
    would sweep. The bands are the moves that are named.
    """

    prices: Floats
    swept_usd: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidationsScene(Sheet):
    """What was liquidated over time; the view is in dollars, longs below 0.

    `usd` (n, 2) are the dollars, longs first, of the steps that begin at `ts` (n,) and last `step_ms`;
    `totals` those of the whole window; `parts` venues by name, each with its part of the dollars.
    """

    ts: Ints
    usd: Floats
    step_ms: int
    start_ms: int
    end_ms: int
    totals: tuple[float, float]
    tz: str
    parts: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneRow:
    """One zone of a card in words; `parts` are the shares of its dollars in the order of the legend."""

    prices: str
    usd: float
    dollars: str
    away: str
    age: str
    parts: tuple[float, ...]
    most: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ZonesScene(Sheet):
    """Zones as bars above and below the price, the highest first.

    `none_above` and `none_below` are what a side without any says, empty where that side is not asked for;
    `sums` what each side's come to, above first; `legend` the venues that bars are split into.
    """

    above: tuple[ZoneRow, ...]
    below: tuple[ZoneRow, ...]
    none_above: str
    none_below: str
    sums: tuple[str, ...]
    legend: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelsScene(Sheet):
    """Two to four small heatmaps; those of one market share the prices in view and the scale of colours.

    Each panel's coin, price, change and first title head it. `columns` is how many stand side by side.
    """

    panels: tuple[Scene, ...]
    columns: int
    alike: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One number with its name, and what else there is to say of it; `rise` colours that, 0 does not."""

    name: str
    value: str
    more: str = ""
    rise: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketScene(Sheet):
    """A market of a day: its closes at times from `start_ms` to `end_ms`, numbers, and a table of venues.

    `ts` and `closes` (n,) rise in time; `extremes` are the words of the day's lowest and highest price.
    `headings` and the cells of `rows` belong together, the columns of least use last but for the first.
    """

    ts: Ints
    closes: Floats
    start_ms: int
    end_ms: int
    extremes: tuple[str, str]
    tiles: tuple[Tile, ...]
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    tz: str
    nothing: str
