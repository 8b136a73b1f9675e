"""Answer `/alert edit`: change anything about an alert; what makes it fire otherwise is shown first."""

from dataclasses import replace
from typing import Any

from bot.commands import rule_words
from bot.commands.alerts import ONE, unknown
from bot.commands.context import Context
from bot.commands.drafts import Prepared, keep, offer, told
from bot.commands.parts import SIDE, side_of
from bot.commands.reply import Reply
from bot.commands.rule_parts import COMMON, FIELDS, NONE, QUIET, TYPE, WHEN
from bot.commands.rule_read import columns, feeds_of, given_of, market_of, typed_line, understood, with_common
from bot.commands.spec import Call, Command, Incomplete, Kind, Parameter
from bot.commands.watch import MINIMUM, WITHIN, place_of
from bot.lang import N_, _
from bot.render import text
from engine.errors import UserError
from engine.rules.expression import Spec, leaves
from engine.rules.phrases import named_line
from engine.rules.stored import QUIET_CRITICAL
from storage.rules import OWN, get_rule, to_watch, update_rule, watch_params
from storage.tables import Rule

PAUSED = Parameter(
    name="paused",
    kind=Kind.BOOL,
    description=N_("Whether it is silent until you resume it"),
    named=True,
)
STEPS = frozenset({"within", "min", "side"})
"""What only watches of zones have."""
BESIDE = frozenset({"id", "note", "to", "cooldown", "paused", "quiet_critical", "save"})
"""What does not change when an alert fires: it is saved at once."""


async def edit(ctx: Context, call: Call) -> Reply:
    """Change one alert."""
    number = call.whole("id")
    if not call.given - {"id", "save"}:
        if await ctx.services.state.read(lambda s: get_rule(s, ctx.caller.user_id, number)) is None:
            raise unknown(number)
        raise Incomplete(_("Say what to change."), command=call.command, given={"id": str(number)})
    rule = await ctx.services.state.read(lambda s: get_rule(s, ctx.caller.user_id, number))
    if rule is None:
        raise unknown(number)
    prepared, spec = await _changed(ctx, call, rule)
    if call.given <= BESIDE:
        return await _at_once(ctx, call, prepared, spec)
    if call.has("paused"):
        raise UserError(_("Pause or resume it by itself."), example=f"/alert pause {number}")
    return await offer(ctx, prepared, spec, at_once=call.flag("save"))


async def _at_once(ctx: Context, call: Call, prepared: Prepared, spec: Spec) -> Reply:
    """Save what changes nothing about when an alert fires, and show it with what it would have done."""
    owner, paused = ctx.caller.user_id, call.values.get("paused")
    tried = await ctx.services.dry.run(spec, prepared.symbol)

    def work(session: Any) -> Any:  # noqa: ANN401 - what `keep` takes and returns
        if isinstance(paused, bool):
            update_rule(session, owner, prepared.rule_id, paused=paused)
        return keep(session, ctx, prepared)

    return await told(ctx, await ctx.services.state.run(work), prepared, tried)


async def _changed(ctx: Context, call: Call, rule: Rule) -> tuple[Prepared, Spec]:
    """Return an alert with what a call changes, and what it then watches."""
    spec, kind, params = _watching(ctx, call, rule)
    place = (rule.to_channel, rule.to_place)
    if call.has("to"):
        place = await place_of(ctx, call, f"/alert edit {rule.rule_id} to=dm")
    note = rule.note
    if call.has("note"):
        note = "" if call.text("note").lower() == NONE else call.text("note")
    prepared = Prepared(
        symbol=rule.symbol,
        kind=kind,
        params=params,
        note=note,
        cooldown_s=call.whole("cooldown") // 1000 if call.has("cooldown") else rule.cooldown_s,
        to_channel=place[0],
        to_place=place[1],
        rule_id=rule.rule_id,
        asked=call.command.name,
        given=given_of(call),
    )
    return prepared, spec


def _watching(ctx: Context, call: Call, rule: Rule) -> tuple[Spec, str, dict[str, Any]]:
    """Return what an alert then watches: as a rule, and as its kind and parameters."""
    if call.given <= BESIDE:
        return rule_words.spec(rule), rule.kind, _beside(call, rule)
    line = _whole_line(call, rule)
    if rule_words.is_watch(rule) and not line and call.given & STEPS:
        return _steps(ctx, call, rule)
    if strange := sorted(call.given & STEPS - ({"side"} if line else set())):
        raise UserError(
            _("Alert {rule_id} has no {strange}: say anew what it watches.").format(
                rule_id=rule.rule_id, strange=strange[0]
            ),
            example=f"/alert edit {rule.rule_id} {rule_words.brief(rule)}",
        )
    spec = rule_words.spec(rule)
    if line:
        found = understood(line, f"/alert edit {rule.rule_id}", ctx.now_ms, feeds_of(ctx))
        _same_market(ctx, call, rule, found.coin)
        spec = replace(spec, when=found.spec.when, **_said(found.spec))
    elif rule_words.is_watch(rule) and len(to_watch(rule).within) > 1:
        raise UserError(
            _("Alert {rule_id} has a distance for each severity; change those.").format(rule_id=rule.rule_id),
            example=f"/alert edit {rule.rule_id} within=1%,3%",
        )
    spec = with_common(ctx, call, spec)
    kind, params = columns(spec, quiet_critical=_quiet(call, rule))
    return spec, kind, params


def _quiet(call: Call, rule: Rule) -> bool:
    """Say whether quiet hours are to hold an alert's criticals back: what is asked, else what it had."""
    return call.flag(QUIET.name) if call.has(QUIET.name) else bool(rule.params.get(QUIET_CRITICAL))


def _beside(call: Call, rule: Rule) -> dict[str, Any]:
    """Return the parameters of an alert that watches what it watched."""
    params = {name: value for name, value in rule.params.items() if name != QUIET_CRITICAL}
    quiet = _quiet(call, rule)
    return params | ({QUIET_CRITICAL: quiet} if quiet or rule_words.is_watch(rule) else {})


def _whole_line(call: Call, rule: Rule) -> str:
    """Return the line that says anew what an alert watches; of fields alone, with the rest as it was.

    UserError where fields alone are given and the alert has several conditions.
    """
    sided = not rule_words.is_watch(rule) and call.text("side") in ("long", "short")
    known = [p.name for p in FIELDS if call.has(p.name) and p.name not in ("with", "side")]
    named = [f"{name}={call.text(name)}" for name in [*known, *(["side"] if sided else [])]]
    line = (
        typed_line(call)
        if call.has("type")
        else " ".join([call.text("when"), *named, call.text("with")]).strip()
    )
    if not line or not all("=" in word for word in line.split()):
        return line
    found = list(leaves(rule_words.spec(rule).when))
    if len(found) > 1:
        raise UserError(
            _("Alert {rule_id} has {count} conditions: say all of it anew.").format(
                rule_id=rule.rule_id, count=len(found)
            ),
            example=f"/alert edit {rule.rule_id} {rule_words.line(rule)}",
        )
    had = named_line(found[0].condition)
    given = {word.partition("=")[0] for word in line.split()}
    kept = [word for word in had.split()[1:] if word.partition("=")[0] not in given]
    venue = f" on {found[0].venue}" if found[0].venue else ""
    return " ".join([found[0].condition.kind, *kept, line]) + venue


def _said(spec: Spec) -> dict[str, Any]:
    """Return what a line says for the whole of an alert beside its condition."""
    usual = Spec(when=spec.when)
    names = ("for_ms", "hysteresis", "repeat", "expires_ms", "severity")
    return {name: value for name in names if (value := getattr(spec, name)) != getattr(usual, name)}


def _same_market(ctx: Context, call: Call, rule: Rule, coin: str) -> None:
    """Raise UserError where a line names another market than its alert's."""
    if coin and (named := market_of(ctx, call, coin)) != rule.symbol:
        raise UserError(
            _("Alert {rule_id} is on {base}; make another for {base2}.").format(
                rule_id=rule.rule_id, base=text.base(rule.symbol), base2=text.base(named)
            ),
            example=f"/alert add {typed_line(call)}",
        )


def _steps(ctx: Context, call: Call, rule: Rule) -> tuple[Spec, str, dict[str, Any]]:
    """Return a watch of zones with other distances, size or side."""
    had = to_watch(rule)
    if other := sorted(call.given - STEPS - BESIDE):
        raise UserError(
            _("{other} does not go with {sorted}: a distance has its severity.").format(
                other=other[0], sorted=sorted(call.given & STEPS)[0]
            ),
            example=f"/alert edit {rule.rule_id} within=1%,3%,5%",
        )
    params = watch_params(
        ctx.prefs.steps(call.fractions("within")) if call.has("within") else dict(had.within),
        hysteresis=had.hysteresis,
        min_notional_usd=call.number("min") if call.has("min") else had.min_notional_usd,
        side=side_of(call.text("side")) if call.has("side") else had.side,
        quiet_critical=_quiet(call, rule),
    )
    if rule.params.get(OWN):
        params[OWN] = True
    made = Rule(kind=rule.kind, symbol=rule.symbol, params=params, note=rule.note)
    return rule_words.spec(made), rule.kind, params


_OWN = tuple(each for each in FIELDS if each.name != "side")
_SIDE = replace(SIDE, named=True, default=None, description=N_("Of a watch of zones: longs, shorts or both"))
COMMANDS = (
    Command(
        noun="alert",
        verb="edit",
        description=N_("Change anything about an alert: what it watches, how severe, how often, where to"),
        run=edit,
        parameters=(
            ONE,
            WHEN,
            TYPE,
            *_OWN,
            replace(WITHIN, named=True, inline=False),
            replace(MINIMUM, named=True),
            _SIDE,
            *COMMON,
            PAUSED,
        ),
        aliases=("alert set", "alert update", "alert modify"),
        examples=(
            "/alert edit 7 severity=critical cooldown=2h",
            "/alert edit 7 btc falls 4% in 15m",
            "/alert edit 7 for=5m repeat=once expires=3d",
            '/alert edit 7 note="add to the hedge" to=here',
        ),
    ),
)
