"""Say what a picture of liquidations is to show, and reduce it to what the drawing needs."""

from collections.abc import Hashable
from dataclasses import dataclass, field

import numpy as np

from adapters.titles import title
from bot.lang import N_, _
from bot.render import alt, text
from bot.render.picture import Layout, Theme
from bot.render.scene import LiquidationsScene
from engine.model import Floats, Ints

ROOM = 1.16
"""Height of each side over its tallest bar: its label stands above."""
LEAST_SIDE = 0.36
"""What part of the other side's height a side has at least."""
NAMED_ABOVE = 3
"""How many venues are surely named under their bar in a wide header."""
EVERYTHING = N_("All")
NONE_SEEN = N_("Nothing reported in this window")


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidationsRequest:
    """Everything that a picture of liquidations is made from.

    `market` is a canonical symbol, empty for all. `ts` (n,) are the begins of steps of `step_ms` that had any
    liquidation, `usd` (n, 2) their dollars, longs first. `parts` are the venues with their part of the
    dollars, the largest first. `notices` are what a reader must know, `small` goes into the small print.
    """

    market: str
    window_ms: int
    window_label: str
    now_ms: int
    step_ms: int
    step_label: str
    ts: Ints = field(repr=False)
    usd: Floats = field(repr=False)
    parts: tuple[tuple[str, float], ...]
    notices: tuple[str, ...] = ()
    small: tuple[str, ...] = ()
    theme: Theme = Theme.INFERNO
    layout: Layout = Layout.LANDSCAPE
    hd: bool = False
    tz: str = "UTC"
    source_label: str = ""

    @property
    def symbol(self) -> str:
        """Return whose pictures it replaces when it is newer; heatmaps of the market are others."""
        return f"liquidations {self.market}"

    @property
    def candle_ts(self) -> int:
        """Return the step it is drawn in."""
        return self.now_ms // self.step_ms * self.step_ms

    @property
    def what(self) -> Hashable:
        """Return what is drawn, apart from the step it is drawn in: one slot of the cache."""
        shown = (self.ts.tobytes(), self.usd.tobytes(), self.parts, self.notices, self.small)
        choice = (self.theme, self.layout, self.hd, self.tz)
        return ("liquidations", self.market, self.window_ms, shown, choice, bool(self.source_label))

    @property
    def file_name(self) -> str:
        """Return a plain file name, such as liqwatch-BTCUSDT-liquidations.png."""
        market = "".join(c for c in self.market if c.isalnum()) or "all"
        return f"liqwatch-{market}-liquidations" + ("@2x.png" if self.hd else ".png")

    @property
    def totals(self) -> tuple[float, float]:
        """Return the dollars of longs and of shorts."""
        long, short = self.usd.sum(axis=0).tolist() if len(self.usd) else (0.0, 0.0)
        return long, short

    @property
    def coin(self) -> str:
        """Return what it is about."""
        return text.base(self.market) if self.market else _(EVERYTHING)


def liquidations_scene_of(request: LiquidationsRequest) -> LiquidationsScene:
    """Return what is to be drawn: longs below the line, shorts above it."""
    window = request.window_label
    start = (request.now_ms - request.window_ms) // request.step_ms * request.step_ms
    total = sum(request.totals)
    return LiquidationsScene(
        layout=request.layout,
        theme=request.theme,
        scale=2 if request.hd else 1,
        coin=request.coin,
        title=(
            _("Liquidated positions · {window}").format(window=window),
            _("Liquidations · {window}").format(window=window),
            window,
        ),
        price=0.0,
        price_text=text.money(total).removeprefix("$"),
        change=None,
        view=_view(request.usd),
        bands=(),
        replay=request.source_label,
        headline="",
        severity=None,
        notices=(*request.notices, *(() if total > 0 else (_(NONE_SEEN),))),
        footer=(
            *((_parts(request),) if _told_below(request) else ()),
            text.clock(request.now_ms, text.zone_of(request.tz)),
            _("one bar {step_label}").format(step_label=request.step_label),
            *request.small,
        ),
        ts=request.ts,
        usd=request.usd,
        step_ms=request.step_ms,
        start_ms=start,
        end_ms=max(request.candle_ts + request.step_ms, start + request.step_ms),
        totals=request.totals,
        tz=request.tz,
        parts=tuple((title(venue), part) for venue, part in request.parts),
    )


def liquidations_alt(request: LiquidationsRequest) -> str:
    """Return the picture in words; under 1,024 characters."""
    zone = text.zone_of(request.tz)
    long, short = request.totals
    total = long + short
    parts = [
        _("{coin} liquidations, last {window_label}: {money} in all.").format(
            coin=request.coin, window_label=request.window_label, money=text.money(total)
        )
    ]
    if total > 0:
        most = int(np.argmax(request.usd.sum(axis=1)))
        parts += [
            _("Longs {money} ({long}),").format(money=text.money(long), long=f"{long / total:.0%}"),
            _("shorts {money} ({short}).").format(money=text.money(short), short=f"{short / total:.0%}"),
            _("Most in {step_label}: {money} from").format(
                step_label=request.step_label, money=text.money(float(request.usd[most].sum()))
            ),
            f"{text.clock(int(request.ts[most]), zone)}.",
            f"{_parts(request)}.",
        ]
    else:
        parts.append(f"{_(NONE_SEEN)}.")
    parts += [f"{note[:1].upper()}{note[1:]}." for note in (*request.notices, *request.small)]
    parts += [f"{request.source_label}."] if request.source_label else []
    parts.append(f"{text.clock(request.now_ms, zone)}.")
    return " ".join(parts)[: alt.ALT_LIMIT - 1]


def _told_below(request: LiquidationsRequest) -> bool:
    """Say whether the small print names the venues: one is not drawn, and a wide header has room for few."""
    count = len(request.parts)
    return count == 1 or (count > NAMED_ABOVE and request.layout is Layout.LANDSCAPE)


def _parts(request: LiquidationsRequest) -> str:
    return alt.venues_named([venue for venue, _ in request.parts], dict(request.parts))


def _view(usd: Floats) -> tuple[float, float]:
    """Return the dollars at the bottom (longs, negative) and at the top (shorts) of the plot."""
    long, short = usd.max(axis=0).tolist() if len(usd) else (0.0, 0.0)
    largest = max(long, short)
    if largest <= 0:
        return -1.0, 1.0
    least = LEAST_SIDE * largest
    return -max(long * ROOM, least), max(short * ROOM, least)
