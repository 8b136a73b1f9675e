"""Answer `/admin …`: what whoever runs this installation looks at and does. Never from the web panel."""

import secrets
from collections.abc import Sequence

from sqlalchemy.orm import Session

from bot.commands import ids, words
from bot.commands.amounts import HOUR_MS, quoted
from bot.commands.confirm import SURE, question
from bot.commands.context import Context
from bot.commands.reply import Front, Reply, Table, Tone
from bot.commands.services import Office
from bot.commands.spec import OPERATORS, Call, Choice, Command, Handler, Kind, Parameter
from bot.lang import N_, _, ngettext
from engine.errors import UserError
from storage.letters import LETTERS, Wanted, find_deliveries, requeue, tally
from storage.notes import get_note, set_note
from storage.outbox import State

FRONTS = frozenset({Front.CONSOLE})
"""Where these commands always are; `offering` adds the chats in which an operator is named."""
SHOWN = 8
MAX_TOLD = 800
WAITING = "broadcast"
"""The note that keeps a message to everybody until it is confirmed."""
ALL = "all"


def _office(ctx: Context) -> Office:
    """Return what operators reach into. For anybody else there is no such command: raise UserError."""
    office = ctx.services.office
    if not ctx.operator:
        raise UserError(_("I do not know {command}.").format(command=quoted("/admin")), example="/help")
    if office is None:
        raise UserError(_("Nothing of this installation can be reached from here."), example="/status")
    return office


async def feeds(ctx: Context, call: Call) -> Reply:
    """Answer with how each venue and each part is, with the errors themselves."""
    _office(ctx)
    parts = [p for p in ctx.services.health() if not p.well]
    lines = [f"{p.name}: {p.state.value}, {p.restarts}×. {p.last_error or p.advice}" for p in parts]
    lines += list(ctx.services.faults())
    lag = _("Response of the loop: {lag} ms (99 of 100).").format(lag=f"{ctx.services.loop_lag_ms():.0f}")
    return Reply(
        command="admin feeds",
        title=_("Feeds"),
        text="\n".join([lag, *(lines or [_("Every part is well.")])]),
        table=Table(
            headings=(_("Venue"), _("State"), _("Last"), _("Messages"), _("Reconnects"), _("Detail")),
            rows=tuple(
                (
                    each.venue,
                    each.state.value,
                    ctx.age(each.last_event_ms) if each.last_event_ms else "–",
                    words.count(each.messages),
                    words.count(each.reconnects),
                    each.detail or "–",
                )
                for each in ctx.services.market.health()
            ),
            numeric=(_("Messages"), _("Reconnects")),
        ),
        tone=Tone.WARN if lines else Tone.GOOD,
    )


async def deliveries(ctx: Context, call: Call) -> Reply:
    """Answer with how many messages are in which state, and the ones that were lost; send them again."""
    _office(ctx)
    if call.has("again"):
        return await _again(ctx, call.text("again"))
    wanted = Wanted(states=_states(call.text("state")), channel=call.text("channel"), limit=SHOWN)
    since_ms = ctx.services.wall_ms() - 24 * HOUR_MS

    def read(session: Session) -> tuple[dict[tuple[str, str], int], list[tuple[str, ...]]]:
        rows = find_deliveries(session, wanted)
        told: list[tuple[str, ...]] = [
            (str(r.delivery_id), r.channel, r.state, r.severity, r.reason or "–") for r in rows
        ]
        return tally(session, since_wall_ms=since_ms), told

    counts, rows = await ctx.services.state.read(read)
    return Reply(
        command="admin deliveries",
        title=_("Messages of the last 24 hours"),
        text=_("/admin deliveries again=all sends once more what was lost, again=7 one of it."),
        fields=tuple((f"{channel} {state}", words.count(count)) for (channel, state), count in counts.items())
        or ((_("Messages"), words.count(0)),),
        table=Table(
            headings=(_("No."), _("Channel"), _("State"), _("Severity"), _("Why")),
            rows=tuple(rows),
            numeric=(_("No."),),
        )
        if rows
        else None,
    )


def _states(asked: str) -> Sequence[State]:
    """Return the states to list: the lost ones where none is named."""
    return (State(asked),) if asked else LETTERS


async def _again(ctx: Context, asked: str) -> Reply:
    """Have lost messages sent once more."""
    if asked != ALL and not asked.isdecimal():
        raise UserError(_("Say a number, or all."), example="/admin deliveries again=all")
    wall_ms = ctx.services.wall_ms()

    def work(session: Session) -> int:
        found = [r.delivery_id for r in find_deliveries(session, Wanted(limit=1_000))]
        numbers = found if asked == ALL else [int(asked)]
        return len(requeue(session, numbers, wall_ms=wall_ms)) if numbers else 0

    count = await ctx.services.state.run(work)
    told = ngettext("{count} message is sent once more", "{count} messages are sent once more", count)
    return Reply(command="admin deliveries", title=told.format(count=words.count(count)), tone=Tone.GOOD)


async def broadcast(ctx: Context, call: Call) -> Reply:
    """Ask whether a message is to go to everybody who has alerts; send it where that is sure already."""
    office, told = _office(ctx), call.text("text")
    if len(told) > MAX_TOLD:
        raise UserError(
            _("That is {count} characters; {most} is the most.").format(count=len(told), most=MAX_TOLD)
        )
    key = secrets.token_hex(6)
    if call.flag("sure"):
        return await _announce(ctx, office, told, key)
    await ctx.services.state.run(lambda s: set_note(s, WAITING, {"key": key, "text": told}))
    count = await office.audience()
    asked = ngettext("Send this to {count} user?", "Send this to {count} users?", count)
    return question(
        "admin broadcast",
        asked.format(count=words.count(count)),
        told,
        yes=(_("Send it"), ids.action("admin", "broadcast-now", key, edits=True)),
        keep=ids.action("admin", "feeds", edits=True),
    )


async def broadcast_now(ctx: Context, call: Call) -> Reply:
    """Send the message that was asked about, once."""
    office, key = _office(ctx), call.text("key")

    def take(session: Session) -> str:
        note = get_note(session, WAITING)
        if note is None or note["key"] != key:
            return ""
        set_note(session, WAITING, None)
        return str(note["text"])

    told = await ctx.services.state.run(take)
    if not told:
        raise UserError(_("That message was sent already, or another one took its place."))
    return await _announce(ctx, office, told, key)


async def _announce(ctx: Context, office: Office, told: str, key: str) -> Reply:
    count = await office.announce(told, f"broadcast {key}")
    title = ngettext("On its way to {count} user", "On its way to {count} users", count)
    return Reply(
        command="admin broadcast", title=title.format(count=words.count(count)), text=told, tone=Tone.GOOD
    )


async def reload(ctx: Context, call: Call) -> Reply:
    """Read the settings again: what can be is taken over at once, the rest is named."""
    done = await _office(ctx).reload()
    lines = [
        _("Taken over: {names}.").format(names=words.joined(list(done.applied))) if done.applied else "",
        _("After a restart: {names}.").format(names=words.joined(list(done.waiting))) if done.waiting else "",
        *done.problems,
    ]
    if done.problems:
        title = _("The settings are wrong: nothing was changed")
    else:
        title = _("Settings read again") if any(lines) else _("Nothing in the settings changed")
    return Reply(
        command="admin reload",
        title=title,
        text="\n".join(filter(None, lines)),
        tone=Tone.WARN if done.problems else Tone.GOOD,
    )


TEXT = Parameter(
    name="text",
    kind=Kind.WORDS,
    description=N_("What everybody who has alerts is told"),
    required=True,
)
STATE = Parameter(
    name="state",
    kind=Kind.CHOICE,
    description=N_("Which messages to list; those that were lost if left out"),
    choices=tuple(Choice(value=state.value, label=state.value.lower()) for state in State),
    named=True,
)
CHANNEL = Parameter(
    name="channel",
    kind=Kind.TEXT,
    description=N_("Of one channel only"),
    examples=("discord", "telegram", "email"),
    named=True,
)
AGAIN = Parameter(
    name="again",
    kind=Kind.TEXT,
    description=N_("Send a lost message once more, by its number, or all"),
    examples=("7", ALL),
    named=True,
)


def _command(verb: str, description: str, run: Handler, *parameters: Parameter, example: str) -> Command:
    return Command(
        noun=OPERATORS,
        verb=verb,
        description=description,
        run=run,
        parameters=parameters,
        examples=(example,),
        fronts=FRONTS,
    )


COMMANDS = (
    _command(
        "feeds", N_("For operators: how feeds and parts are, with errors"), feeds, example="/admin feeds"
    ),
    _command(
        "deliveries",
        N_("For operators: messages by state, and those that were lost"),
        deliveries,
        STATE,
        CHANNEL,
        AGAIN,
        example="/admin deliveries",
    ),
    _command(
        "broadcast",
        N_("For operators: tell everybody who has alerts something"),
        broadcast,
        TEXT,
        SURE,
        example="/admin broadcast We restart at noon",
    ),
    _command("reload", N_("For operators: read the settings again"), reload, example="/admin reload"),
    Command(
        noun=OPERATORS,
        verb="broadcast-now",
        description="Send the message, once confirmed",
        run=broadcast_now,
        parameters=(Parameter(name="key", kind=Kind.TEXT, description="Which message", required=True),),
        fronts=FRONTS,
        button_only=True,
    ),
)
