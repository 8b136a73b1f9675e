"""Say what a server can set: each thing as a parameter, in words, and with what to choose from."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from bot.commands import words
from bot.commands.context import Context
from bot.commands.grounds import Named
from bot.commands.reply import Front
from bot.commands.server import EVERYONE, MANAGERS, ServerPrefs
from bot.commands.settings import MODES, QUIET, QUIET_MODE, TZ
from bot.commands.spec import Choice, Kind, Parameter
from bot.lang import LANGUAGES, N_, _

NONE = "none"
DISCORD = frozenset({Front.DISCORD})

CHANNEL = Parameter(
    name="channel",
    kind=Kind.TEXT,
    description=N_("Where to=channel posts: here, #a-channel, or none"),
    words=("here", NONE),
    examples=("here", "#alerts"),
    named=True,
)
WHO = Parameter(
    name="who",
    kind=Kind.TEXT,
    description=N_("Who may have alerts posted: managers, everyone, or on Discord a @role"),
    words=(MANAGERS, EVERYONE),
    examples=(MANAGERS, EVERYONE),
    aliases=("may_add",),
    named=True,
)
PING = Parameter(
    name="ping",
    kind=Kind.TEXT,
    description=N_("The one @role that critical alerts call, or none"),
    words=(NONE,),
    examples=("@Traders", NONE),
    aliases=("ping_role", "role"),
    fronts=DISCORD,
    named=True,
)
LANGUAGE = Parameter(
    name="language",
    kind=Kind.CHOICE,
    description=N_("The language of what is posted here"),
    choices=tuple(Choice(value=code, label=each.name) for code, each in LANGUAGES.items()),
    words=("default",),
    aliases=("lang",),
    named=True,
)
BUDGET = Parameter(
    name="budget",
    kind=Kind.INTEGER,
    description=N_("Most alert messages a day in this server, or none; criticals always pass"),
    low=1,
    high=1000,
    unit="messages",
    words=(NONE,),
    examples=("20", NONE),
    aliases=("daily_limit",),
    named=True,
)
SERVER_TZ = replace(TZ, description=N_("Time zone of what is posted here: Europe/Berlin, new york, UTC"))
SERVER_QUIET = replace(QUIET, description=N_("Quiet hours here, such as 22:00-07:00, or off"))
PARAMETERS = (CHANNEL, WHO, PING, LANGUAGE, SERVER_TZ, SERVER_QUIET, QUIET_MODE, BUDGET)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing to set up: its name as a parameter, what it is called, what is asked, what to choose from.

    `choices` gives (value, label) of the buttons; `typed` shows a line for whoever wants something else.
    """

    name: str
    label: str
    question: str
    choices: Callable[[Context], list[tuple[str, str]]]
    typed: str


def _plain(*values: str) -> Callable[[Context], list[tuple[str, str]]]:
    return lambda _ctx: [(value, value) for value in values]


def _channels(ctx: Context) -> list[tuple[str, str]]:
    return [("here", _("Here")), *_named(_ground(ctx, "channels"), "#"), (NONE, _("None"))]


def _roles(ctx: Context) -> list[tuple[str, str]]:
    return [(NONE, _("Nobody")), *_named(_ground(ctx, "roles"), "@")]


def _ground(ctx: Context, what: str) -> list[Named]:
    """Return the channels or roles of the caller's server, the first few."""
    ground = ctx.services.grounds.get(ctx.caller.front.value)
    if ground is None:
        return []
    found = ground.channels(ctx.caller.server) if what == "channels" else ground.roles(ctx.caller.server)
    return list(found)[:MOST_NAMED]


def _named(found: list[Named], mark: str) -> list[tuple[str, str]]:
    return [(each.key, f"{mark}{each.title}"[:MOST_LABEL]) for each in found]


MOST_NAMED, MOST_LABEL = 8, 24
ZONES = (
    "UTC",
    "Europe/London",
    "Europe/Berlin",
    "Europe/Istanbul",
    "Europe/Moscow",
    "Asia/Dubai",
    "Asia/Shanghai",
    "Asia/Tokyo",
    "America/New_York",
    "America/Sao_Paulo",
    "America/Los_Angeles",
)
HOURS = ("off", "22:00-07:00", "23:00-08:00", "00:00-09:00")
STEPS = (
    Step(
        name="channel",
        label=N_("Channel"),
        question=N_("Which channel do alerts and reports with to=channel go to?"),
        choices=_channels,
        typed="/setup set channel=#alerts",
    ),
    Step(
        name="who",
        label=N_("Who may add"),
        question=N_("Who may have alerts and reports posted here?"),
        choices=lambda _ctx: [(MANAGERS, _("Managers")), (EVERYONE, _("Everyone"))],
        typed="/setup set who=managers",
    ),
    Step(
        name="ping",
        label=N_("Pings"),
        question=N_("Which role do critical alerts call? Nobody else is ever called."),
        choices=_roles,
        typed="/setup set ping=@Traders",
    ),
    Step(
        name="language",
        label=N_("Language"),
        question=N_("Which language is posted here?"),
        choices=lambda _ctx: [(code, each.name) for code, each in LANGUAGES.items()],
        typed="/setup set language=en",
    ),
    Step(
        name="tz",
        label=N_("Time zone"),
        question=N_("Which time zone do posts here go by?"),
        choices=_plain(*ZONES),
        typed="/setup set tz=Europe/Madrid",
    ),
    Step(
        name="quiet",
        label=N_("Quiet hours"),
        question=N_("When is it quiet here? Critical alerts always pass."),
        choices=_plain(*HOURS),
        typed="/setup set quiet=21:00-06:30 quiet_mode=silent",
    ),
    Step(
        name="budget",
        label=N_("Budget"),
        question=N_("How many alert messages a day at most? Critical alerts always pass."),
        choices=lambda _ctx: [*((n, n) for n in ("10", "20", "50", "100")), (NONE, _("No limit"))],
        typed="/setup set budget=30",
    ),
)
"""What is set up, in the order in which it is shown."""


def steps_on(front: Front) -> list[Step]:
    """Return the steps that a front has."""
    missing = {parameter.name for parameter in PARAMETERS if front not in parameter.fronts}
    return [step for step in STEPS if step.name not in missing]


def told(ctx: Context, prefs: ServerPrefs) -> dict[str, str]:
    """Return every setting of a server in words, by the name of its step."""
    quiet = _("off")
    if prefs.quiet:
        quiet = f"{prefs.quiet.replace('-', ' – ')}, {_(MODES.get(prefs.quiet_mode, ''))}"
    language = LANGUAGES.get(prefs.language)
    return {
        "channel": _channel(ctx, prefs),
        "who": _who(ctx, prefs),
        "ping": _role(ctx, prefs.ping_role) if prefs.ping_role else _("nobody"),
        "language": language.name if language else _("that of whoever set the alert"),
        "tz": f"{prefs.tz}, {words.moment(ctx.now_ms, prefs.tz)}"
        if prefs.tz
        else _("that of whoever set it"),
        "quiet": quiet,
        "budget": _("{count} messages a day").format(count=prefs.budget) if prefs.budget else _("no limit"),
    }


def _channel(ctx: Context, prefs: ServerPrefs) -> str:
    if not prefs.channel:
        return _("none: to=here posts where it is said")
    known = {each.key: f"#{each.title}" for each in _all(ctx, "channels")}
    here = _("here") if prefs.channel == ctx.caller.place else prefs.channel
    return known.get(prefs.channel, here)


def _who(ctx: Context, prefs: ServerPrefs) -> str:
    names = {MANAGERS: _("managers"), EVERYONE: _("everyone")}
    return names.get(prefs.may_add) or _("managers, and {role}").format(role=_role(ctx, prefs.may_add))


def _role(ctx: Context, role: str) -> str:
    known = {each.key: f"@{each.title}" for each in _all(ctx, "roles")}
    return known.get(role, _("a role that is no more"))


def _all(ctx: Context, what: str) -> list[Named]:
    ground = ctx.services.grounds.get(ctx.caller.front.value)
    if ground is None:
        return []
    server = ctx.caller.server
    return list(ground.channels(server) if what == "channels" else ground.roles(server))
