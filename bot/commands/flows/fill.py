"""Ask for what any command needs and was not given: one question for each parameter that is missing."""

from bot.commands import symbols, values
from bot.commands.context import Context
from bot.commands.flows.offers import markets_of, offered
from bot.commands.flows.spec import Answers, Flow, Question, Step
from bot.commands.rule_read import line_of
from bot.commands.spec import Command, Kind, Parameter
from bot.lang import N_, _
from engine.errors import UserError

COMMAND, LACKS = "/", "?"
"""Where answers keep the command they are for and what it lacks besides; no parameter is called so."""
ASKED = {
    Kind.SYMBOL: N_("Which market?"),
    Kind.ID: N_("Which one?"),
    Kind.PRICE: N_("At which price?"),
    Kind.LEVERAGE: N_("With which leverage?"),
    Kind.USD: N_("How many dollars?"),
    Kind.DURATION: N_("How long?"),
    Kind.TIME_ZONE: N_("Which time zone?"),
}
NAMED = {
    "address": N_("Address?"),
    "code": N_("Code?"),
    "name": N_("Name?"),
    "speed": N_("Speed?"),
    "text": N_("Text?"),
    "to": N_("To?"),
}
"""Questions for one parameter of a name."""
HINTS = {Kind.SYMBOL: N_("Press one, or type any, such as eth.")}
LABELS = {"symbol": N_("Market"), "price": N_("Price"), "id": N_("Number"), "side": N_("Side")}
CHOSEN = (Kind.CHOICE, Kind.BOOL)
"""Kinds of which there is nothing to type."""


def _steps(ctx: Context, answers: Answers) -> tuple[Step, ...]:
    command = ctx.registry.find(answers[COMMAND], ctx.caller.front)
    if command is None:
        raise UserError(_("There is no such command any more."), example="/help")
    asked = (command.asks, answers.get(LACKS))
    wanted = [p for p in command.on(ctx.caller.front).parameters if p.required or p.name in asked]
    return tuple(_step(command, parameter) for parameter in wanted)


def _step(command: Command, parameter: Parameter) -> Step:
    async def ask(ctx: Context, answers: Answers) -> Question:
        asked, chosen = ASKED.get(parameter.kind), parameter.kind in CHOSEN
        return Question(
            text=_(asked) if asked else _plain(parameter),
            hint="" if chosen else _(HINTS.get(parameter.kind, parameter.description)),
            choices=await offered(ctx, command, parameter, _symbol(ctx, answers)),
            free=not chosen,
        )

    async def check(ctx: Context, answers: Answers, text: str) -> str:
        return values.typed(parameter, values.read(parameter, text, markets_of(ctx)))

    return Step(
        name=parameter.name,
        label=LABELS.get(parameter.name, parameter.name),
        ask=ask,
        check=check,
        say=symbols.base if parameter.kind is Kind.SYMBOL else str,
    )


def _plain(parameter: Parameter) -> str:
    """Return what a parameter is called in a question of its own."""
    if parameter.kind in CHOSEN:
        return _(parameter.description) + "?"
    name = parameter.name.replace("_", " ")
    return _(NAMED.get(parameter.name, f"{name[:1].upper()}{name[1:]}?"))


def _symbol(ctx: Context, answers: Answers) -> str:
    """Return the market that was named before, empty for none."""
    try:
        return symbols.resolve(answers.get("symbol", ""), markets_of(ctx))
    except UserError:
        return ""


def _line(answers: Answers) -> str:
    given = {name: value for name, value in answers.items() if name not in (COMMAND, LACKS)}
    return line_of(answers[COMMAND], given)


FILL = Flow(
    name="fill",
    command=lambda answers: answers[COMMAND],
    title=lambda answers: f"/{answers[COMMAND]}",
    steps=_steps,
    line=_line,
)
