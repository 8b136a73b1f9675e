"""Say what a card of a market is to show, and reduce it to what the drawing needs."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

import numpy as np

from adapters.titles import title
from bot.lang import N_, _, speech
from bot.render import text
from bot.render.about import About
from bot.render.request import KEY_DIGITS
from bot.render.scene import MarketScene, Tile
from engine.model import DAY_MS, Floats, Ints

TITLES = (N_("Market · 24 h"), "24 h", "")
VOLUME, OPEN_INTEREST, FUNDING = N_("Volume 24 h"), N_("Open interest"), N_("Funding a year")
RATIO, RANGE = N_("Long/short accounts"), N_("Range 24 h")
HEADINGS = (
    N_("Venue"),
    N_("Price"),
    N_("Volume 24 h"),
    N_("Open interest"),
    N_("Funding"),
    N_("Long/short"),
    N_("Of heatmap"),
)
IN_A_DAY = N_("{change} in 24 h")
SPREAD = N_("{low} to {high}")
UP_FROM = N_("price is {share} up from its low")
NO_PRICES = N_("No prices of the last day yet")


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueFacts:
    """What one venue says of a market; None where it does not say, `funding` in words with its interval."""

    venue: str
    price: float | None
    volume_usd: float | None
    open_interest_usd: float | None
    open_interest_change: float | None
    funding: str
    ratio: float | None
    share: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketRequest(About):
    """Everything that a card of a market is made from.

    `ts` and `closes` (n,) are the day's candles, the newest last. Changes are fractions, and so is
    `funding_year`, that of all venues; None is not known.
    """

    ts: Ints = field(default_factory=lambda: np.empty(0, np.int64), repr=False)
    closes: Floats = field(default_factory=lambda: np.empty(0), repr=False)
    low_24h: float | None = None
    high_24h: float | None = None
    volume_usd: float | None = None
    open_interest_usd: float | None = None
    open_interest_change: float | None = None
    funding_year: float | None = None
    lines: tuple[VenueFacts, ...] = ()

    @property
    def what(self) -> Hashable:
        """Return what is drawn, apart from the candle it is drawn at; its numbers are those of the price."""
        at = f"{self.price:.{KEY_DIGITS}g}"
        numbers = (self.volume_usd, self.open_interest_usd, self.funding_year)
        known = tuple(None if number is None else f"{number:.3g}" for number in numbers)
        return ("market", self.choice(), at, known, tuple(_row(line) for line in self.lines))

    @property
    def file_name(self) -> str:
        """Return a plain file name."""
        return self.named("market")

    def scene(self) -> MarketScene:
        """Return what is to be drawn."""
        return _scene_of(self)

    def alt(self) -> str:
        """Return the picture in words; under 1,024 characters."""
        told = (
            f"{tile.name}: {tile.value}{f' ({tile.more})' if tile.more else ''}." for tile in _tiles(self)
        )
        venues = [_venue_said(line) for line in self.lines] if len(self.lines) > 1 else []
        return self.told(_("{coin} market.").format(coin=self.coin), self.day_said(), *told, *venues)

    def ratios(self) -> list[float]:
        """Return the ratios that venues say, the lowest first."""
        return sorted(line.ratio for line in self.lines if line.ratio is not None)


def _scene_of(request: MarketRequest) -> MarketScene:
    many = len(request.lines) > 1
    end = request.now_ms
    return MarketScene(
        layout=request.layout,
        theme=request.theme,
        scale=2 if request.hd else 1,
        coin=request.coin,
        title=tuple(map(_, TITLES)),
        price=request.price,
        price_text=text.price(request.price),
        change=request.change_24h,
        view=(0.0, 1.0),
        bands=(),
        replay=request.source_label,
        headline="",
        severity=None,
        notices=(),
        footer=request.small_print(),
        ts=np.append(request.ts, request.now_ms),
        closes=np.append(request.closes, request.price),
        start_ms=int(min(end - DAY_MS, request.ts[0])) if request.ts.size else end - DAY_MS,
        end_ms=end,
        extremes=_extremes(request),
        tiles=_tiles(request),
        headings=tuple(map(_, HEADINGS)) if many else (),
        rows=tuple(_row(line) for line in request.lines) if many else (),
        tz=request.tz,
        nothing="" if request.ts.size > 1 else _(NO_PRICES),
    )


def _extremes(request: MarketRequest) -> tuple[str, str]:
    """Return the words of the lowest and the highest close, the one now included."""
    both = np.append(request.closes, request.price)
    places = text.decimals_for(request.price)
    return text.price(float(both.min()), places), text.price(float(both.max()), places)


def _tiles(request: MarketRequest) -> tuple[Tile, ...]:
    """Return the numbers that are known, the most asked for first."""
    found = []
    if request.volume_usd is not None:
        found.append(Tile(name=_(VOLUME), value=text.money(request.volume_usd)))
    if request.open_interest_usd is not None:
        change = request.open_interest_change
        more = "" if change is None else _(IN_A_DAY).format(change=text.change(change))
        usd = text.money(request.open_interest_usd)
        found.append(Tile(name=_(OPEN_INTEREST), value=usd, more=more, rise=change or 0.0))
    if request.funding_year is not None:
        found.append(Tile(name=_(FUNDING), value=text.change(request.funding_year)))
    if ratios := request.ratios():
        low, high = _ratio(ratios[0]), _ratio(ratios[-1])
        both = _(SPREAD).format(low=low, high=high)
        found.append(Tile(name=_(RATIO), value=low if low == high else both))
    if request.low_24h is not None and request.high_24h is not None:
        places = text.decimals_for(request.price)
        low, high = text.price(request.low_24h, places), text.price(request.high_24h, places)
        up = text.percent(request.price / request.low_24h - 1, signed=False) if request.low_24h > 0 else ""
        more = _(UP_FROM).format(share=up) if up else ""
        found.append(Tile(name=_(RANGE), value=_(SPREAD).format(low=low, high=high), more=more))
    return tuple(found)


def _row(line: VenueFacts) -> tuple[str, ...]:
    """Return the cells of one venue."""
    return (
        title(line.venue),
        _known(line.price, text.price),
        _known(line.volume_usd, text.money),
        _carried(line),
        line.funding or text.UNKNOWN,
        _known(line.ratio, _ratio),
        _known(line.share, text.share),
    )


def _ratio(value: float) -> str:
    return speech().figure(f"{value:.2f}")


def _carried(line: VenueFacts) -> str:
    told = _known(line.open_interest_usd, text.money)
    change = line.open_interest_change
    return told if change is None or told == text.UNKNOWN else f"{told} {text.percent(change)}"


def _known(value: float | None, say: Callable[[float], str]) -> str:
    return text.UNKNOWN if value is None else say(value)


def _venue_said(line: VenueFacts) -> str:
    """Return what one venue says in a sentence, what it does not say left out."""
    venue, *cells = _row(line)
    told = [
        f"{name} {cell}"
        for name, cell in zip(tuple(map(_, HEADINGS[1:])), cells, strict=True)
        if cell != text.UNKNOWN
    ]
    return f"{venue}: {', '.join(told)}." if told else ""
