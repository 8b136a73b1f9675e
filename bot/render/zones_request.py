"""Say what a card of zones is to show, and reduce it to what the drawing needs."""

from collections.abc import Hashable
from dataclasses import dataclass, replace

from adapters.titles import title
from bot.lang import N_, _
from bot.render import alt, text
from bot.render.about import About
from bot.render.request import KEY_DIGITS
from bot.render.scene import ZoneRow, ZonesScene
from engine.model import Side, Zone

TITLES = (N_("Dense liquidation zones"), N_("Liquidation zones"), N_("Zones"))
NONE_OF = {
    Side.SHORT: N_("Nothing denser than usual above"),
    Side.LONG: N_("Nothing denser than usual below"),
}
NOT_READY = N_("Zones not ready: {have} of {need} h of samples")
NOT_JUDGED = N_("Zones not ready: no history judged yet")
SUMS = {Side.SHORT: N_("shorts above"), Side.LONG: N_("longs below")}
HERE = N_("here")
OLD = N_("{age} old")
NEAREST = "nearest {shown} of {all} {side}s"
NO_AGE = N_("new")
A_SIDE = 5
"""How many zones a side a card has room for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZonesRequest(About):
    """Everything that a card of zones is made from.

    `zones` are those to show, in any order; of each side the nearest are drawn. `known` says that they could
    be judged at all, on `samples_h` hours. `side` shows one side alone.
    """

    zones: tuple[Zone, ...] = ()
    known: bool = True
    samples_h: int = 0
    side: Side | None = None

    @property
    def what(self) -> Hashable:
        """Return what is drawn, apart from the candle it is drawn at; distances are those of the price."""
        stand = tuple((z.zone_id, z.low, z.high, f"{z.notional_usd:.2g}") for z in self.zones)
        at = f"{self.price:.{KEY_DIGITS}g}"
        return ("zones", self.choice(), self.side, at, stand, self.known, self.shares)

    @property
    def file_name(self) -> str:
        """Return a plain file name."""
        return self.named("zones")

    def scene(self) -> ZonesScene:
        """Return what is to be drawn."""
        return _scene_of(self)

    def alt(self) -> str:
        """Return the picture in words; under 1,024 characters."""
        return _alt(self)

    def near(self, side: Side) -> list[Zone]:
        """Return the zones of a side that are drawn, the highest price first."""
        mine = sorted(self._of(side), key=lambda zone: zone.distance(self.price))[:A_SIDE]
        return sorted(mine, key=lambda zone: -zone.peak)

    def _of(self, side: Side) -> list[Zone]:
        return [zone for zone in self.zones if zone.side is side and self.side in (None, side)]

    def left_out(self) -> tuple[str, ...]:
        """Return of which side not all zones are drawn, in words."""
        told = []
        for side in Side:
            count = len(self._of(side))
            if count > A_SIDE:
                told.append(NEAREST.format(shown=A_SIDE, all=count, side=side.value))
        return tuple(told)


def _scene_of(request: ZonesRequest) -> ZonesScene:
    shown = [side for side in (Side.SHORT, Side.LONG) if request.side in (None, side)]
    order = _order(request)
    plain = replace(request, shares=()) if order else request  # the legend says the shares
    return ZonesScene(
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
        notices=_notices(request),
        footer=plain.small_print(
            *request.left_out(), _("model {model}").format(model=request.model), request.accuracy
        ),
        above=tuple(_row(request, zone, order) for zone in request.near(Side.SHORT)),
        below=tuple(_row(request, zone, order) for zone in request.near(Side.LONG)),
        none_above=_(NONE_OF[Side.SHORT]) if Side.SHORT in shown and request.known else "",
        none_below=_(NONE_OF[Side.LONG]) if Side.LONG in shown and request.known else "",
        sums=tuple(_sum(request, side) for side in (Side.SHORT, Side.LONG)),
        legend=tuple(f"{title(venue)} {text.share(dict(request.shares)[venue])}" for venue in order),
    )


def _order(request: ZonesRequest) -> tuple[str, ...]:
    """Return the venues in the order that every bar is split in: the largest part of all first."""
    held = {venue for zone in request.zones for venue, part in zone.venue_share if part > 0}
    shares = dict(request.shares)
    if len(held) < 2 or not held <= shares.keys():
        return ()
    return tuple(sorted(held, key=lambda venue: -shares[venue]))


def _row(request: ZonesRequest, zone: Zone, order: tuple[str, ...]) -> ZoneRow:
    """Return one zone as drawn."""
    parts = dict(zone.venue_share)
    low, high = price_pair(zone, request.price)
    most = max(order, key=lambda venue: parts.get(venue, 0.0), default="")
    return ZoneRow(
        prices=f"{low} – {high}",
        usd=float(zone.notional_usd),
        dollars=text.money(zone.notional_usd),
        away=_away(zone, request.price),
        age=_age(zone, request.now_ms),
        parts=tuple(parts.get(venue, 0.0) for venue in order),
        most=f"{title(most)} {text.share(parts.get(most, 0.0))}" if most else "",
    )


def price_pair(zone: Zone, price: float) -> tuple[str, str]:
    """Return both ends of a zone with the decimals that the price has, so that rows line up."""
    places = text.decimals_for(price)
    return text.price(zone.low, places), text.price(zone.high, places)


def _away(zone: Zone, price: float) -> str:
    """Return the signed distance of a zone's nearer edge."""
    away = alt.signed_distance(zone, price)
    return text.percent(away) if away else _(HERE)


def _age(zone: Zone, now_ms: int) -> str:
    """Return how long ago a zone was first seen."""
    seconds = (now_ms - zone.born_ts) / 1000
    return _(OLD).format(age=text.age(seconds)) if seconds >= 60 else _(NO_AGE)


def _sum(request: ZonesRequest, side: Side) -> str:
    """Return the dollars of one side's zones that are drawn: "shorts above: $50M"; empty for none."""
    usd = sum(zone.notional_usd for zone in request.near(side))
    return f"{_(SUMS[side])}: {text.money(usd)}" if usd > 0 else ""


def _notices(request: ZonesRequest) -> tuple[str, ...]:
    """Return what a reader must know before trusting the card."""
    out = [] if request.warm else [alt.not_warm(request.history_days, request.warm_days)]
    if not request.known:
        need = alt.LEAST_SAMPLES_H
        told = _(NOT_READY).format(have=request.samples_h, need=need) if request.samples_h else _(NOT_JUDGED)
        out.append(told)
    return tuple(out)


def _alt(request: ZonesRequest) -> str:
    sides = []
    for side, words in ((Side.SHORT, _("Shorts above")), (Side.LONG, _("Longs below"))):
        near = sorted(request.near(side), key=lambda zone: zone.distance(request.price))
        told = [_zone_said(request, zone) for zone in near]
        if told:
            sides.append(f"{words}: {'; '.join(told)}.")
        elif request.known and request.side in (None, side):
            sides.append(f"{_(NONE_OF[side])}.")
    return request.told(
        _("{coin} dense liquidation zones.").format(coin=request.coin),
        request.day_said(),
        *sides,
        *(f"{note[:1].upper()}{note[1:]}." for note in (*_notices(request), *request.left_out())),
    )


def _zone_said(request: ZonesRequest, zone: Zone) -> str:
    low, high = price_pair(zone, request.price)
    where = _("{money} at {away} ({low} to {high})").format(
        money=text.money(zone.notional_usd), away=_away(zone, request.price), low=low, high=high
    )
    return f"{where}, {_age(zone, request.now_ms)}"
