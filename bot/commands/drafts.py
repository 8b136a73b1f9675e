"""Show an alert before it is saved, and save just what was shown: once, and by whom it was shown to."""

from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from bot.commands import cards, ids, rule_words, words
from bot.commands.amounts import HOUR_MS
from bot.commands.context import Context
from bot.commands.parts import maybe_view, rows
from bot.commands.reply import Button, Reply, Tone
from bot.commands.rule_read import checked, line_of
from bot.lang import N_, _
from bot.render import text
from engine.errors import UserError
from engine.rules.conditions.price_level import PriceLevel
from engine.rules.dry_run import DryRun
from engine.rules.expression import Spec, leaves
from engine.rules.ways import Level
from storage.drafts import add_draft, get_draft
from storage.rules import NewRule, RuleChanges, add_rule, check_room, get_rule, list_rules, update_rule
from storage.tables import Rule

EXPIRES_MS = HOUR_MS
"""How long a draft may be saved, by the wall clock."""
GONE = N_("That is not a draft of yours, or it is more than an hour old.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An alert as it would be saved. `rule_id` is the one that it changes, 0 for a new one.

    `given` is what was asked, by name, of the command `asked`, so that it can be asked again.
    """

    symbol: str
    kind: str
    params: dict[str, Any]
    note: str
    cooldown_s: int
    to_channel: str
    to_place: str
    rule_id: int = 0
    asked: str = "alert add"
    given: dict[str, str] = field(default_factory=dict)

    @property
    def line(self) -> str:
        """Return the line that asks for it."""
        return line_of(self.asked, self.given)

    def body(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)

    def as_rule(self) -> Rule:
        """Return it as a row that is not stored, to be said in words."""
        return Rule(
            rule_id=self.rule_id,
            kind=self.kind,
            symbol=self.symbol,
            params=self.params,
            note=self.note,
            cooldown_s=self.cooldown_s,
            to_channel=self.to_channel,
            to_place=self.to_place,
            paused=False,
            snoozed_until_ms=None,
            ended_ms=None,
            ended_reason="",
            user_id="",
            created_ms=0,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What saving came to: the alert, and whether it was there before."""

    rule: Rule
    there: bool = False


async def offer(ctx: Context, prepared: Prepared, spec: Spec, *, at_once: bool) -> Reply:
    """Answer with an alert as it would be and what it would have done; save it where that is asked."""
    await ctx.services.ensure(prepared.symbol, ctx.caller.user_id)
    checked(ctx, spec, prepared.symbol)
    owner, wall_ms = ctx.caller.user_id, ctx.services.wall_ms()
    twin = await ctx.services.state.read(lambda s: _may_be_added(s, ctx, prepared))
    if twin is not None:
        return already(ctx, twin)
    tried = await ctx.services.dry.run(spec, prepared.symbol)
    if at_once:
        saved = await ctx.services.state.run(lambda s: keep(s, ctx, prepared))
        return await told(ctx, saved, prepared, tried)
    body = prepared.body()
    draft_id = await ctx.services.state.run(lambda s: add_draft(s, owner, body, wall_ms=wall_ms))
    return _shown(ctx, prepared, spec, tried, draft_id)


def _may_be_added(session: Session, ctx: Context, prepared: Prepared) -> Rule | None:
    """Return the same alert where the user has it; UserError where there is no room for another."""
    owner = ctx.caller.user_id
    if (twin := same(session, owner, prepared)) is not None:
        return twin
    had = get_rule(session, owner, prepared.rule_id) if prepared.rule_id else None
    if had is None or had.ended_ms is not None:
        check_room(session, owner, ctx.services.defaults.most_rules)
    return None


def same(session: Session, owner: str, prepared: Prepared) -> Rule | None:
    """Return another alert of the owner's that watches the same and tells it the same way, or None."""
    mine = list_rules(session, owner, symbol=prepared.symbol)
    alike = (r for r in mine if r.kind == prepared.kind and r.params == prepared.params)
    place = (prepared.to_channel, prepared.to_place)
    return next(
        (
            r
            for r in alike
            if r.ended_ms is None and r.rule_id != prepared.rule_id and (r.to_channel, r.to_place) == place
        ),
        None,
    )


def keep(session: Session, ctx: Context, prepared: Prepared) -> Saved:
    """Save an alert in one transaction, so that the same is never there twice."""
    owner = ctx.caller.user_id
    if (twin := _may_be_added(session, ctx, prepared)) is not None:
        return Saved(rule=twin, there=True)
    if prepared.rule_id:
        changes = RuleChanges(
            kind=prepared.kind,
            params=prepared.params,
            note=prepared.note,
            cooldown_s=prepared.cooldown_s,
            to_channel=prepared.to_channel,
            to_place=prepared.to_place,
        )
        changed = update_rule(session, owner, prepared.rule_id, **changes)
        if changed is None:
            raise UserError(
                _("You have no alert {rule_id} any more.").format(rule_id=prepared.rule_id),
                example="/alert list",
            )
        return Saved(rule=changed)
    new = NewRule(
        symbol=prepared.symbol,
        kind=prepared.kind,
        params=prepared.params,
        cooldown_s=prepared.cooldown_s,
        to_channel=prepared.to_channel,
        to_place=prepared.to_place,
        note=prepared.note,
    )
    most = ctx.services.defaults.most_rules
    wall_ms = ctx.services.wall_ms()
    return Saved(rule=add_rule(session, owner, new, now_ms=ctx.now_ms, wall_ms=wall_ms, limit=most))


def save_draft(session: Session, ctx: Context, draft_id: str) -> tuple[Prepared, Saved]:
    """Save what a draft holds and mark it; of one that is saved already return what became of it."""
    draft = get_draft(session, ctx.caller.user_id, draft_id)
    if draft is None:
        raise UserError(
            _(GONE) if draft_id else _("There is no alert that waits to be saved."), example="/alert list"
        )
    prepared = Prepared(**draft.body)
    if draft.rule_id is not None:
        rule = get_rule(session, ctx.caller.user_id, draft.rule_id)
        if rule is None:
            raise UserError(
                _("Alert {rule_id} was saved, and removed since.").format(rule_id=draft.rule_id),
                example=prepared.line,
            )
        return prepared, Saved(rule=rule, there=True)
    if ctx.services.wall_ms() - draft.made_wall_ms > EXPIRES_MS:
        raise UserError(
            _("That draft is more than an hour old. Ask for it again to see it anew."), example=prepared.line
        )
    saved = keep(session, ctx, prepared)
    draft.rule_id = saved.rule.rule_id
    return prepared, saved


async def told(ctx: Context, saved: Saved, prepared: Prepared, tried: DryRun | None = None) -> Reply:
    """Make a saved alert live, and say so."""
    if saved.there:
        return already(ctx, saved.rule)
    rule = saved.rule
    await ctx.services.alerting.rules_changed(rule.symbol)
    lines = [
        rule_words.says(ctx, rule),
        _stands(ctx, rule),
        tried.says(words.zone_of(ctx.tz)) if tried else "",
    ]
    done = _("Changed") if prepared.rule_id else _("Saved")
    return Reply(
        command=prepared.asked,
        title=_("{done} alert {rule_id}, {base}").format(
            done=done, rule_id=rule.rule_id, base=text.base(rule.symbol)
        ),
        text="\n".join(filter(None, lines)),
        fields=cards.fields(ctx, rule),
        buttons=cards.buttons(ctx, rule),
        tone=Tone.GOOD,
    )


def already(ctx: Context, rule: Rule) -> Reply:
    """Say that an alert is there already."""
    return Reply(
        command="alert add",
        title=_("You have this already as alert {rule_id}").format(rule_id=rule.rule_id),
        text=rule_words.says(ctx, rule),
        fields=cards.fields(ctx, rule),
        buttons=cards.buttons(ctx, rule),
    )


def _shown(ctx: Context, prepared: Prepared, spec: Spec, tried: DryRun, draft_id: str) -> Reply:
    """Return the question whether to save an alert."""
    rule, zone = prepared.as_rule(), words.zone_of(ctx.tz)
    base, storm = text.base(prepared.symbol), tried.storm(zone)
    change = (
        _("Change alert {rule_id} to this?").format(rule_id=prepared.rule_id)
        if prepared.rule_id
        else _("Save this alert on {base}?").format(base=base)
    )
    hint = (
        _("The cooldown of {duration} keeps most of them quiet.").format(
            duration=words.duration(prepared.cooldown_s * 1000)
        )
        if storm
        else ""
    )
    lines = [rule_words.says(ctx, rule), _stands(ctx, rule), tried.says(zone), hint]
    return Reply(
        command=prepared.asked,
        title=change,
        text="\n".join([*filter(None, lines), _("Nothing is saved yet: press Save, or say /alert save.")]),
        fields=tuple(pair for pair in cards.fields(ctx, rule) if pair[0] != "Alert"),
        buttons=rows(
            [
                Button(
                    label=_("Save"), action=ids.action("alert", "save", draft_id, edits=True), style="primary"
                ),
                Button(label=_("Change"), action=ids.action("alert", "change", draft_id, edits=True)),
                Button(
                    label=_("Cancel"),
                    action=ids.action("alert", "cancel", draft_id, edits=True),
                    style="danger",
                ),
            ]
        ),
        tone=Tone.WARN if storm else Tone.PLAIN,
    )


def _stands(ctx: Context, rule: Rule) -> str:
    """Return where price stands against an alert's level; empty for any other alert."""
    view = maybe_view(ctx, rule.symbol)
    if rule_words.is_watch(rule) or view is None or not view.price > 0:
        return ""
    found = list(leaves(rule_words.spec(rule).when))
    if len(found) != 1 or not isinstance(level := found[0].condition, PriceLevel):
        return ""
    now = _("{base} is at ${price}").format(base=text.base(rule.symbol), price=text.price(view.price))
    away = words.percent(round(abs(level.value / view.price - 1), 4))
    beyond = {Level.ABOVE: view.price > level.value, Level.BELOW: view.price < level.value}
    if beyond.get(level.direction):
        above = _("{now}, above it already: you are told once it has been back and comes again.")
        below = _("{now}, below it already: you are told once it has been back and comes again.")
        return (above if level.direction is Level.ABOVE else below).format(now=now)
    return _("{now}, {away} away.").format(now=now, away=away)
