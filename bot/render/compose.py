"""Reduce a request and its grid to what the drawing needs."""

import numpy as np
import numpy.typing as npt

from bot.lang import N_, _
from bot.render import alt, text
from bot.render.layout import SIZES, TRUSTED, price_view
from bot.render.request import HeatmapRequest
from bot.render.scene import Band, Scene
from engine.grid import Grid
from engine.model import STEP_MS, Side, Zone

NO_DATA = N_("No data in this window yet")
NEARLY_ALL = 0.02
"""A window this little longer than the grid (a share of it) is taken as a matter of rounding."""


def scene_of(request: HeatmapRequest, grid: Grid) -> Scene:
    """Return what is to be drawn. The grid's price range bounds what can be seen."""
    bands = _bands(request)
    view = _view(request, grid, bands)
    first, last = _visible(grid, view)
    start, end = _times(request, grid)
    pale = _pale(request, grid, view)
    return Scene(
        layout=request.layout,
        theme=request.theme,
        scale=2 if request.hd else 1,
        coin=text.base(request.symbol),
        title=_titles(request),
        price=request.price,
        price_text=text.price(request.price),
        change=request.change_24h,
        ts=grid.ts,
        step_ms=int(grid.step_ms),
        start_ms=start,
        end_ms=end,
        heat=_heat(request, grid, first, last),
        bin_low=float(grid.edges[first]),
        bin_size=float(grid.edges[1] - grid.edges[0]),
        bars=np.stack([grid.open, grid.high, grid.low, grid.close]).astype(float),
        view=view,
        gaps=tuple((gap.first_ts, gap.last_ts + STEP_MS) for gap in request.gaps),
        bands=bands,
        replay=request.source_label,
        headline=alt.headline(request),
        severity=request.severity,
        notices=(*(() if grid.ts.size else (_(NO_DATA),)), *alt.notices(request)),
        footer=alt.footer(request, pale=pale),
        pale=pale,
        tz=request.tz,
    )


def _titles(request: HeatmapRequest) -> tuple[str, ...]:
    """Return ways to say what the picture is, the longest first; the first that fits is used."""
    whole, brief = {
        None: (_("Liquidation heatmap · {window}"), _("Liquidations · {window}")),
        Side.LONG: (_("Liquidation heatmap of longs · {window}"), _("Liquidations of longs · {window}")),
        Side.SHORT: (_("Liquidation heatmap of shorts · {window}"), _("Liquidations of shorts · {window}")),
    }[request.side]
    window = request.window_label
    return tuple(title.format(window=window) for title in (whole, brief, _("Heatmap · {window}"), "{window}"))


def _bands(request: HeatmapRequest) -> tuple[Band, ...]:
    """Return the largest zones of each side, and the highlighted one whether or not it is among them."""
    lit = request.highlight
    count = SIZES[request.layout].zones_a_side
    zones = [zone for side in Side for zone in alt.largest(request, side, count)]
    if lit is not None:
        zones = [zone for zone in zones if zone.zone_id != lit.zone_id] + [lit]
    return tuple(_band(zone, request.price, lit=zone is lit) for zone in zones)


def _band(zone: Zone, price: float, *, lit: bool) -> Band:
    """Return one zone as drawn."""
    return Band(
        long=zone.side is Side.LONG,
        low=float(zone.low),
        high=float(zone.high),
        usd=float(zone.notional_usd),
        distance=float(alt.signed_distance(zone, price)),
        born_ts=zone.born_ts,
        lit=lit,
    )


def _view(request: HeatmapRequest, grid: Grid, bands: tuple[Band, ...]) -> tuple[float, float]:
    """Return the price range to show, within what the grid holds."""
    if request.price_range is not None:
        low, high = request.price_range
    else:
        lows, highs = grid.low[np.isfinite(grid.low)], grid.high[np.isfinite(grid.high)]
        seen = (float(lows.min()), float(highs.max())) if lows.size and highs.size else (request.price,) * 2
        levels = [edge for band in bands for edge in (band.low, band.high)]
        low, high = price_view(*seen, request.price, levels)
    inside = (max(low, float(grid.edges[0])), min(high, float(grid.edges[-1])))
    return inside if inside[0] < inside[1] else (float(grid.edges[0]), float(grid.edges[-1]))


def _pale(request: HeatmapRequest, grid: Grid, view: tuple[float, float]) -> bool:
    """Say whether anything is in view that lies farther from the price of its time than was validated."""
    closes = np.append(grid.close[np.isfinite(grid.close)], request.price)
    return bool(view[1] / closes.min() - 1 > TRUSTED or 1 - view[0] / closes.max() > TRUSTED)


def _visible(grid: Grid, view: tuple[float, float]) -> tuple[int, int]:
    """Return the first bin and the one past the last that are seen."""
    first = int(np.searchsorted(grid.edges, view[0], "right")) - 1
    last = int(np.searchsorted(grid.edges, view[1], "left"))
    bins = grid.edges.shape[0] - 1
    return max(0, min(first, bins - 1)), max(1, min(last, bins))


def _heat(request: HeatmapRequest, grid: Grid, first: int, last: int) -> npt.NDArray[np.float32]:
    """Return the seen levels of the side asked for, or of both."""
    rows = slice(first, last)
    if request.side is Side.LONG:
        return np.ascontiguousarray(grid.long[:, rows])
    if request.side is Side.SHORT:
        return np.ascontiguousarray(grid.short[:, rows])
    both: npt.NDArray[np.float32] = grid.long[:, rows] + grid.short[:, rows]
    return both


def _times(request: HeatmapRequest, grid: Grid) -> tuple[int, int]:
    """Return the span shown: the window up to the end of the newest column, however short the history is."""
    if grid.ts.size == 0:
        return request.now_ms - request.window_ms, request.now_ms
    end = int(grid.ts[-1]) + int(grid.step_ms)
    start, first = end - request.window_ms, int(grid.ts[0])
    nearly = abs(first - start) <= max(NEARLY_ALL * request.window_ms, int(grid.step_ms))
    return (first if nearly or request.window_ms <= 0 else start), end
