"""Say any alert in words, whatever made it: its sentence, its line, its state."""

from dataclasses import replace

from bot.commands import words
from bot.commands.context import Context
from bot.lang import N_, _
from bot.render import text
from engine.model import Severity, Side, Watch
from engine.rules.conditions.zone_proximity import ZoneProximity
from engine.rules.expression import Leaf, Spec
from engine.rules.now import say_least
from engine.rules.sentence import sentence
from engine.rules.stored import KINDS, spec_of
from engine.rules.text import write_rule
from storage.rules import ZONE_PROXIMITY, Ended, to_watch
from storage.tables import Rule

ENDED = {
    Ended.EXPIRED.value: N_("it was to end then"),
    Ended.FIRED_ONCE.value: N_("it was to tell once, and has"),
}


def is_watch(rule: Rule) -> bool:
    """Say whether an alert is about zones one by one, as `/watch` makes it."""
    return rule.kind == ZONE_PROXIMITY


def spec(rule: Rule) -> Spec:
    """Return what an alert watches as a rule; of a watch with several steps the widest."""
    if rule.kind in KINDS:
        return spec_of(rule.kind, rule.params, note=rule.note)
    watch = to_watch(rule)
    severity, within = max(watch.within, key=lambda step: step[1])
    near = ZoneProximity(
        within=within,
        side=watch.side,
        min_usd=watch.min_notional_usd,
    )
    return Spec(when=Leaf(near), severity=severity, note=rule.note)


def says(ctx: Context, rule: Rule) -> str:
    """Return in one sentence what an alert does."""
    if is_watch(rule):
        return watch_says(to_watch(rule))
    found = spec(rule)
    until = ctx.moment(found.expires_ms) if found.expires_ms is not None else ""
    return sentence(found, text.base(rule.symbol), until=until)


def watch_says(watch: Watch) -> str:
    """Return in one sentence what a watch does."""
    base = text.base(watch.symbol)
    least = watch.min_notional_usd
    size = _("that is large for it") if least is None else say_least(words.usd_full(least))
    steps = [f"{words.percent(share)} ({words.severity(severity)})" for severity, share in watch.within]
    said = {
        None: _("When {coin} comes within {steps} of a liquidation zone {size}."),
        Side.LONG: _("When {coin} comes within {steps} of a long liquidation zone {size}."),
        Side.SHORT: _("When {coin} comes within {steps} of a short liquidation zone {size}."),
    }
    return said[watch.side].format(coin=base, steps=words.joined(steps, "or"), size=size)


def line(rule: Rule) -> str:
    """Return the line that makes an alert like this one, without its market: "falls 3% in 15m"."""
    return write_rule(spec(rule), text.base(rule.symbol).lower())


def brief(rule: Rule) -> str:
    """Return what an alert watches in a few words, for a list."""
    if is_watch(rule):
        watch = to_watch(rule)
        if watch.min_notional_usd is None:
            said = {
                None: _("within {steps} of a zone"),
                Side.LONG: _("within {steps} of a long zone"),
                Side.SHORT: _("within {steps} of a short zone"),
            }
        else:
            said = {
                None: _("within {steps} of a zone of {usd}"),
                Side.LONG: _("within {steps} of a long zone of {usd}"),
                Side.SHORT: _("within {steps} of a short zone of {usd}"),
            }
        steps = ", ".join(words.percent(share) for _severity, share in watch.within)
        return said[watch.side].format(steps=steps, usd=text.money(watch.min_notional_usd or 0.0))
    coin = text.base(rule.symbol).lower()
    bare = replace(spec(rule), severity=Severity.WARNING, note="")
    return write_rule(bare, coin).removeprefix(f"{coin} ")


def severities(rule: Rule) -> str:
    """Return how severe an alert is: one word, or the worst to the least of a watch's steps."""
    if is_watch(rule):
        return ", ".join(words.severity(severity) for severity, _share in to_watch(rule).within)
    return words.severity(spec(rule).severity)


def awake(ctx: Context, rule: Rule) -> bool:
    """Say whether an alert would speak now: neither ended, paused nor snoozed."""
    until = rule.snoozed_until_ms
    return rule.ended_ms is None and not rule.paused and not (until is not None and until > ctx.now_ms)


def state(ctx: Context, rule: Rule) -> str:
    """Return whether an alert is on, paused, snoozed until when, or ended and why."""
    if rule.ended_ms is not None:
        why = _(ENDED.get(rule.ended_reason, ""))
        return _("ended {moment}").format(moment=ctx.moment(rule.ended_ms)) + (f": {why}" if why else "")
    if rule.paused:
        return _("paused")
    until = rule.snoozed_until_ms
    if until is not None and until > ctx.now_ms:
        return _("snoozed until {moment}").format(moment=ctx.moment(until))
    return _("on")
