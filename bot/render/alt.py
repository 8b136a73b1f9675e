"""Put a picture into words: the alt text, which is the caption too, and the small print on the picture."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

from adapters.titles import title
from bot.lang import N_, _, ngettext, speech
from bot.render import text
from bot.render.request import HeatmapRequest, Without
from engine.model import STEP_MS, Gap, Severity, Side, Zone

ALT_LIMIT = 1024
NAMED_ZONES = 3
FULL_SAMPLES_H = 21 * 24
LEAST_SAMPLES_H = 48
SHOWN_GAPS = 2
NOT_ADVICE = N_("estimate, not advice")
SIDES_SAID = N_("shorts above price, longs below")
PALE_SAID = N_("paler beyond 8%: not validated")
INTERPOLATED_SAID = N_("price interpolated in its candle")


def alt_text(request: HeatmapRequest) -> str:
    """Return the picture in words: symbol, window, price, the largest zones; under 1,024 characters."""
    coin = text.base(request.symbol)
    day = (
        ""
        if request.change_24h is None
        else _(" ({change} in 24 h)").format(change=text.change(request.change_24h))
    )
    made = made_of(venues_said(request), request.without, request.tz)
    parts = [
        _("{coin} liquidation heatmap, last {window_label}.").format(
            coin=coin, window_label=request.window_label
        ),
        _("Price ${price}{day}.").format(price=text.price(request.price), day=day),
        *([] if request.highlight is None else [headline(request) + "."]),
        *_sides(request),
        *(f"{note}." for note in notices(request)),
        *([f"{request.source_label}."] if request.source_label else []),
        f"{made}, {text.clock(request.now_ms, text.zone_of(request.tz))}; {_(NOT_ADVICE)}.",
    ]
    return within_limit(" ".join(parts))


def within_limit(words: str) -> str:
    """Return words cut to what every platform takes as a caption."""
    return words if len(words) < ALT_LIMIT else words[: ALT_LIMIT - 2].rstrip() + "…"


def venues_said(request: HeatmapRequest) -> str:
    """Return whose data it is made from, with the part that each venue has where there are several."""
    return venues_named(heard(request.venues, request.without), dict(request.shares))


def heard(venues: Iterable[str], without: Without) -> tuple[str, ...]:
    """Return the venues but for those that never gave anything: nothing is made from them."""
    never = {name for name, ms in without if ms is None}
    return tuple(venue for venue in venues if venue not in never)


def venues_named(venues: Iterable[str], part: Mapping[str, float] = MappingProxyType({})) -> str:
    """Return venues in a line, with the part of the whole that each has where it is known."""
    told = (f"{title(v)} {text.share(part[v])}" if v in part else title(v) for v in venues)
    return ", ".join(told)


def made_of(venues: str, without: Without, tz: str) -> str:
    """Return venues with those that give nothing now."""
    return ", ".join(part for part in (venues, without_said(without, tz)) if part)


def headline(request: HeatmapRequest) -> str:
    """Return what an alert's picture is about: "Warning: $55M of longs, 0.84% below"."""
    zone = request.highlight
    if zone is None:
        return ""
    level = {
        None: "{what}",
        Severity.INFO: _("Info: {what}"),
        Severity.WARNING: _("Warning: {what}"),
        Severity.CRITICAL: _("Critical: {what}"),
    }[request.severity]
    long, away = zone.side is Side.LONG, zone.distance(request.price)
    if not away:
        said = _("{usd} of longs, at the price") if long else _("{usd} of shorts, at the price")
    elif zone.low > request.price:
        said = _("{usd} of longs, {away} above") if long else _("{usd} of shorts, {away} above")
    else:
        said = _("{usd} of longs, {away} below") if long else _("{usd} of shorts, {away} below")
    usd = text.money(zone.notional_usd)
    return level.format(what=said.format(usd=usd, away=text.percent(away, signed=False)))


def largest(request: HeatmapRequest, side: Side, count: int = NAMED_ZONES) -> list[Zone]:
    """Return the largest zones of a side, most dollars first; none while they cannot be judged."""
    if request.zones is None or not request.zones.threshold_ready or request.side not in (None, side):
        return []
    found = [zone for zone in request.zones.zones if zone.side is side]
    return sorted(found, key=lambda zone: -zone.notional_usd)[:count]


def signed_distance(zone: Zone, price: float) -> float:
    """Return how far the zone's nearer edge is: negative below the price, positive above it."""
    return zone.distance(price) * (1 if zone.low > price else -1)


def _sides(request: HeatmapRequest) -> list[str]:
    """Return a sentence for each side that has zones."""
    out = []
    for side, words in ((Side.SHORT, _("Shorts above")), (Side.LONG, _("Longs below"))):
        told = [
            _("{money} at {percent} ({price} to {price2})").format(
                money=text.money(z.notional_usd),
                percent=text.percent(signed_distance(z, request.price)),
                price=text.price(z.low),
                price2=text.price(z.high),
            )
            for z in largest(request, side)
        ]
        if told:
            out.append(f"{words}: {', '.join(told)}.")
    return out


def notices(request: HeatmapRequest) -> tuple[str, ...]:
    """Return what a reader must know before trusting the picture, most important first."""
    out = []
    if not request.warm:
        out.append(not_warm(request.history_days, request.warm_days))
    if request.about:
        out.append(request.about)
    elif request.zones is None:
        out.append(_("Zones not ready: no history judged yet"))
    elif not request.zones.threshold_ready:
        out.append(
            _("Zones not ready: {samples_h} of {least_samples_h} h of samples").format(
                samples_h=request.zones.samples_h, least_samples_h=LEAST_SAMPLES_H
            )
        )
    elif not any(request.side in (None, zone.side) for zone in request.zones.zones):
        out.append(_("Nothing denser than usual nearby"))
    out.extend(_gap(request, gap.first_ts, gap.last_ts) for gap in _gaps(request)[-SHOWN_GAPS:])
    return tuple(out)


def not_warm(history_days: float, warm_days: float) -> str:
    """Say that there is less history than a picture should have."""
    return _("Book not warm: {plain_days} of {warm_days} days").format(
        plain_days=_plain_days(history_days), warm_days=speech().figure(f"{warm_days:.0f}")
    )


def _gaps(request: HeatmapRequest) -> list[Gap]:
    """Return the gaps that touch the window."""
    start = request.now_ms - request.window_ms
    return [gap for gap in request.gaps if gap.last_ts + STEP_MS > start]


class Dated(Protocol):
    """Be what a picture is asked with, as far as its data's age goes."""

    @property
    def now_ms(self) -> int: ...  # noqa: D102 (described by the requests themselves; so are those below)
    @property
    def price_ts(self) -> int: ...  # noqa: D102
    @property
    def tz(self) -> str: ...  # noqa: D102
    @property
    def source_label(self) -> str: ...  # noqa: D102


def age_said(request: Dated) -> str:
    """Return whether data is live or recorded, and how old it is: "live, 20:35 UTC, data 12 s old"."""
    said = (
        _("replay, {clock}, data {age} old") if request.source_label else _("live, {clock}, data {age} old")
    )
    age = text.age((request.now_ms - request.price_ts) / 1000)
    return said.format(clock=text.clock(request.now_ms, text.zone_of(request.tz)), age=age)


def gaps_said(request: HeatmapRequest) -> str:
    """Return how many gaps the window has, empty where it has none."""
    count = len(_gaps(request))
    said = ngettext("{count} gap in {window}", "{count} gaps in {window}", count)
    return said.format(count=count, window=request.window_label) if count else ""


def without_said(without: Without, tz: str) -> str:
    """Return which venues give nothing and since when: "without OKX since 12:05 UTC"; empty for none."""
    zone = text.zone_of(tz)
    said = [
        _("{title} since {clock}").format(title=title(name), clock=text.clock(ms, zone))
        if ms is not None
        else title(name)
        for name, ms in without
    ]
    return _("without {said}").format(said=", ".join(said)) if said else ""


def _gap(request: HeatmapRequest, first_ts: int, last_ts: int) -> str:
    """Return one gap in words, in the caller's zone."""
    zone = text.zone_of(request.tz)
    start, end = text.moment(first_ts, zone), text.moment(last_ts + STEP_MS, zone)
    last = f"{end:%H:%M}" if start.date() == end.date() else f"{_day(end)} {end:%H:%M}"
    return _("No data {begin} to {end}").format(begin=f"{_day(start)} {start:%H:%M}", end=last)


def _day(at: datetime) -> str:
    """Return a day as pictures write it: Oct 10."""
    return f"{at:%b} {at.day}" if speech().code == "en" else speech().day(at)


def _plain_days(days: float) -> str:
    """Return days with one decimal below ten, rounded down so that nobody is told more than there is."""
    return f"{int(days * 10) / 10:g}"


def footer(request: HeatmapRequest, *, pale: bool = False) -> tuple[str, ...]:
    """Return the small print, most important first; `pale` says that unvalidated levels are in view."""
    items = [
        venues_said(request),
        without_said(request.without, request.tz),
        age_said(request),
        gaps_said(request),
        _(NOT_ADVICE),
        _("model {model}").format(model=request.model),
        _("{days} of history").format(days=text.days(request.history_days)),
        request.accuracy,
    ]
    if pale:
        items.append(_(PALE_SAID))
    zones = request.zones
    if zones is not None and zones.threshold_ready and zones.samples_h < FULL_SAMPLES_H:
        items.append(
            _("zones judged on {samples_h} of 21 days").format(
                samples_h=speech().figure(f"{zones.samples_h / 24:.1f}")
            )
        )
    if request.interpolated:
        items.append(_(INTERPOLATED_SAID))
    items.append(_(SIDES_SAID))
    return tuple(item for item in items if item)
