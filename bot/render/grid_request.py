"""Say what a picture of several markets is to show, and reduce it to what the drawing needs."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

from bot.lang import N_, _
from bot.render import alt, text
from bot.render.compose import scene_of
from bot.render.picture import Layout, Theme
from bot.render.request import HeatmapRequest
from bot.render.scene import Band, PanelsScene, Scene
from engine.grid import Grid
from engine.model import Side

TITLES = (N_("Liquidation heatmaps · {window}"), N_("Heatmaps · {window}"), "{window}")
COINS = N_("{count} markets")
A_SIDE = 2
"""How many zones a side a panel names at most."""
SMALL_NOTES = 1
MOST = 4
ROOM_SHARE = 0.26
"""What part of a panel's height lies on each side of the price at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GridRequest:
    """Everything but the grids that a picture of several heatmaps is made from: a request for each market.

    The first panel says how the picture is drawn: layout, theme, time zone, window.
    """

    panels: tuple[HeatmapRequest, ...]

    @property
    def _first(self) -> HeatmapRequest:
        return self.panels[0]

    @property
    def layout(self) -> Layout:
        """Return the shape."""
        return self._first.layout

    @property
    def theme(self) -> Theme:
        """Return the palette."""
        return self._first.theme

    @property
    def hd(self) -> bool:
        """Say whether it is drawn at twice the size."""
        return self._first.hd

    @property
    def symbol(self) -> str:
        """Return whose pictures it replaces when it is newer: those of the same markets."""
        return "grid " + " ".join(panel.symbol for panel in self.panels)

    @property
    def candle_ts(self) -> int:
        """Return the newest candle that it is drawn at."""
        return max(panel.candle_ts for panel in self.panels)

    @property
    def what(self) -> Hashable:
        """Return what is drawn, apart from the candle it is drawn at."""
        return ("grid", tuple(panel.what for panel in self.panels))

    @property
    def file_name(self) -> str:
        """Return a plain file name, such as liqwatch-BTC-ETH-24h.png."""
        names = [text.base(panel.symbol) for panel in self.panels]
        plain = ["".join(c for c in name if c.isalnum()) for name in (*names, self._first.window_label)]
        return "-".join(["liqwatch", *plain]) + ("@2x.png" if self.hd else ".png")

    def scene(self, grids: Sequence[Grid]) -> PanelsScene:
        """Return what is to be drawn, with a grid for each panel."""
        scenes = [roomy_scene(panel, grid) for panel, grid in zip(self.panels, grids, strict=True)]
        first = self._first
        window = first.window_label
        return PanelsScene(
            layout=first.layout,
            theme=first.theme,
            scale=2 if first.hd else 1,
            coin=_(COINS).format(count=len(scenes)),
            title=tuple(_(words).format(window=window) for words in TITLES),
            price=0.0,
            price_text="",
            change=None,
            view=(0.0, 1.0),
            bands=(),
            replay=first.source_label,
            headline="",
            severity=None,
            notices=(),
            footer=self._footer(),
            panels=tuple(_small(scene) for scene in scenes),
            columns=2 if first.layout is Layout.LANDSCAPE else 1,
            alike=False,
        )

    def alt(self) -> str:
        """Return the picture in words: each market's price and its largest zone on each side."""
        first = self._first
        told = [_market_said(panel) for panel in self.panels]
        made = ", ".join(dict.fromkeys(alt.made_of(_venues(p), p.without, p.tz) for p in self.panels))
        parts = (
            _("Liquidation heatmaps, last {window_label}.").format(window_label=first.window_label),
            *told,
            f"{first.source_label}." if first.source_label else "",
            f"{made}, {text.clock(first.now_ms, text.zone_of(first.tz))}; {_(alt.NOT_ADVICE)}.",
        )
        return alt.within_limit(" ".join(part for part in parts if part))

    def _footer(self) -> tuple[str, ...]:
        first = self._first
        oldest = replace(first, price_ts=min(panel.price_ts for panel in self.panels))
        without = {alt.without_said(panel.without, panel.tz) for panel in self.panels}
        lines = list(dict.fromkeys(panel.accuracy for panel in self.panels if panel.accuracy))
        items = (
            ", ".join(dict.fromkeys(name for panel in self.panels for name in _venues(panel).split(", "))),
            *sorted(without),
            alt.age_said(oldest),
            _(alt.NOT_ADVICE),
            _("model {model}").format(model=first.model),
            *(lines if len(lines) == 1 else [f"{text.base(p.symbol)} {p.accuracy}" for p in self.panels[:1]]),
            _(alt.SIDES_SAID),
        )
        return tuple(item for item in items if item)


def _venues(panel: HeatmapRequest) -> str:
    return alt.venues_named(alt.heard(panel.venues, panel.without))


def roomy_scene(panel: HeatmapRequest, grid: Grid) -> Scene:
    """Return a scene whose price leaves room for a label on each side, as far as the grid reaches."""
    scene = scene_of(panel, grid)
    low, high = scene.view
    least = ROOM_SHARE * (high - low) / (1 - ROOM_SHARE)
    wanted = (min(low, scene.price - least), max(high, scene.price + least))
    return scene if wanted == (low, high) else scene_of(replace(panel, price_range=wanted), grid)


def _small(scene: Scene) -> Scene:
    """Return a scene with what a small picture has room for."""
    chips = scene.notices[:SMALL_NOTES]
    return replace(scene, bands=_largest(scene.bands), replay="", notices=chips, title=())


def _largest(bands: Sequence[Band]) -> tuple[Band, ...]:
    kept: list[Band] = []
    for long in (False, True):
        mine = sorted((band for band in bands if band.long is long), key=lambda band: -band.usd)
        kept += mine[:A_SIDE]
    return tuple(kept)


def _market_said(panel: HeatmapRequest) -> str:
    day = "" if panel.change_24h is None else f" ({text.change(panel.change_24h)})"
    told = [f"{text.base(panel.symbol)} ${text.price(panel.price)}{day}"]
    for side, words in ((Side.SHORT, _("shorts above")), (Side.LONG, _("longs below"))):
        zone = next(iter(alt.largest(panel, side, 1)), None)
        if zone is not None:
            away = text.percent(alt.signed_distance(zone, panel.price))
            told.append(
                _("{words}: {money} at {away}").format(
                    words=words, money=text.money(zone.notional_usd), away=away
                )
            )
    return f"{', '.join(told)}."
