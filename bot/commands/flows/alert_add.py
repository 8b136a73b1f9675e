"""Ask step by step for an alert: which market, what should happen, how much, how severe."""

from dataclasses import replace

from bot.commands import symbols
from bot.commands.amounts import quoted
from bot.commands.context import Context
from bot.commands.flows.alert_kinds import BY_VALUE, KINDS, OF_TEMPLATE, OWN_WORDS, TEMPLATE, WORDS, Kind
from bot.commands.flows.offers import around, markets_of, popular
from bot.commands.flows.spec import Answers, Flow, Question, Step
from bot.commands.reply import Field
from bot.commands.rule_help import shipped
from bot.commands.rule_parts import SEVERITY
from bot.commands.rule_read import EXAMPLE, checked, feeds_of, line_of, understood
from bot.commands.spec import Choice
from bot.lang import N_, _
from engine.errors import UserError
from engine.rules.expression import lacking
from engine.rules.text import read_rule

HEAD = "/alert add"
OWN = ("symbol", "what", "template", "amount", "window")
"""Answers that make the condition; the others stand beside it as they are."""
SPLIT = " in "
"""What stands between an amount and its window where both are typed at once: "3% in 1h"."""


def _coin(answers: Answers) -> str:
    return symbols.base(answers["symbol"]).lower()


def _kind(answers: Answers) -> Kind | None:
    return BY_VALUE.get(answers.get("what", ""))


def there(ctx: Context, kind: Kind) -> bool:
    """Say whether this installation has what a kind of alert looks at."""
    example = kind.line("btc", kind.amounts[0] if kind.amounts else "1")
    return not lacking(read_rule(example, now_ms=0).spec.when, feeds_of(ctx))


async def _ask_market(ctx: Context, answers: Answers) -> Question:
    return Question(
        text=_("On which market?"), hint=_("Press one, or type any, such as eth."), choices=popular(ctx)
    )


async def _market(ctx: Context, answers: Answers, text: str) -> str:
    return symbols.resolve(text, markets_of(ctx))


def _whats(ctx: Context) -> tuple[Choice, ...]:
    kinds = [Choice(value=k.value, label=_(k.label)) for k in KINDS if there(ctx, k)]
    return (*kinds, *(replace(each, label=_(each.label)) for each in (OF_TEMPLATE, OWN_WORDS)))


async def _ask_what(ctx: Context, answers: Answers) -> Question:
    return Question(text=_("What should happen?"), choices=_whats(ctx), free=False)


async def _what(ctx: Context, answers: Answers, text: str) -> str:
    """Return which kind is meant, by its value or its label."""
    found = {each.value: each for each in _whats(ctx)}
    by_label = {each.label.lower(): each.value for each in found.values()}
    value = text.strip().lower()
    if value in found or value in by_label:
        return by_label.get(value, value)
    raise UserError(_("Choose one of these."), example=f"{HEAD} {EXAMPLE}")


async def _ask_template(ctx: Context, answers: Answers) -> Question:
    found = [t for t in shipped().values() if not lacking(t.fill().when, feeds_of(ctx))]
    return Question(
        text=_("Which template?"),
        choices=tuple(Choice(value=each.name, label=_(each.title)) for each in found),
        free=False,
    )


async def _template(ctx: Context, answers: Answers, text: str) -> str:
    name = text.strip().lower().replace("_", "-").replace(" ", "-")
    if name not in shipped():
        raise UserError(
            _("There is no template {name}.").format(name=quoted(text)), example="/alert templates"
        )
    return name


async def _ask_amount(ctx: Context, answers: Answers) -> Question:
    kind = _kind(answers)
    if kind is None:
        return Question(
            text=_("What should happen to {coin}?").format(coin=_coin(answers).upper()),
            hint=_("Say it in words, such as {example}").format(example=EXAMPLE.partition(" ")[2]),
        )
    near = around(ctx, answers["symbol"], kind.steps) if kind.steps else ()
    usual = tuple(Choice(value=each, label=each) for each in kind.amounts)
    return Question(text=_(kind.asks), hint=_("Press one, or type your own."), choices=near or usual)


async def _amount(ctx: Context, answers: Answers, text: str) -> str:
    """Return an amount that makes a condition; whatever is wrong with it is said as for the typed line."""
    said = text.strip()
    kind = _kind(answers)
    line = f"{_coin(answers)} {said}" if kind is None else _phrase(kind, dict(answers) | {"amount": said})
    found = understood(line, HEAD, ctx.now_ms, feeds_of(ctx))
    checked(ctx, found.spec, answers["symbol"])
    return said


def _phrase(kind: Kind, answers: Answers) -> str:
    amount, _in, window = answers["amount"].partition(SPLIT)
    return kind.line(_coin(answers), amount.strip(), answers.get("window", window.strip()))


async def _ask_window(ctx: Context, answers: Answers) -> Question:
    kind = _kind(answers)
    windows = kind.windows if kind else ()
    return Question(
        text=_("Within how long?"),
        hint=_("Press one, or type your own, such as 30m."),
        choices=tuple(Choice(value=each, label=each) for each in windows),
    )


async def _window(ctx: Context, answers: Answers, text: str) -> str:
    kind = _kind(answers)
    if kind is not None:
        understood(_phrase(kind, dict(answers) | {"window": text.strip()}), HEAD, ctx.now_ms, feeds_of(ctx))
    return text.strip()


async def _ask_severity(ctx: Context, answers: Answers) -> Question:
    return Question(text=_("How much does it matter?"), choices=_severities(), free=False)


def _severities() -> tuple[Choice, ...]:
    return tuple(replace(each, label=_(each.label)) for each in reversed(SEVERITY.choices))


async def _severity(ctx: Context, answers: Answers, text: str) -> str:
    value = text.strip().lower()
    if value not in SEVERITY.choice_values():
        raise UserError(_("It is critical, warning or info."), example=f"{HEAD} {EXAMPLE} severity=critical")
    return value


def _said(what: str) -> str:
    """Return what should happen, in words."""
    return _({**{k.value: k.label for k in KINDS}, TEMPLATE: OF_TEMPLATE.label, WORDS: OWN_WORDS.label}[what])


def _has_window(answers: Answers) -> bool:
    kind = _kind(answers)
    return bool(kind and kind.windows) and SPLIT not in answers.get("amount", "")


STEPS = (
    Step(name="symbol", label=N_("Market"), ask=_ask_market, check=_market, say=symbols.base),
    Step(name="what", label=N_("What"), ask=_ask_what, check=_what, say=_said),
    Step(
        name="template",
        label=N_("Template"),
        ask=_ask_template,
        check=_template,
        wanted=lambda answers: answers.get("what") == TEMPLATE,
    ),
    Step(
        name="amount",
        label=N_("How much"),
        ask=_ask_amount,
        check=_amount,
        wanted=lambda answers: answers.get("what") != TEMPLATE,
    ),
    Step(name="window", label=N_("Within"), ask=_ask_window, check=_window, wanted=_has_window),
    Step(name="severity", label=N_("Severity"), ask=_ask_severity, check=_severity),
)


def _line(answers: Answers) -> str:
    """Return the line that the answers make."""
    beside = {name: value for name, value in answers.items() if name not in OWN}
    if answers["what"] == TEMPLATE:
        return line_of("alert template", {"name": answers["template"], "when": _coin(answers)} | beside)
    kind = _kind(answers)
    when = f"{_coin(answers)} {answers['amount']}" if kind is None else _phrase(kind, answers)
    return line_of("alert add", {"when": when} | beside)


async def _fields(ctx: Context, answers: Answers) -> tuple[Field, ...]:
    """Return the whole alert as one form."""
    market = popular(ctx)
    templates = (await _ask_template(ctx, answers)).choices
    whats = [(each.value, each.label) for each in _whats(ctx) if each.value != TEMPLATE]
    return (
        Field(
            name="symbol",
            label=_("Market"),
            hint=_("Such as btc, eth/usdt or SOL-PERP"),
            value=_coin(answers) if "symbol" in answers else market[0].value if market else "",
        ),
        Field(
            name="what",
            label=_("What should happen?"),
            choices=(*whats, *((each.value, each.label) for each in templates)),
            value=answers.get("what", ""),
        ),
        Field(
            name="amount",
            label=_("How much"),
            hint=_("60000, 3%, 3% in 1h, 10M or 5x; or your own words. Not for a template"),
            value=answers.get("amount", ""),
            required=False,
        ),
        Field(
            name="severity",
            label=_("How much does it matter?"),
            choices=tuple((each.value, each.label) for each in _severities()),
            value=answers.get("severity", "warning"),
        ),
        Field(
            name="note",
            label=_("Your own note, shown with it"),
            hint=_("Such as: add to the hedge"),
            value=answers.get("note", ""),
            required=False,
        ),
    )


async def _filled(ctx: Context, answers: Answers, given: Answers) -> dict[str, str]:
    """Return the answers that a form makes, each checked as in the dialogue."""
    out = dict(answers)
    out["symbol"] = await _market(ctx, out, given.get("symbol", ""))
    what = given.get("what", "")
    if what in shipped():
        out |= {"what": TEMPLATE, "template": what}
    else:
        out["what"] = await _what(ctx, out, what)
        amount = given.get("amount", "")
        if not amount.strip():
            kind = _kind(out)
            asked = _(kind.asks) if kind else _("What should happen?")
            raise UserError(_("How much is missing: {question}").format(question=asked))
        out["amount"] = await _amount(ctx, out, amount)
        kind = _kind(out)
        if kind is not None and kind.windows and SPLIT not in amount:
            out["window"] = kind.usual_window
    out["severity"] = await _severity(ctx, out, given.get("severity", ""))
    if note := " ".join(given.get("note", "").split()):
        out["note"] = note.replace('"', "'")
    return out


ADD = Flow(
    name="alert add",
    command=lambda _answers: "alert add",
    title=lambda _answers: _("A new alert"),
    steps=lambda _ctx, _answers: STEPS,
    line=_line,
    fields=_fields,
    filled=_filled,
    opens=True,
)
