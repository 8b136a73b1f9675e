"""Put what a report tells into words: a title, and figures that stand without the picture. Pure functions."""

from collections.abc import Sequence

from adapters.titles import title
from bot.alerting.words import moment
from bot.commands import ids, words
from bot.lang import _
from bot.live.view import SymbolView
from bot.render import text
from engine.model import Side, Zone
from storage.venues import LiquidationReport

LARGEST, NEAREST = 3, 5
KINDS = ("heatmap", "zones", "liquidations")
"""What a report may show."""
Rows = tuple[tuple[tuple[str, str], ...], ...]


def title_of(kind: str, coin: str, window_ms: int) -> str:
    """Return the first line of a report."""
    window = words.span_short(window_ms)
    if kind == "zones":
        return _("{coin} zones").format(coin=coin)
    if kind == "liquidations":
        return _("{coin} liquidations, {window}").format(coin=coin, window=window)
    if kind == "dashboard":
        return _("{coin} dashboard").format(coin=coin)
    return _("{coin} heatmap, {window}").format(coin=coin, window=window)


def price_line(view: SymbolView) -> str:
    """Return the price, with its change of a day where that is known."""
    price = f"${text.price(view.price)}"
    if view.change_24h is None:
        return _("Price {price}.").format(price=price)
    told = _("Price {price} ({change} in 24 h).")
    return told.format(price=price, change=text.change(view.change_24h))


def day_line(view: SymbolView) -> str:
    """Return the day's range, volume and open interest, as far as they are known; else nothing."""
    parts = []
    if view.high_24h is not None and view.low_24h is not None:
        low, high = text.price(view.low_24h), text.price(view.high_24h)
        parts.append(_("24 h range {low} to {high}").format(low=low, high=high))
    if view.volume_24h_usd is not None:
        parts.append(_("volume {usd}").format(usd=text.money(view.volume_24h_usd)))
    if view.open_interest_usd is not None:
        parts.append(_("open interest {usd}").format(usd=text.money(view.open_interest_usd)))
    return ", ".join(parts)


def largest_lines(view: SymbolView) -> list[str]:
    """Return the largest zones of each side in a line each."""
    return [_side(side, _zones(view, side, LARGEST, largest=True), view.price) for side in Side]


def nearest_lines(view: SymbolView) -> list[str]:
    """Return the nearest zones of each side, one a line, highest price first."""
    found = [zone for side in Side for zone in _zones(view, side, NEAREST, largest=False)]
    if not found:
        return [_("No level stands out from the last days.")]
    return [_zone(zone, view.price) for zone in sorted(found, key=lambda zone: -zone.peak)]


def _zones(view: SymbolView, side: Side, count: int, *, largest: bool) -> list[Zone]:
    zones = view.zones.by_side(side) if view.zones is not None else ()
    if largest:
        return sorted(zones, key=lambda zone: -zone.notional_usd)[:count]
    return sorted(zones, key=lambda zone: zone.distance(view.price))[:count]


def _side(side: Side, zones: Sequence[Zone], price: float) -> str:
    if not zones:
        return _("No dense longs below.") if side is Side.LONG else _("No dense shorts above.")
    told = _("Longs below: {zones}.") if side is Side.LONG else _("Shorts above: {zones}.")
    each = (f"{text.money(zone.notional_usd)} {_span(zone)} ({_away(zone, price)})" for zone in zones)
    return told.format(zones=", ".join(each))


def _zone(zone: Zone, price: float) -> str:
    mark = "↓" if zone.side is Side.LONG else "↑"
    return f"{mark} {_span(zone)} · {_away(zone, price)} · {text.money(zone.notional_usd)}"


def _span(zone: Zone) -> str:
    return f"{text.price(zone.low)} – {text.price(zone.high)}"


def _away(zone: Zone, price: float) -> str:
    away = zone.distance(price)
    return _("here") if away == 0 else text.percent(away if zone.low > price else -away)


def liquidated_lines(report: LiquidationReport) -> list[str]:
    """Return what was liquidated: the sum with its sides, each venue's part, and the largest one."""
    total = sum(each.total_usd for each in report.venues)
    if total <= 0:
        return [_("Nothing was reported as liquidated.")]
    long = sum(each.long_usd for each in report.venues)
    told = _("Liquidated: {total}, of it longs {longs} and shorts {shorts}.")
    lines = [
        told.format(total=text.money(total), longs=text.money(long), shorts=text.money(total - long)),
        ", ".join(f"{title(each.name)} {text.share(each.total_usd / total)}" for each in report.venues),
    ]
    if report.largest:
        first = report.largest[0]
        largest = _("Largest: {usd} on {venue} at {price}.")
        venue, price = title(first.venue), text.price(first.price)
        lines.append(largest.format(usd=text.money(first.notional_usd), venue=venue, price=price))
    return lines


def source_line(label: str, now_ms: int, tz: str) -> str:
    """Return when that was so, and by which source."""
    return label or moment(now_ms, tz)


def buttons_of(kind: str, symbol: str) -> Rows:
    """Return what can be asked further, by anybody who reads it: answers are for whoever presses."""
    further = (_("Zones"), ids.action("zones", "", symbol))
    if kind == "zones":
        further = (_("Heatmap"), ids.action("heatmap", "", symbol))
    return ((further, (_("Watch {coin}").format(coin=text.base(symbol)), ids.action("watch", "", symbol))),)
