"""Ask what to change about an alert, with what it is now."""

from bot.commands import rule_words, words
from bot.commands.alerts import unknown
from bot.commands.context import Context
from bot.commands.flows.spec import Answers, Flow, Question, Step
from bot.commands.parts import SIDE
from bot.commands.reply import Field
from bot.commands.rule_parts import NONE, REPEAT, SEVERITY
from bot.commands.rule_read import line_of
from bot.commands.spec import Choice, Parameter
from bot.lang import N_, _
from engine.errors import UserError
from storage.rules import get_rule, to_watch
from storage.tables import Rule

WHEN = "when"
COOLDOWNS = ("15m", "1h", "4h", "1d")
LABELS = {
    WHEN: N_("What it watches"),
    "within": N_("Distances"),
    "min": N_("Smallest zone"),
    "side": N_("Sides"),
    "severity": N_("Severity"),
    "cooldown": N_("Silent after it was told"),
    "repeat": N_("How often"),
    "note": N_("Note"),
}
HINTS = {
    WHEN: N_("In words, such as falls 3% in 15m"),
    "within": N_("Such as 1%,3%,5%"),
    "min": N_("Such as 10M, or auto"),
    "cooldown": N_("Such as 15m or 4h"),
    "note": N_("Your own words; none takes them away"),
}


async def _rule(ctx: Context, answers: Answers) -> Rule:
    """Return the asker's alert; UserError where it is not theirs, or gone."""
    number = int(answers["id"])
    rule = await ctx.services.state.read(lambda s: get_rule(s, ctx.caller.user_id, number))
    if rule is None:
        raise unknown(number)
    return rule


def current(rule: Rule) -> dict[str, str]:
    """Return what can be changed about an alert, as it is typed, in the order in which it is asked."""
    cooldown = words.duration_short(rule.cooldown_s * 1000) if rule.cooldown_s else ""
    beside = {"cooldown": cooldown, "note": rule.note}
    if rule_words.is_watch(rule):
        watch = to_watch(rule)
        nearest_first = sorted(share for _severity, share in watch.within)
        return {
            "within": ",".join(f"{share * 100:g}%" for share in nearest_first),
            "min": "auto" if watch.min_notional_usd is None else f"{watch.min_notional_usd:.15g}",
            "side": watch.side.value if watch.side else "both",
        } | beside
    spec = rule_words.spec(rule)
    said = {WHEN: rule_words.brief(rule), "severity": spec.severity.value, "repeat": spec.repeat.value}
    return said | beside


def _chosen(name: str) -> tuple[Choice, ...]:
    """Return all that a field may be, where that is few."""
    of: dict[str, Parameter] = {"severity": SEVERITY, "repeat": REPEAT, "side": SIDE}
    return of[name].choices if name in of else ()


async def _ask_field(ctx: Context, answers: Answers) -> Question:
    rule = await _rule(ctx, answers)
    found = current(rule)
    choices = [Choice(value=name, label=_(LABELS[name])) for name in found]
    return Question(
        text=_("What should be otherwise about alert {number}?").format(number=rule.rule_id),
        hint=rule_words.says(ctx, rule),
        choices=tuple(choices),
        free=False,
    )


async def _field(ctx: Context, answers: Answers, text: str) -> str:
    name = text.strip().lower()
    if name not in current(await _rule(ctx, answers)):
        raise UserError(_("Choose one of these."), example=f"/alert edit {answers['id']} cooldown=4h")
    return name


async def _ask_value(ctx: Context, answers: Answers) -> Question:
    name, rule = answers["field"], await _rule(ctx, answers)
    now = current(rule)[name]
    usual = COOLDOWNS if name == "cooldown" else (NONE,) if name == "note" and now else ()
    choices = _chosen(name) or tuple(Choice(value=each, label=each) for each in usual)
    told = _("It is {value} now.").format(value=now) if now else ""
    return Question(
        text=f"{_(LABELS[name])}?",
        hint=" ".join(filter(None, (told, _(HINTS.get(name, ""))))),
        choices=tuple(Choice(value=c.value, label=_(c.label)) for c in choices),
        free=not _chosen(name),
    )


async def _value(ctx: Context, answers: Answers, text: str) -> str:
    """Return what a field is to be; whether that can be is said by the command itself."""
    said, name = " ".join(text.split()), answers["field"]
    if not said:
        raise UserError(_("That is empty."), example=f"/alert edit {answers['id']} cooldown=4h")
    if _chosen(name) and said.lower() not in {each.value for each in _chosen(name)}:
        raise UserError(_("Choose one of these."), example=f"/alert edit {answers['id']} severity=critical")
    return said.replace('"', "'")


STEPS = (
    Step(name="field", label=N_("Change"), ask=_ask_field, check=_field, say=lambda name: _(LABELS[name])),
    Step(name="value", label=N_("To"), ask=_ask_value, check=_value),
)


def _line(answers: Answers) -> str:
    """Return the line that makes the changes: one of the dialogue, or those of a form."""
    changes = {name: value for name, value in answers.items() if name not in ("field", "value")}
    if "field" in answers:
        changes[answers["field"]] = answers["value"]
    return line_of("alert edit", changes)


async def _fields(ctx: Context, answers: Answers) -> tuple[Field, ...]:
    """Return the alert as it is, to be written over."""
    rule = await _rule(ctx, answers)
    return tuple(
        Field(
            name=name,
            label=_(LABELS[name]),
            hint=_(HINTS.get(name, "")),
            value=value,
            choices=tuple((c.value, _(c.label)) for c in _chosen(name)),
            required=name not in ("note", "cooldown"),
        )
        for name, value in current(rule).items()
    )


async def _filled(ctx: Context, answers: Answers, given: Answers) -> dict[str, str]:
    """Return what a form changes; UserError where that is nothing."""
    had = current(await _rule(ctx, answers))
    said = {name: " ".join(text.split()).replace('"', "'") for name, text in given.items() if name in had}
    said |= {"note": NONE} if not said.get("note", "-") else {}
    said = {name: text for name, text in said.items() if text and text != had[name]}
    if said.get("note") == NONE and not had["note"]:
        del said["note"]
    if not said:
        raise UserError(
            _("Nothing is otherwise than it was."), example=f"/alert edit {answers['id']} cooldown=4h"
        )
    return {"id": answers["id"]} | said


EDIT = Flow(
    name="alert edit",
    command=lambda _answers: "alert edit",
    title=lambda answers: _("Alert {number}").format(number=answers["id"]),
    steps=lambda _ctx, _answers: STEPS,
    line=_line,
    fields=_fields,
    filled=_filled,
    opens=True,
)
