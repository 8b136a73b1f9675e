"""Answer what people do in a dialogue: press, type, go back, submit a form, cancel."""

from bot.commands.context import Context
from bot.commands.flows import dialogue
from bot.commands.reply import Reply
from bot.commands.spec import Call, Command, Handler, Incomplete, Kind, Parameter, Who
from bot.lang import N_, _
from engine.errors import UserError

KEY = Parameter(name="key", kind=Kind.TEXT, description=N_("Which dialogue"), required=True)
BEGUN = "command"
ANSWER = "text"


async def begin(ctx: Context, call: Call) -> Reply:
    """Ask for what a line lacks."""
    command = ctx.registry.find(call.text(BEGUN), ctx.caller.front)
    if command is None:
        raise UserError(_("There is no such command any more."), example="/help")
    given = {name: call.text(name) for name in call.given if name != BEGUN}
    return await dialogue.ask(ctx, Incomplete("", command=command, given=given))


def _in_time(handler: Handler) -> Handler:
    """Return a handler that offers to begin again where the question waited too long."""

    async def run(ctx: Context, call: Call) -> Reply:
        try:
            return await handler(ctx, call)
        except dialogue.Expired as expired:
            return dialogue.closed(expired.command)

    return run


async def answer(ctx: Context, call: Call) -> Reply:
    """Take what was typed."""
    return await dialogue.answer(ctx, call.text(ANSWER))


async def pick(ctx: Context, call: Call) -> Reply:
    """Take what was pressed."""
    return await dialogue.pick(ctx, call.text("key"), call.whole("step"), call.text("value"))


async def back(ctx: Context, call: Call) -> Reply:
    """Go back by a question."""
    return await dialogue.back(ctx, call.text("key"))


async def form(ctx: Context, call: Call) -> Reply:
    """Show the form of a dialogue, or take it filled in."""
    given = {name: call.text(name) for name in call.given if name != "key"}
    if given:
        return await dialogue.submit(ctx, call.text("key"), given)
    return await dialogue.show_form(ctx, call.text("key"))


async def stop(ctx: Context, call: Call) -> Reply:
    """End a dialogue."""
    return await dialogue.stop(ctx, call.text("key"))


def _hidden(verb: str, description: str, run: Handler, *parameters: Parameter) -> Command:
    return Command(
        noun="ask",
        verb=verb,
        description=description,
        run=_in_time(run),
        parameters=parameters,
        button_only=True,
    )


BEGIN = _hidden("begin", N_("Ask for what a command lacks"), begin)
TYPED = _hidden("answer", N_("Take a typed answer"), answer)
FORM = _hidden("form", N_("Show a form, or take it filled in"), form, KEY)
COMMANDS = (
    Command(
        noun="cancel",
        description=N_("End a dialogue without changing anything"),
        run=stop,
        aliases=("abort",),
        examples=("/cancel",),
        who=Who.EVERYONE,
    ),
    BEGIN,
    TYPED,
    FORM,
    _hidden(
        "pick",
        N_("Take a pressed answer"),
        pick,
        KEY,
        Parameter(name="step", kind=Kind.INTEGER, description=N_("Which question"), required=True, low=0),
        Parameter(name="value", kind=Kind.TEXT, description=N_("The answer"), required=True),
    ),
    _hidden("back", N_("Go back by a question"), back, KEY),
    _hidden("stop", N_("End a dialogue"), stop, KEY),
)
