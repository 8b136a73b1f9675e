"""Answer the Useful and Not useful buttons of an alert: keep what its owner thinks of it."""

from functools import partial

from bot.alerting.facts import fire_of
from bot.alerting.message import headline
from bot.commands import ids
from bot.commands.context import Context
from bot.commands.parts import rows
from bot.commands.reply import Button, Reply, Tone
from bot.commands.spec import Call, Command, Kind, Parameter
from bot.lang import N_, _
from engine.errors import UserError
from storage.labels import put_label

KEPT = N_(
    "It is kept with the alert, for judging later what matters to you. What you are sent stays as it is."
)


async def label(ctx: Context, call: Call, *, useful: bool) -> Reply:
    """Keep the word of the alert's owner; pressed again, the last word counts."""
    owner, alert_id = ctx.caller.user_id, call.text("alert")
    wall_ms = ctx.services.wall_ms()
    alert = await ctx.services.state.run(
        lambda session: put_label(session, owner, alert_id, useful=useful, wall_ms=wall_ms)
    )
    if alert is None:
        raise UserError(_("That alert is not yours, or it is gone."), example="/alert history")
    told = _("Noted as useful: {headline}") if useful else _("Noted as not useful: {headline}")
    other = "useless" if useful else "useful"
    change = Button(
        label=_("Not useful") if useful else _("Useful"),
        action=ids.action("alert", other, alert_id, edits=True),
    )
    return Reply(
        command=call.command.name,
        title=told.format(headline=headline(fire_of(alert))),
        text=_(KEPT),
        buttons=rows([change, Button(label=_("Why?"), action=ids.action("alert", "why", alert_id))]),
        tone=Tone.GOOD,
    )


def _command(verb: str, description: str, *, useful: bool) -> Command:
    return Command(
        noun="alert",
        verb=verb,
        description=description,
        run=partial(label, useful=useful),
        parameters=(
            Parameter(name="alert", kind=Kind.TEXT, description=N_("Which alert it is about"), required=True),
        ),
        button_only=True,
    )


COMMANDS = (
    _command("useful", N_("Note that an alert was useful"), useful=True),
    _command("useless", N_("Note that an alert was not useful"), useful=False),
)
