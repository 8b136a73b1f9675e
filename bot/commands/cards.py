"""Show one alert in full words: the card that `/watch`, `/alert show` and every change answer with."""

import math
from dataclasses import replace

from bot.commands import ids, rule_words, words
from bot.commands.channel_words import title
from bot.commands.context import Context
from bot.commands.parts import maybe_view, rows
from bot.commands.reply import Button
from bot.lang import N_, _
from bot.render import text
from engine.model import Side, Watch, Zone, ZoneSet
from engine.rules.stored import QUIET_CRITICAL
from engine.rules.text import write_rule
from storage.channels import KINDS
from storage.rules import to_watch
from storage.tables import Rule

PLACES = {"inapp": N_("here, in the app"), "discord": "Discord", "telegram": "Telegram"}
SIDES = {
    None: N_("longs below the price and shorts above it"),
    Side.LONG: N_("longs, below the price"),
    Side.SHORT: N_("shorts, above the price"),
}


def fields(ctx: Context, rule: Rule) -> tuple[tuple[str, str], ...]:
    """Return what an alert says, each number in full words."""
    about = _watched(ctx, to_watch(rule)) if rule_words.is_watch(rule) else _ruled(ctx, rule)
    again = (
        _("after {duration}").format(duration=words.duration(rule.cooldown_s * 1000))
        if rule.cooldown_s
        else _("at once")
    )
    return (
        (_("Alert"), f"{rule.rule_id}, {rule_words.state(ctx, rule)}"),
        *about,
        (_("Same zone again") if rule_words.is_watch(rule) else _("Again"), again),
        (_("Goes to"), destination(rule)),
        *([(_("In quiet hours"), _("criticals wait as well"))] if rule.params.get(QUIET_CRITICAL) else []),
        *([(_("Note"), rule.note)] if rule.note else []),
    )


def _watched(ctx: Context, watch: Watch) -> tuple[tuple[str, str], ...]:
    """Return what a watch of zones looks for."""
    return (
        (_("Tells you"), steps(watch)),
        (_("Smallest zone"), minimum(watch, _zones(ctx, watch.symbol))),
        (_("Sides"), _(SIDES[watch.side])),
    )


def _ruled(ctx: Context, rule: Rule) -> tuple[tuple[str, str], ...]:
    """Return what a rule looks for, as it can be typed again, and what else holds for it."""
    spec = rule_words.spec(rule)
    found = [(_("Watches"), write_rule(replace(spec, note=""), text.base(rule.symbol).lower()))]
    if spec.expires_ms is not None:
        found.append((_("Ends"), ctx.moment(spec.expires_ms)))
    return tuple(found)


def steps(watch: Watch) -> str:
    """Return the severities with their distances: "critical within 1%, warning within 3%, info within 5%"."""
    return ", ".join(
        _("{severity} within {percent}").format(
            severity=words.severity(severity), percent=words.percent(share)
        )
        for severity, share in watch.within
    )


def minimum(watch: Watch, zones: ZoneSet | None) -> str:
    """Return the least size of a zone: dollars in full, or what auto means now."""
    if watch.min_notional_usd is not None:
        return words.usd_full(watch.min_notional_usd)
    if zones is None or math.isnan(zones.auto_min_usd):
        return _("auto: the largest 5% of the last 21 days, not known yet")
    return _("auto: {usd_full} now, the largest 5% of the last 21 days").format(
        usd_full=words.usd_full(_round(zones.auto_min_usd))
    )


def _round(value: float) -> float:
    """Return dollars with three figures that matter: an estimate has no more."""
    return float(f"{value:.3g}")


def destination(rule: Rule) -> str:
    """Return where an alert's messages go."""
    name = _(PLACES.get(rule.to_channel, rule.to_channel))
    if rule.to_channel == "inapp":
        return name
    if rule.to_channel in KINDS:
        return title(rule.to_channel, rule.to_place)
    return (
        _("{name}, this chat").format(name=name)
        if rule.to_place
        else _("{name}, a direct message").format(name=name)
    )


def buttons(ctx: Context, rule: Rule) -> tuple[tuple[Button, ...], ...]:
    """Return what can be done with an alert; each answers by changing the card in place."""
    number = str(rule.rule_id)
    awake = rule_words.awake(ctx, rule)
    made = [Button(label=_("Test"), action=ids.action("alert", "test", number))]
    if awake:
        made += [
            Button(label=_("Snooze 1 h"), action=ids.action("alert", "snooze", number, "1h", edits=True)),
            Button(label=_("Pause"), action=ids.action("alert", "pause", number, edits=True)),
        ]
    else:
        made += [
            Button(
                label=_("Resume"), action=ids.action("alert", "resume", number, edits=True), style="primary"
            )
        ]
    made += [
        Button(label=_("Edit"), action=ids.action("alert", "edit", number, edits=True)),
        Button(label=_("Remove"), action=ids.action("alert", "remove", number, edits=True), style="danger"),
        Button(label=_("All alerts"), action=ids.action("alert", "list", edits=True)),
    ]
    return rows(made, 3)


def nearest(ctx: Context, watch: Watch) -> str:
    """Return a sentence about the zone that this alert would tell of first, as the market stands."""
    view = maybe_view(ctx, watch.symbol)
    zones = view.zones if view else None
    if view is None or zones is None or not zones.threshold_ready:
        return _("Zones are still being judged; alerts begin once there are 48 hours of history.")
    least = watch.min_notional_usd
    if least is None:
        least = 0.0 if math.isnan(zones.auto_min_usd) else zones.auto_min_usd
    fits = [z for z in zones.zones if z.notional_usd >= least and watch.side in (None, z.side)]
    if not fits:
        return _("No zone of that size is near {base} now; it stays quiet until one is.").format(
            base=text.base(watch.symbol)
        )
    zone = min(fits, key=lambda z: z.distance(view.price))
    return _("Nearest now: {zone}.").format(zone=_zone(zone, view.price))


def _zone(zone: Zone, price: float) -> str:
    away = zone.distance(price)
    if away == 0:
        where = _("right here")
    else:
        said = _("{away} above") if zone.low > price else _("{away} below")
        where = said.format(away=text.percent(away, signed=False))
    long = zone.side is Side.LONG
    told = _("{usd} of longs at {price}, {where}") if long else _("{usd} of shorts at {price}, {where}")
    return told.format(usd=text.money(zone.notional_usd), price=f"${text.price(zone.peak)}", where=where)


def _zones(ctx: Context, symbol: str) -> ZoneSet | None:
    view = maybe_view(ctx, symbol)
    return view.zones if view else None
