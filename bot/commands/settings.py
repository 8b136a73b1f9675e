"""Answer `/settings …`: what one has set, and setting it."""

from collections.abc import Mapping
from dataclasses import replace

from bot.commands import words
from bot.commands.context import Context
from bot.commands.parts import SYMBOL
from bot.commands.pictures import LAYOUT
from bot.commands.prefs import Prefs
from bot.commands.reply import Reply, Tone
from bot.commands.spec import Call, Choice, Command, Kind, Parameter, Provider, Value
from bot.commands.watch import COOLDOWN, WITHIN
from bot.lang import LANGUAGES, N_, SHIPPED, _, learned, ngettext, pgettext, said, settle, speech
from bot.lang.choice import language_of
from bot.render import text
from engine.errors import UserError
from engine.model import Severity, UserId
from storage.users import set_settings

RESET = "default"
MODES = {
    "hold": N_("held until they end, then sent if still true"),
    "silent": N_("sent without a sound"),
    "drop": N_("not sent"),
}
SHAPES = {"auto": N_("what suits where you are"), "landscape": N_("landscape"), "portrait": N_("portrait")}

THEMES = {"dark": N_("dark"), "light": N_("light")}


def _labels(table: Mapping[str, str]) -> tuple[Choice, ...]:
    return tuple(Choice(value=value, label=value) for value in table)


TZ = Parameter(
    name="tz",
    kind=Kind.TIME_ZONE,
    description=N_("Your time zone, by city: Europe/Berlin, new york, UTC"),
    words=(RESET,),
    examples=("Europe/Berlin", "America/New_York"),
    suggest=Provider.TIME_ZONES,
    aliases=("timezone", "time_zone", "zone"),
)
QUIET = Parameter(
    name="quiet",
    kind=Kind.HOURS,
    description=N_("Quiet hours in your time zone, such as 22:00-07:00, or off"),
    words=("off", RESET),
    examples=("22:00-07:00", "off"),
    aliases=("quiet_hours", "dnd"),
)
QUIET_MODE = Parameter(
    name="quiet_mode",
    kind=Kind.CHOICE,
    description=N_("What quiet hours do with warnings: hold, silent or drop; criticals always pass"),
    choices=_labels(MODES),
    words=(RESET,),
    examples=("hold",),
)
LIMIT = Parameter(
    name="daily_limit",
    kind=Kind.INTEGER,
    description=N_("Most alert messages a day, counted from midnight UTC; criticals always pass"),
    low=1,
    high=200,
    unit="messages",
    words=(RESET,),
    examples=("20",),
    aliases=("limit",),
)
DIGEST = Parameter(
    name="digest",
    kind=Kind.TIMES,
    description=N_("When the digest of lesser alerts comes, such as 08:00,20:00, or off"),
    words=("off", RESET),
    examples=("08:00,20:00", "9am"),
    aliases=("digest_times",),
)


def _step(severity: str, example: str) -> Parameter:
    """Return the distance at which one severity of new watches begins."""
    return Parameter(
        name=severity,
        kind=Kind.PERCENT,
        description=said(
            "Distance from a zone at which new watches tell you of it as {severity}, or off",
            severity=severity,
        ),
        low=0.001,
        high=0.06,
        unit="% of price",
        words=("off", RESET),
        examples=(example, "off"),
        named=True,
    )


STEPS = (_step("critical", "0.5%"), _step("warning", "2%"), _step("info", "5%"))
PALETTE = Parameter(
    name="palette",
    kind=Kind.CHOICE,
    description=N_("Colours of the pictures"),
    choices=_labels(dict.fromkeys(("inferno", "viridis", "cividis"), "")),
    words=(RESET,),
)
THEME = Parameter(
    name="theme",
    kind=Kind.CHOICE,
    description=N_("Dark or light pictures"),
    choices=_labels(dict.fromkeys(("dark", "light"), "")),
    words=(RESET,),
)
LANGUAGE = Parameter(
    name="language",
    kind=Kind.CHOICE,
    description=N_("Language of answers and of alerts to you"),
    choices=tuple(Choice(value=code, label=LANGUAGES[code].name) for code in SHIPPED),
    words=(RESET,),
    examples=("en",),
    aliases=("lang",),
)
PARAMETERS = (
    TZ,
    LANGUAGE,
    QUIET,
    QUIET_MODE,
    LIMIT,
    replace(COOLDOWN, words=(RESET,)),
    DIGEST,
    replace(WITHIN, words=(RESET,)),
    *STEPS,
    PALETTE,
    THEME,
    replace(LAYOUT, words=(RESET,)),
    replace(SYMBOL, words=(RESET,), description=N_("Your default market, used where you name none")),
)
SEVERITIES = tuple(step.name for step in STEPS)
STORED = {"cooldown": "cooldown_s", "digest": "digest_times"}
"""Names in the store where they differ from what is typed."""


async def show(ctx: Context, call: Call) -> Reply:
    """Answer with everything that can be set, as it stands."""
    return Reply(
        command="settings show",
        title=_("Your settings"),
        fields=tuple(
            (_label(name), told) for name, told in describe(ctx, ctx.prefs).items() if name not in SEVERITIES
        ),
        text=_("Change one with /settings set, for example /settings set tz=Europe/Berlin quiet=22:00-07:00"),
    )


async def change(ctx: Context, call: Call) -> Reply:
    """Set what was given, and repeat it in full words."""
    if not call.given:
        raise UserError(_("Say what to set."), example="/settings set tz=Europe/Berlin quiet=22:00-07:00")
    changes = {STORED.get(name, name): _stored(name, call.values[name]) for name in call.given}
    if call.has("within"):
        changes = {step.name: None for step in STEPS} | changes
    _fitting(ctx, call)
    owner: UserId = ctx.caller.user_id
    wall_ms = ctx.services.wall_ms()
    kept = await ctx.services.state.run(
        lambda session: set_settings(session, owner, changes, wall_ms=wall_ms)
    )
    await ctx.services.alerting.settings_changed(owner)
    prefs = Prefs.of(kept, ctx.services.defaults)
    if call.has("language"):
        settle(await learned(language_of(kept, heard=ctx.caller.language, default=speech().code)))
    told = describe(ctx, prefs)
    names = [p.name for p in PARAMETERS if p.name in call.given]
    return Reply(
        command="settings set",
        title=_("Saved"),
        fields=tuple((_label(name), told[name]) for name in names),
        text=_note(prefs, call),
        tone=Tone.GOOD,
    )


def _fitting(ctx: Context, call: Call) -> None:
    """Raise UserError where distances would not go from critical to info, or none would be left."""
    if not any(call.has(step.name) for step in STEPS):
        return
    given = {s.name: _stored(s.name, call.values[s.name]) for s in STEPS if call.has(s.name)}
    base = Prefs.of({}, ctx.services.defaults)
    own = {name: getattr(base if value is None else ctx.prefs, name) for name, value in given.items()}
    made = replace(ctx.prefs, **(own | {name: value for name, value in given.items() if value is not None}))
    found = list(made.steps().values())
    example = "/settings set critical=0.5% warning=2% info=5%"
    if not found:
        raise UserError(_("One distance has to be left; /unwatch all ends all watches."), example=example)
    if found != sorted(found):
        raise UserError(
            _("What is worse has to be nearer: critical, then warning, then info."), example=example
        )


def _note(prefs: Prefs, call: Call) -> str:
    """Return what else follows from a change, empty where nothing does."""
    if call.has("quiet") and prefs.quiet and not prefs.tz:
        return _("These hours are in UTC until you set your time zone: /settings set tz=Europe/Berlin")
    if call.given & {"within", "cooldown", *SEVERITIES}:
        return _("This holds for alerts you add from now on; say /watch again to change one you have.")
    if call.has("palette") and prefs.theme == "light":
        return _(
            "Light pictures have colours of their own; /settings set theme=dark brings this palette back."
        )
    return ""


def _stored(name: str, value: Value) -> object:
    """Return a setting as JSON; None puts it back to its default."""
    if value == RESET:
        return None
    if name in SEVERITIES and value == "off":
        return 0.0
    if name == "cooldown" and isinstance(value, int):
        return value // 1000
    if name in ("quiet", "digest") and value == "off":
        return "" if name == "quiet" else []
    return list(value) if isinstance(value, tuple) else value


def _label(name: str) -> str:
    """Return what stands before a setting: its name, which is what is typed, where no other is in use."""
    told = {
        "tz": pgettext("setting", "tz"),
        "language": pgettext("setting", "language"),
        "quiet": pgettext("setting", "quiet"),
        "quiet_mode": pgettext("setting", "quiet mode"),
        "daily_limit": pgettext("setting", "daily limit"),
        "cooldown": pgettext("setting", "cooldown"),
        "digest": pgettext("setting", "digest"),
        "within": pgettext("setting", "within"),
        "palette": pgettext("setting", "palette"),
        "theme": pgettext("setting", "theme"),
        "layout": pgettext("setting", "layout"),
        "symbol": pgettext("setting", "symbol"),
    }
    return told.get(name) or words.severity(name)


def describe(ctx: Context, prefs: Prefs) -> dict[str, str]:
    """Return every setting in words, by the name it is set with."""
    tz = prefs.tz or ctx.caller.tz or "UTC"
    steps = prefs.steps()
    return {
        "tz": _("{tz}, where it is {moment}").format(tz=tz, moment=words.moment(ctx.now_ms, tz)),
        "language": LANGUAGES[speech().code].name,
        "quiet": _quiet_told(prefs, tz),
        "quiet_mode": _("{mode}: warnings are {what}; criticals pass").format(
            mode=prefs.quiet_mode, what=_(MODES.get(prefs.quiet_mode, ""))
        ),
        "daily_limit": ngettext(
            "{count} message a day, from midnight UTC",
            "{count} messages a day, from midnight UTC",
            prefs.daily_limit,
        ).format(count=prefs.daily_limit),
        "cooldown": _("{duration} for the same zone").format(
            duration=words.duration(prefs.cooldown_s * 1000)
        ),
        "digest": f"{words.joined(list(prefs.digest_times))} ({tz})" if prefs.digest_times else _("off"),
        "within": ", ".join(
            _("{severity} within {percent}").format(
                severity=words.severity(severity), percent=words.percent(share)
            )
            for severity, share in steps.items()
        ),
        **{name: _step_told(prefs, name) for name in SEVERITIES},
        "palette": prefs.palette,
        "theme": _(THEMES.get(prefs.theme, prefs.theme)),
        "layout": _(SHAPES.get(prefs.layout, prefs.layout)),
        "symbol": text.base(prefs.symbol) if prefs.symbol else _("the first market"),
    }


def _quiet_told(prefs: Prefs, tz: str) -> str:
    """Return the quiet hours in words."""
    if not prefs.quiet:
        return _("off")
    begin, _dash, end = prefs.quiet.partition("-")
    return _("{begin} to {end} ({tz})").format(begin=begin, end=end, tz=tz)


def _step_told(prefs: Prefs, name: str) -> str:
    """Return at which distance a severity of new watches begins."""
    share = prefs.steps().get(Severity(name))
    return _("off") if share is None else _("within {percent}").format(percent=words.percent(share))


COMMANDS = (
    Command(
        noun="settings",
        verb="show",
        description=N_("Show your time zone, quiet hours, limits and looks"),
        run=show,
        aliases=("settings", "setting", "config", "prefs"),
        examples=("/settings show",),
    ),
    Command(
        noun="settings",
        verb="set",
        description=N_("Set language, time zone, quiet hours, limits, distances, looks or default market"),
        run=change,
        parameters=PARAMETERS,
        aliases=("set",),
        examples=(
            "/settings set tz=Europe/Berlin quiet=22:00-07:00",
            "/settings set within=1%,2%,4% cooldown=2h",
            "/settings set quiet=off daily_limit=20",
            "/settings set critical=0.5% warning=2% info=off",
        ),
    ),
)
