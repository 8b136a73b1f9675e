"""Answer `/setup …`: what a server or group has set, setting it by buttons or typing, what I lack there."""

import re
from collections.abc import Sequence

from sqlalchemy.orm import Session

from bot.commands import ids
from bot.commands.context import Context
from bot.commands.grounds import Finding, Named
from bot.commands.parts import rows
from bot.commands.reply import Button, Reply, Tone
from bot.commands.server import EVERYONE, MANAGERS, ServerPrefs, managed
from bot.commands.setup_fields import NONE, PARAMETERS, STEPS, Step, steps_on, told
from bot.commands.spec import CHAT_FRONTS, Call, Choice, Command, Kind, Parameter, Value, Who
from bot.lang import N_, _
from engine.errors import UserError
from storage import servers

RESET = "default"
_MENTION = re.compile(r"<(?:#|@&)(\d{1,20})>")
STORED = {"who": "may_add", "ping": "ping_role"}
"""Names in the store where they differ from what is typed."""
WHERE = Parameter(
    name="channel",
    kind=Kind.TEXT,
    description=N_("Which channel to look at; here if left out"),
    words=("here",),
    examples=("here", "#alerts"),
)
STEP = Parameter(
    name="step",
    kind=Kind.CHOICE,
    description=N_("What to set"),
    choices=tuple(Choice(value=step.name, label=step.label) for step in STEPS),
    required=True,
)


async def show(ctx: Context, call: Call) -> Reply:
    """Answer with what is set, and a button for each thing that can be."""
    prefs = await managed(ctx, "/settings show")
    return _overview(ctx, prefs, _("Set me up here"), _("All of it works as it is. Press what to change."))


def _overview(ctx: Context, prefs: ServerPrefs, title: str, text: str, tone: Tone = Tone.PLAIN) -> Reply:
    steps, values = steps_on(ctx.caller.front), told(ctx, prefs)
    buttons = [
        Button(label=_(step.label), action=ids.action("setup", "step", step.name, edits=True))
        for step in steps
    ]
    check = Button(label=_("Check"), action=ids.action("setup", "check"), style="primary")
    return Reply(
        command="setup show",
        title=title,
        text=text,
        fields=tuple((_(step.label), values[step.name]) for step in steps),
        buttons=rows([*buttons, check], 4),
        tone=tone,
    )


async def step(ctx: Context, call: Call) -> Reply:
    """Ask for one thing, with what is chosen most often as buttons."""
    prefs = await managed(ctx, "/settings show")
    found = next(each for each in STEPS if each.name == call.text("step"))
    now = told(ctx, prefs)[found.name]
    typed = _("Now: {now}.\nAnything else is typed: {line}").format(now=now, line=found.typed)
    back = Button(label=_("Back"), action=ids.action("setup", "show", edits=True))
    return Reply(
        command="setup step",
        title=_(found.question),
        text=typed,
        buttons=(*rows(_choices(ctx, found), 4), (back,)),
    )


def _choices(ctx: Context, found: Step) -> list[Button]:
    return [
        Button(label=label, action=ids.action("setup", "set", f"{found.name}={value}", edits=True))
        for value, label in found.choices(ctx)
    ]


async def change(ctx: Context, call: Call) -> Reply:
    """Set what was given, and show all as it stands now; where a channel is set, what is missing there."""
    await managed(ctx, "/settings set tz=Europe/Berlin")
    if not call.given:
        raise UserError(_("Say what to set."), example="/setup set channel=here tz=Europe/Berlin")
    changes = {STORED.get(name, name): _stored(ctx, name, call.values[name]) for name in call.given}
    server, wall_ms = ctx.caller.server, ctx.services.wall_ms()
    channel = changes.get("channel")
    known = [each.key for each in _ground(ctx, "channels")] or [ctx.caller.place.partition("/")[0]]

    def work(session: Session) -> dict[str, object]:
        kept = servers.set_server(session, server, changes, wall_ms=wall_ms)
        servers.adopt(session, server, ctx.caller.front.value, known, wall_ms=wall_ms)
        if isinstance(channel, str):
            place = (ctx.caller.front.value, channel)
            servers.note_place(session, server, place, wall_ms=wall_ms)
        return kept

    prefs = ServerPrefs.of(await ctx.services.state.run(work))
    missing = await _missing(ctx, prefs) if {"channel", "ping"} & call.given else ""
    tone = Tone.WARN if missing else Tone.GOOD
    return _overview(ctx, prefs, _("Saved"), missing or _("What is set holds from now on."), tone)


def _stored(ctx: Context, name: str, value: Value) -> object:
    """Return a setting as JSON; None puts it back. Raises UserError for names that mean nothing here."""
    if value in (RESET, NONE):
        return None
    if name == "quiet":
        return "" if value == "off" else value
    if name == "channel":
        return _place(ctx, str(value))
    if name == "ping":
        return _role(ctx, str(value), "/setup set ping=@Traders")
    if name == "who" and value not in (MANAGERS, EVERYONE):
        return _role(ctx, str(value), "/setup set who=everyone")
    return value


def _place(ctx: Context, typed: str) -> str:
    """Return the place that somebody means by here, a mention, a number or a name."""
    if typed.lower() == "here":
        return ctx.caller.place
    found = _known(_ground(ctx, "channels"), typed, "#")
    if found is None:
        raise UserError(
            _("I see no channel {name} here.").format(name=typed[:50]), example="/setup set channel=here"
        )
    return found


def _role(ctx: Context, typed: str, example: str) -> str:
    found = _known(_ground(ctx, "roles"), typed, "@")
    if found is None:
        told_ = _("I see no role {name} here; everyone together is never called.")
        raise UserError(told_.format(name=typed[:50]), example=example)
    return found


def _known(found: Sequence[Named], typed: str, mark: str) -> str | None:
    """Return the id of what somebody means: one that is known by that mention, number or name."""
    mention = _MENTION.fullmatch(typed.strip())
    plain = mention[1] if mention else typed.strip().removeprefix(mark)
    by_name = {each.title.casefold(): each.key for each in found}
    keys = {each.key for each in found}
    return plain if plain in keys else by_name.get(plain.casefold())


def _ground(ctx: Context, what: str) -> Sequence[Named]:
    ground = ctx.services.grounds.get(ctx.caller.front.value)
    if ground is None:
        return ()
    server = ctx.caller.server
    return ground.channels(server) if what == "channels" else ground.roles(server)


async def check(ctx: Context, call: Call) -> Reply:
    """Answer with what I may do in a place, and how to give me what I lack."""
    prefs = await managed(ctx, "/status")
    place = ctx.caller.place
    if call.text("channel"):
        place = _place(ctx, call.text("channel"))
    elif prefs.channel:
        place = prefs.channel
    found = await _findings(ctx, place, prefs.ping_role)
    lacks = [each for each in found if not each.has and each.needed]
    lines = [f"{'✓' if each.has else '✗' if each.needed else '–'} {_said(each)}" for each in found]
    title = _("Something is missing there") if lacks else _("All is well there")
    return Reply(
        command="setup check",
        title=title,
        text="\n".join(lines),
        buttons=rows([Button(label=_("Check again"), action=ids.action("setup", "check", edits=True))]),
        tone=Tone.WARN if lacks else Tone.GOOD,
    )


def _said(found: Finding) -> str:
    return found.name if found.has else f"{found.name}: {found.fix}"


async def _findings(ctx: Context, place: str, role: str) -> Sequence[Finding]:
    ground = ctx.services.grounds.get(ctx.caller.front.value)
    if ground is None:
        raise UserError(_("I cannot look at that here."), example="/status")
    return await ground.inspect(place, role=role)


async def _missing(ctx: Context, prefs: ServerPrefs) -> str:
    """Return in a few lines what I lack in the channel that is set, empty where that is nothing."""
    if not prefs.channel or ctx.caller.front.value not in ctx.services.grounds:
        return ""
    found = await _findings(ctx, prefs.channel, prefs.ping_role)
    lacks = [_said(each) for each in found if not each.has and each.needed]
    return "\n".join([_("Saved, but I cannot post there yet:"), *lacks]) if lacks else ""


COMMANDS = (
    Command(
        noun="setup",
        verb="show",
        description=N_("Set me up for this server or group: channel, pings, hours, budget"),
        run=show,
        aliases=("setup",),
        examples=("/setup show",),
        who=Who.PLACE,
        fronts=CHAT_FRONTS,
    ),
    Command(
        noun="setup",
        verb="set",
        description=N_("Set channel, pings, who may add, language, time zone, quiet hours or budget"),
        run=change,
        parameters=PARAMETERS,
        examples=("/setup set channel=here", "/setup set tz=Europe/Berlin quiet=22:00-07:00 budget=30"),
        who=Who.PLACE,
        fronts=CHAT_FRONTS,
    ),
    Command(
        noun="setup",
        verb="check",
        description=N_("Test what I may do in a channel, and say what is missing"),
        run=check,
        parameters=(WHERE,),
        examples=("/setup check",),
        who=Who.PLACE,
        fronts=CHAT_FRONTS,
    ),
    Command(
        noun="setup",
        verb="step",
        description=N_("Choose one thing to set up"),
        run=step,
        parameters=(STEP,),
        who=Who.PLACE,
        fronts=CHAT_FRONTS,
        button_only=True,
    ),
)
