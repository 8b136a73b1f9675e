"""Answer `/channels …`: ways to oneself beside the chat, each proven by a code before anything goes there."""

from bot.commands import ids, words
from bot.commands.channel_parts import (
    ADDRESS,
    CODE,
    KIND,
    LABEL,
    NONE,
    ORDER,
    SEVERITIES,
    WHICH,
    read_label,
    read_severities,
)
from bot.commands.channel_words import NAMES, named, severities
from bot.commands.context import Context
from bot.commands.parts import rows
from bot.commands.reply import Button, Front, Reply, Table, Tone
from bot.commands.services import OwnChannels
from bot.commands.spec import Call, Command, NotOnes
from bot.lang import N_, _
from engine.errors import UserError
from storage.channels import (
    MOST,
    ChannelChanges,
    change_channel,
    list_channels,
    usable,
)
from storage.tables import OwnChannel

ADD = "/channels add email me@example.org"


def opened(ctx: Context) -> OwnChannels:
    """Return what looks after channels. Raise UserError where others read along, or they are off."""
    if not ctx.caller.private and ctx.caller.front is Front.TELEGRAM:
        raise UserError(
            _("Your channels are yours alone: ask me in a private chat."), example="/channels list"
        )
    if ctx.services.channels is None:
        raise UserError(
            _(
                "Channels of your own are off here: addresses are kept encrypted, and whoever runs "
                "this Liqwatch has set no LIQWATCH_SECRET_KEY."
            )
        )
    return ctx.services.channels


async def listing(ctx: Context, call: Call) -> Reply:
    """Answer with the user's channels in their order, and how each is."""
    own, owner = opened(ctx), ctx.caller.user_id
    mine = await ctx.services.state.read(lambda session: list_channels(session, owner))
    if not mine:
        return Reply(
            command="channels list", title=_("No channels of your own yet"), text=f"{_offer(own)} {_order()}"
        )
    table = Table(
        headings=(_("No."), _("Channel"), _("Takes"), _("State"), _("Last success")),
        rows=tuple(_row(ctx, own, row) for row in mine),
        numeric=(_("No."),),
    )
    buttons = [
        Button(
            label=_("Test {channel_id}").format(channel_id=row.channel_id),
            action=ids.action("channels", "test", str(row.channel_id)),
        )
        for row in mine
        if row.verified_wall_ms is not None
    ]
    return Reply(
        command="channels list",
        title=_("Your channels, {count}/{most}").format(count=len(mine), most=MOST),
        text=_order(),
        table=table,
        buttons=rows(buttons[:5]),
    )


def _offer(own: OwnChannels) -> str:
    if not own.kinds:
        return _("None can be added here: whoever runs this Liqwatch has set up none.")
    kinds = words.joined([_(NAMES[kind]).lower() for kind in own.kinds], last="or")
    return _("You can add {kinds}, for example {add}.").format(kinds=kinds, add=ADD)


def _order() -> str:
    return _(
        "A critical goes to all of them that take it; anything else where its alert says, "
        "and to the next one only if that fails."
    )


def _row(ctx: Context, own: OwnChannels, row: OwnChannel) -> tuple[str, ...]:
    last = _ago(ctx, row.ok_wall_ms) if row.ok_wall_ms else _("never")
    shown = f"{_(NAMES.get(row.kind, row.kind))} {own.shown(row)}"
    return (
        str(row.channel_id),
        f"{shown} ({row.label})" if row.label else shown,
        severities(row),
        state(ctx, own, row),
        last,
    )


def state(ctx: Context, own: OwnChannels, row: OwnChannel) -> str:
    """Return how a channel is: on, off and why, or what it waits for."""
    if row.verified_wall_ms is None:
        return _("waits for its code")
    if row.off_reason:
        return _("off: {why}").format(why=_(row.off_reason))
    if row.kind not in own.kinds:
        return _("not set up here any more")
    if row.failed_wall_ms and row.failed_wall_ms > (row.ok_wall_ms or 0):
        return _("on; failed {ago}: {failed_reason}").format(
            ago=_ago(ctx, row.failed_wall_ms), failed_reason=_(row.failed_reason)
        )
    return _("on")


def _ago(ctx: Context, wall_ms: int) -> str:
    return words.ago(max(0, ctx.services.wall_ms() - wall_ms))


async def add(ctx: Context, call: Call) -> Reply:
    """Keep an address, and send a code there that proves whose it is."""
    own, kind = opened(ctx), call.text("kind")
    if kind not in own.kinds:
        raise UserError(
            _("{kind} cannot be added here. {offer}").format(kind=_(NAMES[kind]), offer=_offer(own))
        )
    added = await own.add(ctx.caller.user_id, kind, call.text("address"))
    row = added.row
    if added.known:
        return Reply(
            command="channels add",
            title=_("You have that already: {named}").format(named=named(row)),
            text=_("It is {state}.").format(state=state(ctx, own, row)),
            buttons=rows([_test(row)]),
        )
    secret = ((_("Secret, shown this once"), added.secret),) if added.secret else ()
    on_its_way = _("A code of eight digits is on its way to {address}; it works for 10 minutes.")
    checks = _("Check the signature of each request with the secret; docs/channels.md says how.")
    then = _("Then say /channels verify and the code.")
    return Reply(
        command="channels add",
        title=_("{named} waits for its code").format(named=named(row)),
        text=" ".join([on_its_way.format(address=own.shown(row)), *([checks] if secret else []), then]),
        fields=secret,
        tone=Tone.GOOD,
    )


def _test(row: OwnChannel) -> Button:
    return Button(label=_("Test"), action=ids.action("channels", "test", str(row.channel_id)))


async def verify(ctx: Context, call: Call) -> Reply:
    """Turn a channel on with the code that came there."""
    own = opened(ctx)
    row = await own.verify(ctx.caller.user_id, call.text("code"))
    number = row.channel_id
    return Reply(
        command="channels verify",
        title=_("{named} is yours, and on").format(named=named(row)),
        text=_(
            "Criticals go there from now on. /watch btc to={number} sends all of an alert there; "
            "/channels set {number} severities=critical,warning says what it takes."
        ).format(number=number),
        buttons=rows([_test(row)]),
        tone=Tone.GOOD,
    )


async def test(ctx: Context, call: Call) -> Reply:
    """Send a test message to one channel now, and say whether it arrived."""
    row = await opened(ctx).test(ctx.caller.user_id, call.whole("id"))
    return Reply(
        command="channels test",
        title=_("{named} took a test message").format(named=named(row)),
        text=_("It is on.") if usable(row) else "",
        tone=Tone.GOOD,
    )


async def change(ctx: Context, call: Call) -> Reply:
    """Set what a channel takes, its place in the order, its label."""
    own, owner, number = opened(ctx), ctx.caller.user_id, call.whole("id")
    changes = ChannelChanges()
    if call.has("severities"):
        changes["severities"] = read_severities(call.text("severities"))
    if call.has("order"):
        changes["position"] = call.whole("order")
    if call.has("label"):
        changes["label"] = read_label(call.text("label"))
    if not changes:
        raise UserError(
            _("Say what to set: severities, order or label."),
            example=f"/channels set {number} severities=critical,warning",
        )
    row = await ctx.services.state.run(lambda s: change_channel(s, owner, number, **changes))
    if row is None:
        raise unknown(number)
    told = {"severities": severities(row), "order": str(row.position), "label": row.label or NONE}
    return Reply(
        command="channels set",
        title=_("Changed {named}").format(named=named(row)),
        text=_("It is {state}.").format(state=state(ctx, own, row)),
        fields=tuple((name, told[name]) for name in told if call.has(name)),
        tone=Tone.GOOD,
    )


def unknown(number: int) -> UserError:
    """Return the refusal of a number that is not one of the user's, whoever else's it may be."""
    return NotOnes(_("You have no channel {number}.").format(number=number), example="/channels list")


COMMANDS = (
    Command(
        noun="channels",
        verb="list",
        description=N_("List your own channels: e-mail, webhooks and others, and how each is"),
        run=listing,
        aliases=("channels", "channel", "channel list"),
        examples=("/channels list",),
    ),
    Command(
        noun="channels",
        verb="add",
        description=N_("Add an e-mail address, a webhook or another service; a code goes there"),
        run=add,
        parameters=(KIND, ADDRESS),
        aliases=("channel add",),
        examples=(ADD, "/channels add webhook https://hooks.example.org/liqwatch"),
    ),
    Command(
        noun="channels",
        verb="verify",
        description=N_("Turn a channel on with the code that came there"),
        run=verify,
        parameters=(CODE,),
        aliases=("channel verify", "verify"),
        examples=("/channels verify 12345678",),
    ),
    Command(
        noun="channels",
        verb="test",
        description=N_("Send a test message to a channel of yours; one that was off is on if it arrives"),
        run=test,
        parameters=(WHICH,),
        aliases=("channel test",),
        examples=("/channels test 2",),
    ),
    Command(
        noun="channels",
        verb="set",
        description=N_("Say which severities a channel takes, its place in the order, its label"),
        run=change,
        parameters=(WHICH, SEVERITIES, ORDER, LABEL),
        aliases=("channel set",),
        examples=("/channels set 2 severities=critical,warning", "/channels set 2 order=1 label=phone"),
    ),
)
