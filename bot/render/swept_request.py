"""Say what a picture of a swept zone is to show: what stood before price went through, what stands now."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bot.lang import N_, _
from bot.render import alt, text
from bot.render.compose import scene_of
from bot.render.picture import Layout, Theme
from bot.render.request import HeatmapRequest
from bot.render.scene import PanelsScene, Scene
from engine.grid import Grid
from engine.model import Severity, Side, Zone

TITLES = (
    N_("A zone before and after price went through it"),
    N_("Before and after a sweep"),
    N_("Swept zone"),
    "",
)
BEFORE, AFTER = N_("Before"), N_("After")
SWEPT = {
    Side.LONG: N_("{usd} of longs swept, {low} to {high}, {clock}"),
    Side.SHORT: N_("{usd} of shorts swept, {low} to {high}, {clock}"),
}
LEFT = N_("{usd} left there")
NOT_SEEN = N_("No data from before the sweep")


@dataclass(frozen=True, slots=True, kw_only=True)
class SweptRequest:
    """Everything but the grid that a picture of a swept zone is made from.

    `now` asks for the heatmap as it stands; `zone` is the zone as it stood before, `swept_usd` what of it was
    swept in the candle that opened at `swept_ts`.
    """

    now: HeatmapRequest
    zone: Zone
    swept_usd: float
    swept_ts: int

    @property
    def layout(self) -> Layout:
        """Return the shape."""
        return self.now.layout

    @property
    def theme(self) -> Theme:
        """Return the palette."""
        return self.now.theme

    @property
    def hd(self) -> bool:
        """Say whether it is drawn at twice the size."""
        return self.now.hd

    @property
    def symbol(self) -> str:
        """Return whose pictures it replaces when it is newer; heatmaps of the market are others."""
        return f"swept {self.now.symbol}"

    @property
    def candle_ts(self) -> int:
        """Return the candle that it is drawn at."""
        return self.now.candle_ts

    @property
    def what(self) -> Hashable:
        """Return what is drawn, apart from the candle it is drawn at."""
        return ("swept", self.now.what, self.zone.zone_id, self.swept_ts)

    @property
    def file_name(self) -> str:
        """Return a plain file name, such as liqwatch-BTCUSDT-swept.png."""
        symbol = "".join(c for c in self.now.symbol if c.isalnum())
        return f"liqwatch-{symbol}-swept" + ("@2x.png" if self.hd else ".png")

    def headline(self) -> str:
        """Return what happened in one line."""
        return _(SWEPT[self.zone.side]).format(
            usd=text.money(self.swept_usd),
            low=text.price(self.zone.low),
            high=text.price(self.zone.high),
            clock=text.clock(self.swept_ts, text.zone_of(self.now.tz)),
        )

    def scene(self, grids: Sequence[Grid]) -> PanelsScene:
        """Return what is to be drawn, from the one grid that shows both."""
        return _scene_of(self, grids[0])

    def alt(self) -> str:
        """Return the picture in words."""
        now = self.now
        made = alt.made_of(alt.venues_said(now), now.without, now.tz)
        parts = (
            _("{base} before and after a sweep.").format(base=text.base(now.symbol)),
            f"{self.headline()}.",
            _("Price now ${price}.").format(price=text.price(now.price)),
            f"{now.source_label}." if now.source_label else "",
            f"{made}, {text.clock(now.now_ms, text.zone_of(now.tz))}; {_(alt.NOT_ADVICE)}.",
        )
        return alt.within_limit(" ".join(part for part in parts if part))


def standing_usd(grid: Grid, zone: Zone, column: int) -> float:
    """Return the dollars of a zone's side between its prices, as they stood in a column."""
    side = grid.long if zone.side is Side.LONG else grid.short
    low, high = grid.edges[:-1], grid.edges[1:]
    inside = np.clip((np.minimum(high, zone.high) - np.maximum(low, zone.low)) / (high - low), 0, 1)
    return float(side[column].astype(float) @ inside)


def _scene_of(request: SweptRequest, grid: Grid) -> PanelsScene:
    now = request.now
    count = int(np.searchsorted(grid.ts, request.swept_ts))
    left = standing_usd(grid, request.zone, -1) if grid.ts.size else 0.0
    after = _panel(now, grid, replace(request.zone, notional_usd=left), (_(AFTER),))
    panels: tuple[Scene, ...] = (after,)
    if count:
        price = float(grid.close[count - 1])
        before = replace(
            now,
            now_ms=request.swept_ts,
            window_ms=max(now.window_ms - (after.end_ms - request.swept_ts), grid.step_ms),
            price=price,
            price_range=after.view,
        )
        moment = f"{text.moment(request.swept_ts, text.zone_of(now.tz)):%H:%M}"
        panels = (_panel(before, _until(grid, count), request.zone, (_(BEFORE), moment)), after)
    return PanelsScene(
        layout=now.layout,
        theme=now.theme,
        scale=2 if now.hd else 1,
        coin=text.base(now.symbol),
        title=tuple(map(_, TITLES)),
        price=now.price,
        price_text=text.price(now.price),
        change=now.change_24h,
        view=(0.0, 1.0),
        bands=(),
        replay=now.source_label,
        headline=request.headline(),
        severity=now.severity or Severity.WARNING,
        notices=(*(() if count else (_(NOT_SEEN),)), _(LEFT).format(usd=text.money(left))),
        footer=alt.footer(now),
        panels=panels,
        columns=2 if now.layout is Layout.LANDSCAPE else 1,
        alike=True,
    )


def _panel(request: HeatmapRequest, grid: Grid, zone: Zone, heads: tuple[str, ...]) -> Scene:
    """Return one of the two: the heatmap with the zone marked, and nothing else named."""
    severity = request.severity or Severity.WARNING
    scene = scene_of(replace(request, zones=None, highlight=zone, severity=severity), grid)
    # a label stands on the zone's side of the price, wherever price has gone since
    bands = tuple(replace(band, long=band.low < request.price) for band in scene.bands)
    return replace(
        scene, coin=heads[0], title=heads[1:], change=None, replay="", headline="", notices=(), bands=bands
    )


def _until(grid: Grid, count: int) -> Grid:
    """Return the first columns of a grid."""
    rows = slice(0, count)
    return replace(
        grid,
        ts=grid.ts[rows],
        long=grid.long[rows],
        short=grid.short[rows],
        open=grid.open[rows],
        high=grid.high[rows],
        low=grid.low[rows],
        close=grid.close[rows],
    )
