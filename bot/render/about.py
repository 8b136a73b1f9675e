"""Say what every picture of one market has in common: the market, how well it is known, how to draw it."""

from dataclasses import dataclass
from typing import Self

from bot.lang import _
from bot.render import alt, text
from bot.render.picture import Layout, Theme
from bot.render.request import WARM_DAYS, MarketView, Without


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a picture of a market is asked with; fields as in `HeatmapRequest`."""

    symbol: str
    venues: tuple[str, ...]
    candle_ts: int
    now_ms: int
    price: float
    price_ts: int
    change_24h: float | None = None
    interpolated: bool = False
    warm: bool = True
    warm_days: float = WARM_DAYS
    history_days: float = 0.0
    theme: Theme = Theme.INFERNO
    layout: Layout = Layout.LANDSCAPE
    hd: bool = False
    tz: str = "UTC"
    model: str = "flow"
    source_label: str = ""
    without: Without = ()
    accuracy: str = ""
    shares: tuple[tuple[str, float], ...] = ()

    @classmethod
    def of(cls, view: MarketView, *, now_ms: int) -> Self:
        """Return a request about a live view; `dataclasses.replace` sets what is a matter of choice."""
        return cls(
            symbol=view.symbol,
            venues=view.venues,
            candle_ts=view.candle_ts,
            now_ms=now_ms,
            price=view.price,
            price_ts=view.price_ts,
            change_24h=view.change_24h,
            interpolated=view.interpolated,
            warm=view.warm,
            history_days=view.history_days,
        )

    @property
    def coin(self) -> str:
        """Return what it is about, as people say it."""
        return text.base(self.symbol)

    def named(self, kind: str, suffix: str = "png") -> str:
        """Return a plain file name, such as liqwatch-BTCUSDT-zones.png."""
        symbol = "".join(c for c in self.symbol if c.isalnum())
        return f"liqwatch-{symbol}-{kind}" + (f"@2x.{suffix}" if self.hd else f".{suffix}")

    def choice(self) -> tuple[object, ...]:
        """Return what tells two pictures of the same market apart, apart from what they show."""
        look = (self.theme, self.layout, self.hd, self.tz)
        return (self.symbol, self.venues, look, (bool(self.source_label), self.without), self.accuracy)

    def venues_said(self) -> str:
        """Return whose data it is made from, with each one's part where there are several."""
        return alt.venues_named(alt.heard(self.venues, self.without), dict(self.shares))

    def small_print(self, *further: str) -> tuple[str, ...]:
        """Return the small print, most important first."""
        items = (
            self.venues_said(),
            alt.without_said(self.without, self.tz),
            alt.age_said(self),
            _(alt.NOT_ADVICE),
            *further,
            _(alt.INTERPOLATED_SAID) if self.interpolated else "",
        )
        return tuple(item for item in items if item)

    def told(self, *sentences: str) -> str:
        """Return sentences as the words of a picture, with where they come from; under 1,024 characters."""
        made = alt.made_of(self.venues_said(), self.without, self.tz)
        parts = (
            *sentences,
            f"{self.source_label}." if self.source_label else "",
            f"{made}, {text.clock(self.now_ms, text.zone_of(self.tz))}; {_(alt.NOT_ADVICE)}.",
        )
        return alt.within_limit(" ".join(part for part in parts if part))

    def day_said(self) -> str:
        """Return the price and how it changed in a day: "Price $113,204 (−3.47% in 24 h)."."""
        day = (
            ""
            if self.change_24h is None
            else _(" ({change} in 24 h)").format(change=text.change(self.change_24h))
        )
        return _("Price ${price}{day}.").format(price=text.price(self.price), day=day)
