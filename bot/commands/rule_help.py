"""Answer `/alert conditions`, `templates` and `template`: what can be watched, and good beginnings."""

from collections.abc import Mapping
from dataclasses import fields
from functools import cache

from rapidfuzz import fuzz, process

from bot.commands import ids, words
from bot.commands.amounts import quoted
from bot.commands.context import Context
from bot.commands.paging import PAGE, of_pages, paged, turns
from bot.commands.parts import rows
from bot.commands.reply import Button, Reply, Table
from bot.commands.rule_add import propose
from bot.commands.rule_parts import COMMON, MARKET
from bot.commands.rule_read import feeds_of, market_of, with_common
from bot.commands.spec import Call, Command, Kind, NearMiss, Parameter, Provider, Who
from bot.lang import N_, _
from config.alert_templates import read_templates
from engine.errors import UserError
from engine.rules.condition import Condition, choices, described, kinds
from engine.rules.expression import lacking
from engine.rules.quantity import say, typed
from engine.rules.sentence import feeds_told, lacking_sentence, sentence
from engine.rules.templates import Template
from engine.rules.text import read_rule

_ALIKE = 55.0
PER_PAGE = 8
"""How many templates a list shows at a time."""


@cache
def shipped() -> Mapping[str, Template]:
    """Return the templates that ship, by name."""
    return read_templates()


async def conditions(ctx: Context, call: Call) -> Reply:
    """List every condition with an example, or explain one."""
    asked = call.text("type").strip().lower().replace(" ", "_").replace("-", "_")
    if not asked:
        return _every(ctx)
    if asked in kinds():
        return _one(ctx, kinds()[asked])
    near = process.extractOne(asked, list(kinds()), scorer=fuzz.WRatio, score_cutoff=_ALIKE)
    if near is None:
        raise UserError(
            _("There is no condition {asked}.").format(asked=quoted(asked)), example="/alert conditions"
        )
    raise NearMiss(
        _("There is no condition {asked}. Did you mean {near}?").format(asked=quoted(asked), near=near[0]),
        lines=(f"/alert conditions {near[0]}",),
    )


def _lacks(ctx: Context, kind: type[Condition]) -> tuple[str, ...]:
    """Return what this installation does not have of what a condition needs."""
    return tuple(sorted(kind.feeds - feeds_of(ctx)))


def _every(ctx: Context) -> Reply:
    there = [kind for kind in kinds().values() if not _lacks(ctx, kind)]
    absent = [kind.kind for kind in kinds().values() if _lacks(ctx, kind)]
    without = _("Not here, for want of data: {absent}.").format(absent=words.joined(absent))
    return Reply(
        command="alert conditions",
        title=_("What an alert can watch"),
        text=_(
            "Say one as in /alert add btc falls 3% in 15m, or join several with and, or, and "
            "brackets. After them: held for 5m, once, severity=critical, expires=3d, "
            "cooldown=2h. /alert conditions price_change explains one."
        )
        + (f"\n{without}" if absent else ""),
        table=Table(
            headings=(_("Say"), _("It is told when")),
            rows=tuple((f"/alert add {kind.example}", f"{_(kind.means)} ({kind.kind})") for kind in there),
        ),
        buttons=rows([Button(label=_("Templates"), action=ids.action("alert", "templates"))]),
    )


def _one(ctx: Context, kind: type[Condition]) -> Reply:
    spec = read_rule(kind.example, now_ms=0).spec
    missing = _lacks(ctx, kind)
    lines = [sentence(spec, "BTC"), *([lacking_sentence(kind, missing)] if missing else [])]
    hysteresis = _("{percent} of the threshold: {hysteresis_why}").format(
        percent=words.percent(kind.hysteresis), hysteresis_why=_(kind.hysteresis_why)
    )
    return Reply(
        command="alert conditions",
        title=_("{kind}: true when {means}").format(kind=kind.kind, means=_(kind.means)),
        text="\n".join([_("For example: /alert add {example}").format(example=kind.example), *lines]),
        table=Table(
            headings=(_("Field"), _("What it is")),
            rows=(*(_field(kind, each.name) for each in fields(kind)), ("hysteresis", hysteresis)),
        ),
    )


def _field(kind: type[Condition], name: str) -> tuple[str, str]:
    """Return one field of a condition: what it is, its range, what it is where it is left out, and why."""
    default = next(each.default for each in fields(kind) if each.name == name)
    parameter, shown = described(kind).get(name), name.removesuffix("_ms")
    if parameter is None:
        usual = "both" if default is None else str(default)
        return shown, _("{list}; {usual} if left out").format(
            list=words.joined(list(choices(kind, name)), "or"), usual=usual
        )
    ends = _("{say} to {say2}").format(
        say=say(parameter.unit, parameter.low), say2=say(parameter.unit, parameter.high)
    )
    if not isinstance(default, int | float | None):
        return shown, _("{means}, {ends}; has to be given").format(means=_(parameter.means), ends=ends)
    usual = "auto" if default is None else say(parameter.unit, default)
    return shown, _("{means}, {ends}; {usual} if left out: {why}").format(
        means=_(parameter.means), ends=ends, usual=usual, why=_(parameter.why)
    )


async def templates(ctx: Context, call: Call) -> Reply:
    """List the templates, a page at a time."""
    shown, page, pages = paged(tuple(shipped().values()), call.whole("page"), PER_PAGE)
    return Reply(
        command="alert templates",
        title=_("Templates") + of_pages(page, pages),
        text=_(
            "Say /alert template long-squeeze btc to see one on a market before it is saved; its "
            "numbers can be other ones, as in within=2%."
        ),
        table=Table(
            headings=(_("Say"), _("What it is for")),
            rows=tuple((f"/alert template {each.name}{_gaps(each)}", _about(ctx, each)) for each in shown),
        ),
        buttons=(
            *rows(
                [
                    Button(label=_(each.title), action=ids.action("alert", "template", each.name))
                    for each in shown
                    if not _needs(ctx, each)
                ],
                4,
            ),
            *turns("alert", "templates", page, pages),
        ),
    )


def _needs(ctx: Context, template: Template) -> list[str]:
    """Return what this installation does not have of what a template looks at."""
    missing = lacking(template.fill().when, feeds_of(ctx))
    return sorted({feeds_told([name]) for names in missing.values() for name in names})


def _about(ctx: Context, template: Template) -> str:
    """Return what a template is for, and what is lacking for it here."""
    needs = _needs(ctx, template)
    return (
        _("{about} Not here, for want of {needs}.").format(about=_(template.about), needs=words.joined(needs))
        if needs
        else _(template.about)
    )


def _gaps(template: Template) -> str:
    """Return a template's parameters with their defaults, as they are typed."""
    return "".join(f" {name}={typed(gap.unit, gap.default)}" for name, gap in template.gaps.items())


async def template(ctx: Context, call: Call) -> Reply:
    """Show the alert that a template makes on a market."""
    name = call.text("name").lower().replace("_", "-")
    found = shipped().get(name)
    if found is None:
        raise _unknown(name)
    given, coins = {}, []
    for word in call.text("when").split():
        key, equals, value = word.partition("=")
        if equals:
            given[key.lower()] = value
        else:
            coins.append(word)
    if len(coins) > 1:
        raise UserError(
            _("One market at a time: {coins} is one too many.").format(coins=quoted(coins[1])),
            example=_example(found),
        )
    try:
        spec = found.fill(given)
    except UserError as error:
        better = f" {error.example}" if error.example else ""
        raise UserError(error.message, example=f"{_example(found)}{better}") from None
    return await propose(
        ctx, call, with_common(ctx, call, spec), market_of(ctx, call, "".join(coins).lower())
    )


def _example(found: Template) -> str:
    return f"/alert template {found.name} btc"


def _unknown(name: str) -> UserError:
    near = process.extractOne(name, list(shipped()), scorer=fuzz.WRatio, score_cutoff=_ALIKE)
    if near is None:
        return UserError(
            _("There is no template {name}.").format(name=quoted(name)), example="/alert templates"
        )
    return NearMiss(
        _("There is no template {name}. Did you mean {near}?").format(name=quoted(name), near=near[0]),
        lines=(f"/alert template {near[0]}",),
    )


NAME = Parameter(
    name="name",
    kind=Kind.TEXT,
    description=N_("Which template, such as long-squeeze; /alert templates lists them"),
    required=True,
    examples=("long-squeeze", "breakout", "cascade-radar"),
    suggest=Provider.TEMPLATES,
)
NUMBERS = Parameter(
    name="when",
    kind=Kind.WORDS,
    description=N_("The market, and its numbers where they are to be other ones: btc within=2%"),
    examples=("btc", "btc within=2%"),
)
COMMANDS = (
    Command(
        noun="alert",
        verb="conditions",
        description=N_("List everything an alert can watch, or explain one condition"),
        run=conditions,
        parameters=(
            Parameter(
                name="type",
                kind=Kind.TEXT,
                description=N_("Which condition, such as price_change; all if left out"),
                examples=("price_change", "funding_level"),
                suggest=Provider.CONDITIONS,
            ),
        ),
        aliases=("alert types", "alert help", "conditions"),
        examples=("/alert conditions", "/alert conditions price_change"),
        who=Who.EVERYONE,
    ),
    Command(
        noun="alert",
        verb="templates",
        description=N_("List alerts that are made for you: squeezes, breakouts, cascades and more"),
        run=templates,
        parameters=(PAGE,),
        aliases=("templates",),
        examples=("/alert templates",),
        who=Who.EVERYONE,
    ),
    Command(
        noun="alert",
        verb="template",
        description=N_("Make an alert of a template; it is shown before it is saved"),
        run=template,
        parameters=(NAME, NUMBERS, MARKET, *COMMON),
        examples=(
            "/alert template magnet-approach btc",
            "/alert template long-squeeze btc within=2% severity=critical",
        ),
    ),
)
