"""Say what a heatmap picture is to show, in plain data."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Protocol, Self

from bot.render.picture import Layout, Theme
from engine.model import Gap, Severity, Side, Zone, ZoneSet

Without = tuple[tuple[str, int | None], ...]
"""The venues that give nothing now, and since when (ms UTC, None where they never gave anything)."""

WARM_DAYS = 7.0
KEY_DIGITS = 5


class MarketView(Protocol):
    """What a picture wants to know about a symbol; the live market's view has it all."""

    @property
    def symbol(self) -> str: ...  # noqa: D102 (a field, described by the view itself; so are those below)
    @property
    def venues(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def price(self) -> float: ...  # noqa: D102
    @property
    def price_ts(self) -> int: ...  # noqa: D102
    @property
    def interpolated(self) -> bool: ...  # noqa: D102
    @property
    def candle_ts(self) -> int: ...  # noqa: D102
    @property
    def zones(self) -> ZoneSet | None: ...  # noqa: D102
    @property
    def warm(self) -> bool: ...  # noqa: D102
    @property
    def history_days(self) -> float: ...  # noqa: D102
    @property
    def change_24h(self) -> float | None: ...  # noqa: D102
    @property
    def gaps(self) -> tuple[Gap, ...]: ...  # noqa: D102


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatmapRequest:
    """Everything but the grid that a heatmap picture is made from.

    Times are int64 ms UTC of the market clock; changes and distances are fractions. `source_label` is
    empty on live data and "REPLAY 2025-10-10 20:35 UTC" in a replay. `without` are those of `venues` that
    give nothing now. `accuracy` is one line, shown where there is one. `highlight` is the zone an alert
    is about, with the alert's `severity`. `price_range` overrides the range chosen from candles and
    zones. `about` says what another model shows than the one that zones are judged on; its label may
    count its `weights`, so they tell such pictures apart. `side` shows one side's levels alone. `shares`
    are what part of all venues' dollars each venue has, where there are several.
    """

    symbol: str
    venues: tuple[str, ...]
    candle_ts: int
    now_ms: int
    price: float
    price_ts: int
    window_ms: int
    window_label: str
    zones: ZoneSet | None = None
    change_24h: float | None = None
    interpolated: bool = False
    warm: bool = True
    warm_days: float = WARM_DAYS
    history_days: float = 0.0
    gaps: tuple[Gap, ...] = ()
    theme: Theme = Theme.INFERNO
    layout: Layout = Layout.LANDSCAPE
    hd: bool = False
    tz: str = "UTC"
    model: str = "flow"
    weights: tuple[float, ...] = ()
    about: str = ""
    source_label: str = ""
    without: Without = ()
    accuracy: str = ""
    side: Side | None = None
    highlight: Zone | None = None
    severity: Severity | None = None
    price_range: tuple[float, float] | None = None
    shares: tuple[tuple[str, float], ...] = ()

    @classmethod
    def of(cls, view: MarketView, *, now_ms: int, window_ms: int, window_label: str) -> Self:
        """Return a request about a live view; `dataclasses.replace` sets what is a matter of choice."""
        return cls(
            symbol=view.symbol,
            venues=view.venues,
            candle_ts=view.candle_ts,
            now_ms=now_ms,
            price=view.price,
            price_ts=view.price_ts,
            window_ms=window_ms,
            window_label=window_label,
            zones=view.zones,
            change_24h=view.change_24h,
            interpolated=view.interpolated,
            warm=view.warm,
            history_days=view.history_days,
            gaps=view.gaps,
        )

    @property
    def what(self) -> Hashable:
        """Return what is drawn, apart from the candle it is drawn at: one slot of the cache.

        A heatmap shows the price of the moment it was first drawn at in its candle, until price sweeps part
        of a zone; an alert's picture shows the price of the alert, so that is part of it.
        """
        alert: Hashable = None
        if self.highlight is not None:
            at_price = f"{self.price:.{KEY_DIGITS}g}"
            alert = (self.highlight.zone_id, self.highlight.low, self.highlight.high, self.severity, at_price)
        model = (self.model, self.weights, self.about)
        market = (self.symbol, self.venues, model, self.window_ms, self.window_label)
        choice = (self.theme, self.layout, self.hd, self.tz, self.side, self.price_range)
        zones = self.zones.zones if self.zones else ()
        stand = tuple((zone.zone_id, f"{zone.notional_usd:.1g}") for zone in zones)
        source = (bool(self.source_label), self.without)
        return (market, choice, alert, stand, source, self.accuracy)

    @property
    def file_name(self) -> str:
        """Return a plain file name, such as liqwatch-BTCUSDT-24h.png."""
        parts = ["liqwatch", self.symbol, self.window_label or "window", "alert" if self.highlight else ""]
        plain = ("".join(c for c in part if c.isalnum()) for part in parts)
        return "-".join(part for part in plain if part) + ("@2x.png" if self.hd else ".png")
