"""Answer `/channels remove`: forget a channel of one's own and its address, once confirmed."""

from sqlalchemy.orm import Session

from bot.commands import ids
from bot.commands.channel_parts import WHICH
from bot.commands.channel_words import named
from bot.commands.channels import opened, unknown
from bot.commands.confirm import SURE, question
from bot.commands.context import Context
from bot.commands.reply import Reply, Tone
from bot.commands.spec import Call, Command, Kind, Parameter
from bot.lang import N_, _
from storage.channels import get_channel, remove_channel, rules_there
from storage.tables import OwnChannel


async def remove(ctx: Context, call: Call) -> Reply:
    """Ask whether a channel is to go; where that is sure already, remove it."""
    opened(ctx)
    owner, number = ctx.caller.user_id, call.whole("id")

    def read(session: Session) -> tuple[OwnChannel, int] | None:
        row = get_channel(session, owner, number)
        return None if row is None else (row, rules_there(session, owner, row))

    found = await ctx.services.state.read(read)
    if found is None:
        raise unknown(number)
    if call.flag("sure"):
        return await _remove(ctx, number)
    row, rules = found
    moved = (
        _("{rules} of your alerts go there; they would come here again. ").format(rules=rules)
        if rules
        else ""
    )
    return question(
        "channels remove",
        _("Remove {named}?").format(named=named(row)),
        _("{moved}Its address is deleted, and has to be proven anew to come back.").format(moved=moved),
        yes=(
            _("Yes, remove it"),
            ids.action("channels", "remove-now", str(number), f"{row.created_wall_ms:x}", edits=True),
        ),
        keep=ids.action("channels", "list", edits=True),
    )


async def remove_now(ctx: Context, call: Call) -> Reply:
    """Remove the channel that was asked about, after its owner said yes."""
    opened(ctx)
    return await _remove(ctx, call.whole("id"), call.text("made"))


async def _remove(ctx: Context, number: int, made: str = "") -> Reply:
    """Forget a channel; alerts that went there come to the user's chat again."""
    owner = ctx.caller.user_id

    def work(session: Session) -> tuple[OwnChannel, int] | None:
        row = get_channel(session, owner, number)
        if row is None or (made and f"{row.created_wall_ms:x}" != made):
            return None
        count = rules_there(session, owner, row)
        remove_channel(session, owner, number)
        return row, count

    done = await ctx.services.state.run(work)
    if done is None:
        raise unknown(number)
    gone, rules = done
    moved = _("{rules} of your alerts went there and come here again. ").format(rules=rules) if rules else ""
    return Reply(
        command="channels remove",
        title=_("Removed {named}").format(named=named(gone)),
        text=_("{moved}Its address is deleted.").format(moved=moved),
        tone=Tone.GOOD,
    )


COMMANDS = (
    Command(
        noun="channels",
        verb="remove",
        description=N_("Remove a channel of yours and its address for good"),
        run=remove,
        parameters=(WHICH, SURE),
        aliases=("channel remove", "channels rm", "channels delete"),
        examples=("/channels remove 2",),
    ),
    Command(
        noun="channels",
        verb="remove-now",
        description=N_("Remove a channel, once confirmed"),
        run=remove_now,
        parameters=(
            WHICH,
            Parameter(name="made", kind=Kind.TEXT, description=N_("When it was made"), required=True),
        ),
        button_only=True,
    ),
)
