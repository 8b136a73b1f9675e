"""Say what a cascade picture is to show, and reduce it with what stands to what the drawing needs."""

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from bot.lang import N_, _
from bot.render import alt, text
from bot.render.about import About
from bot.render.layout import TRUSTED
from bot.render.request import KEY_DIGITS
from bot.render.scene import Band, CascadeScene
from engine.standing import MOVES, Standing, Sweep, cascade

REACH = 0.106
"""How far from the price the picture goes: a little beyond the farthest move that is named."""
POINTS = 425
"""Prices at which the curve is known: every 5 basis points."""
NOT_A_FORECAST = N_("what stands now, not where price goes")
NOTHING = N_("Nothing stands within 10% of price")
BRIGHT_SAID = N_("brighter where more stands")
TITLES = (
    N_("What a move would sweep, in total"),
    N_("What a move would sweep"),
    N_("Moves and sweeps"),
    N_("Cascade"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadeRequest(About):
    """Everything but what stands that a cascade picture is made from."""

    @property
    def what(self) -> Hashable:
        """Return what is drawn, apart from the candle it is drawn at: one slot of the cache.

        Every move begins at the price, so that is part of it.
        """
        market = (self.symbol, self.venues, self.model, f"{self.price:.{KEY_DIGITS}g}")
        choice = (self.theme, self.layout, self.hd, self.tz)
        return ("cascade", market, choice, (bool(self.source_label), self.without), self.accuracy)

    @property
    def file_name(self) -> str:
        """Return a plain file name, such as liqwatch-BTCUSDT-cascade.png."""
        return self.named("cascade")


def cascade_scene_of(request: CascadeRequest, standing: Standing) -> CascadeScene:
    """Return what is to be drawn."""
    price = request.price
    prices = price * np.linspace(1 - REACH, 1 + REACH, POINTS)
    swept_usd = standing.swept_at(price, prices)
    return CascadeScene(
        layout=request.layout,
        theme=request.theme,
        scale=2 if request.hd else 1,
        coin=text.base(request.symbol),
        title=tuple(map(_, TITLES)),
        price=price,
        price_text=text.price(price),
        change=request.change_24h,
        view=(float(prices[0]), float(prices[-1])),
        bands=tuple(_band(sweep) for sweep in cascade(standing, price)),
        replay=request.source_label,
        headline="",
        severity=None,
        notices=_notices(request, anything=bool(swept_usd.any())),
        footer=_footer(request),
        prices=prices,
        swept_usd=swept_usd,
    )


def cascade_alt(request: CascadeRequest, standing: Standing) -> str:
    """Return the picture in words: each move and what it would sweep; under 1,024 characters."""
    sweeps = cascade(standing, request.price)
    sides = []
    for words, sign in ((_("A rise would sweep shorts"), 1), (_("A fall would sweep longs"), -1)):
        mine = sorted((s for s in sweeps if s.move * sign > 0), key=lambda s: abs(s.move))
        told = [
            _("{money} by {percent}").format(money=text.money(s.notional_usd), percent=text.percent(s.move))
            for s in mine
        ]
        sides.append(f"{words}: {', '.join(told)}.")
    made = alt.made_of(
        alt.venues_named(alt.heard(request.venues, request.without)), request.without, request.tz
    )
    parts = [
        _("{base}: what a move from ${price} would sweep, in total.").format(
            base=text.base(request.symbol), price=text.price(request.price)
        ),
        *sides,
        *(f"{note}." for note in _notices(request, anything=any(s.notional_usd > 0 for s in sweeps))),
        *([f"{request.source_label}."] if request.source_label else []),
        _("This is {not_a_forecast}.").format(not_a_forecast=_(NOT_A_FORECAST)),
        f"{made}, {text.clock(request.now_ms, text.zone_of(request.tz))};",
        f"{_(alt.NOT_ADVICE)}.",
    ]
    return " ".join(parts)[: alt.ALT_LIMIT - 1]


def _band(sweep: Sweep) -> Band:
    """Return one named move as a label."""
    return Band(
        long=sweep.move < 0,
        low=sweep.target,
        high=sweep.target,
        usd=sweep.notional_usd,
        distance=sweep.move,
        born_ts=0,
    )


def _notices(request: CascadeRequest, *, anything: bool) -> tuple[str, ...]:
    """Return what a reader must know before trusting the picture."""
    cold = () if request.warm else (alt.not_warm(request.history_days, request.warm_days),)
    return cold if anything else (*cold, _(NOTHING))


def _footer(request: CascadeRequest) -> tuple[str, ...]:
    """Return the small print, most important first."""
    items = [
        alt.venues_named(alt.heard(request.venues, request.without)),
        alt.without_said(request.without, request.tz),
        alt.age_said(request),
        _(alt.NOT_ADVICE),
        _("model {model}").format(model=request.model),
        _(NOT_A_FORECAST),
        _(alt.PALE_SAID) if max(MOVES) > TRUSTED else "",
        request.accuracy,
        _(BRIGHT_SAID),
        _(alt.INTERPOLATED_SAID) if request.interpolated else "",
    ]
    return tuple(item for item in items if item)
