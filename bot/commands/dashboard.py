"""Answer `/dashboard …`: one message in a channel that is kept fresh."""

from bot.commands.context import Context
from bot.commands.reply import Reply, Tone
from bot.commands.report import added
from bot.commands.report_parts import FRESH, MARKET, REFRESH, WHERE, WINDOW, managed_server, spot_of
from bot.commands.spec import Call, Command, Who
from bot.lang import N_, _
from bot.render import text
from engine.errors import UserError
from engine.model import DAY_MS
from storage import reports
from storage.reports import DASHBOARD, EDIT, NewReport


async def on(ctx: Context, call: Call) -> Reply:
    """Keep a message with the picture and the figures of a market fresh; one stands in each place."""
    symbol = call.text("symbol")
    spot = await spot_of(ctx, call, f"/dashboard on {text.base(symbol).lower()} to=dm")
    new = NewReport(
        kind=DASHBOARD,
        symbol=symbol,
        window_ms=call.whole("window") or DAY_MS,
        every_s=FRESH[call.text("every")],
        at_min=0,
        to_channel=spot.channel,
        to_place=spot.place,
        post=EDIT,
        next_ms=ctx.now_ms,
        server_id=spot.server_id,
    )
    return await added(ctx, new)


async def off(ctx: Context, call: Call) -> Reply:
    """Keep the message of this place fresh no longer; it stays as it is."""
    caller, server = ctx.caller, managed_server(ctx)
    spot = await spot_of(ctx, call, "/dashboard off to=dm")
    place = (spot.channel, spot.place)
    gone = await ctx.services.state.run(
        lambda session: reports.remove_dashboard(session, caller.user_id, place, server)
    )
    if not gone:
        raise UserError(_("There is no dashboard here."), example="/dashboard on btc")
    return Reply(
        command="dashboard off",
        title=_("Dashboard off"),
        text=_("The message stays as it is."),
        tone=Tone.GOOD,
    )


COMMANDS = (
    Command(
        noun="dashboard",
        verb="on",
        description=N_("Keep one message with picture and figures fresh in this place"),
        run=on,
        parameters=(MARKET, REFRESH, WHERE, WINDOW),
        aliases=("dashboard",),
        examples=("/dashboard on btc", "/dashboard on eth every=15m"),
        who=Who.PLACE,
    ),
    Command(
        noun="dashboard",
        verb="off",
        description=N_("Keep the dashboard of this place fresh no longer"),
        run=off,
        parameters=(WHERE,),
        examples=("/dashboard off",),
        who=Who.PLACE,
    ),
)
