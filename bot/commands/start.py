"""Answer `/start`: a welcome with three buttons, or what a deep link asks for."""

from bot.commands import ids
from bot.commands.context import Context
from bot.commands.parts import NOT_ADVICE, symbol_of
from bot.commands.reply import Button, Front, Reply
from bot.commands.spec import Call, Command, Kind, Parameter, Who
from bot.lang import N_, _
from bot.render import text

LINKS = frozenset(
    {
        "heatmap",
        "zones",
        "market",
        "symbols",
        "status",
        "help",
        "alert list",
        "alert add",
        "settings show",
        "data show",
        "channels list",
        "report list",
        "watch",
    }
)
"""What a deep link may ask for: nothing that changes or removes without another press, but a watch."""
PAYLOAD = Parameter(
    name="payload",
    kind=Kind.TEXT,
    description=N_("What a link asks for, such as heatmap_btc"),
    examples=("heatmap_btc", "settings_show"),
    fronts=frozenset({Front.TELEGRAM, Front.CONSOLE, Front.PANEL}),
)


async def show(ctx: Context, call: Call) -> Reply:
    """Welcome somebody, or run what the link that brought them asks for."""
    linked = _linked(ctx, call.text("payload"))
    if linked:
        return await ctx.run(linked)
    symbol = symbol_of(ctx, call)
    base = text.base(symbol)
    return Reply(
        command="start",
        title=_("Welcome to Liqwatch"),
        text=_(
            "I estimate where leveraged positions would be liquidated, draw it as a heatmap, and "
            "tell you when price comes near a dense zone.\n{not_advice}"
        ).format(not_advice=_(NOT_ADVICE)),
        buttons=(
            (
                Button(
                    label=_("{base} heatmap").format(base=base),
                    action=ids.action("heatmap", "", symbol),
                    style="primary",
                ),
                Button(label=_("Watch {base}").format(base=base), action=ids.action("watch", "", symbol)),
                Button(label=_("Help"), action=ids.action("help")),
            ),
            (
                Button(label=_("New alert"), action=ids.action("alert", "add")),
                Button(label=_("All markets"), action=ids.action("symbols")),
            ),
        ),
    )


def _linked(ctx: Context, payload: str) -> str:
    """Return the line that a payload stands for (`heatmap_btc_24h`), empty where it asks for nothing."""
    pieces = payload.replace("-", "_").split("_")
    for count in (2, 1):
        name = " ".join(pieces[:count]).lower()
        if name in LINKS and ctx.registry.find(name, ctx.caller.front):
            return " ".join([f"/{name}", *pieces[count:]])
    return ""


COMMANDS = (
    Command(
        noun="start",
        description=N_("Begin here: a first heatmap, a first watch, help"),
        run=show,
        parameters=(PAYLOAD,),
        aliases=("hello", "hi", "begin"),
        examples=("/start",),
        who=Who.EVERYONE,
    ),
)
