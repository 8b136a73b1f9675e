"""Answer `/help`: everything that can be asked, or one command in detail."""

from collections.abc import Iterator

from rapidfuzz import fuzz, process

from bot.commands import ids, values, words
from bot.commands.amounts import quoted
from bot.commands.context import Context
from bot.commands.parts import NOT_ADVICE, rows
from bot.commands.reply import Button, Front, Reply, Table
from bot.commands.spec import OPERATORS, Call, Command, Kind, NearMiss, Parameter, Provider, Who
from bot.commands.tokens import split
from bot.lang import N_, _
from engine.errors import UserError

FEW_VERBS = range(2, 7)
"""With so many verbs a noun is one line of the list of everything; `/help noun` explains each."""
TYPED = {
    Kind.SYMBOL: N_("a market"),
    Kind.USD: N_("dollars"),
    Kind.DURATION: N_("a length of time"),
    Kind.PERCENT: N_("a percentage"),
    Kind.PERCENTS: N_("percentages"),
    Kind.ID: N_("a number"),
    Kind.INTEGER: N_("a whole number"),
    Kind.NUMBER: N_("a number"),
    Kind.PRICE: N_("a price"),
    Kind.LEVERAGE: N_("a leverage"),
    Kind.CHOICE: N_("a choice"),
    Kind.BOOL: N_("on or off"),
    Kind.TIME_ZONE: N_("a time zone"),
    Kind.HOURS: N_("hours of the day"),
    Kind.TIMES: N_("times of day"),
    Kind.VENUES: N_("venues"),
    Kind.MOMENT: N_("a time"),
    Kind.PLACE: N_("a place"),
    Kind.TEXT: N_("text"),
    Kind.WORDS: N_("words"),
}
"""What each type of parameter is called."""
ABOUT = Parameter(
    name="command",
    kind=Kind.TEXT,
    description=N_("The command to explain, such as watch or alert snooze"),
    examples=("watch", "alert snooze"),
    suggest=Provider.COMMANDS,
)


async def show(ctx: Context, call: Call) -> Reply:
    """Explain one command, or list all."""
    about = call.text("command").strip().lstrip("/").lower()
    if not about:
        return _everything(ctx)
    open_ = _open(ctx)
    exact = ctx.registry.find(about, ctx.caller.front)
    if exact in open_ and exact is not None and (exact.name == about or not _verbs(open_, about)):
        return _one(exact.on(ctx.caller.front))
    if verbs := _verbs(open_, about):
        return _noun(about, verbs)
    names = list(dict.fromkeys([c.name for c in open_] + [c.noun for c in open_]))
    near = process.extractOne(about, names, scorer=fuzz.ratio, score_cutoff=55)
    if near:
        raise NearMiss(
            _("There is no command {about}. Did you mean {near}?").format(about=quoted(about), near=near[0]),
            lines=(f"/help {near[0]}",),
        )
    raise UserError(_("There is no command {about}.").format(about=quoted(about)), example="/help")


def _verbs(open_: list[Command], noun: str) -> list[Command]:
    return [c for c in open_ if c.noun == noun and c.verb]


def _open(ctx: Context) -> list[Command]:
    """Return what the asker may ask here."""
    every = ctx.registry.on(ctx.caller.front, replaying=ctx.replaying)
    return [command for command in every if command.noun != OPERATORS or ctx.operator]


def _everything(ctx: Context) -> Reply:
    open_ = _open(ctx)
    table = Table(
        headings=(_("Command"), _("What it does")),
        rows=tuple(_listed(open_)),
    )
    return Reply(
        command="help",
        title=_("What you can ask"),
        text=_how_to_ask(ctx).format(not_advice=_(NOT_ADVICE)),
        table=table,
        buttons=rows(
            [
                Button(label=_("Heatmaps"), action=ids.action("help", "", "heatmap")),
                Button(label=_("Alerts"), action=ids.action("help", "", "watch")),
                Button(label=_("Settings"), action=ids.action("help", "", "settings set")),
                Button(label=_("My data"), action=ids.action("help", "", "data")),
            ]
        ),
    )


def _how_to_ask(ctx: Context) -> str:
    """Return how commands are given where somebody asks."""
    if ctx.caller.front is Front.DISCORD:
        return _(
            "Type / and choose a command; what it can take is offered as you type. /help with a "
            "command explains it.\n{not_advice}"
        )
    return _(
        "Type it the way you would say it: /heatmap btc 12h, or $btc alone. /help watch "
        "explains one command.\n{not_advice}"
    )


def _listed(open_: list[Command]) -> Iterator[tuple[str, str]]:
    """Yield each command with what it does; one line says all verbs of a noun that has few."""
    for command in open_:
        verbs = [each.verb for each in _verbs(open_, command.noun)]
        if not command.verb or len(verbs) not in FEW_VERBS:
            yield f"/{command.name}", _(command.description)
        elif command.verb == verbs[0]:
            yield f"/{command.noun} {'|'.join(verbs)}", _(command.description)


def _noun(noun: str, verbs: list[Command]) -> Reply:
    return Reply(
        command="help",
        title=f"/{noun}",
        text=_("It goes with {value}.").format(value=words.joined([c.verb for c in verbs], "or")),
        table=Table(
            headings=(_("Command"), _("What it does")), rows=tuple((c.usage, _(c.description)) for c in verbs)
        ),
        buttons=rows(_onwards(verbs[0])),
    )


def _one(command: Command) -> Reply:
    rows_ = tuple((p.name, explain(p)) for p in command.parameters)
    others = [f"/{alias}" for alias in command.aliases if alias != command.noun]
    lines = [
        f"{_(command.description)}.",
        *(_("For example: {example}").format(example=example) for example in command.examples),
    ]
    if others:
        lines.append(_("Also: {others}").format(others=words.joined(others)))
    return Reply(
        command="help",
        title=command.usage,
        text="\n".join(lines),
        table=Table(headings=(_("Parameter"), _("What it is")), rows=rows_) if rows_ else None,
        buttons=rows(_onwards(command)),
    )


def _onwards(command: Command) -> list[Button]:
    """Return where to go from an explanation: to what it is about, or an example that can be pressed."""
    match command.noun:
        case "watch" | "alert":
            return [
                Button(label=_("New alert"), action=ids.action("alert", "add")),
                Button(label=_("All alerts"), action=ids.action("alert", "list")),
            ]
        case "settings":
            return [Button(label=_("Settings"), action=ids.action("settings", "show"))]
        case "data":
            return [Button(label=_("My data"), action=ids.action("data", "show"))]
    if command.who is not Who.EVERYONE or not any(p.kind is Kind.SYMBOL for p in command.parameters):
        return []
    line = command.examples[0]
    typed = [word.text for word in split(line)[1:]]
    return [Button(label=line, action=ids.action(command.noun, "", *typed), style="primary")]


def explain(parameter: Parameter) -> str:
    """Return one line about a parameter: what it is, what it may be, and what it is if left out."""
    said = [_(parameter.description)]
    if parameter.choices:
        said.append(_("one of {list}").format(list=words.joined(list(parameter.choice_values()), "or")))
    if limits := values.limits(parameter):
        said.append(limits)
    if parameter.examples and not parameter.choices and "such as" not in parameter.description:
        said.append(_("such as {list}").format(list=words.joined(list(parameter.examples[:3]), "or")))
    if parameter.default is not None and parameter.kind is not Kind.BOOL:
        said.append(_("{value} if left out").format(value=values.show(parameter, parameter.default)))
    return "; ".join(said)


COMMANDS = (
    Command(
        noun="help",
        description=N_("List what you can ask, or explain one command"),
        run=show,
        parameters=(ABOUT,),
        aliases=("?", "h", "commands", "usage"),
        examples=("/help", "/help watch"),
        who=Who.EVERYONE,
    ),
)
