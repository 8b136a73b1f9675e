"""Change settings by buttons: what is changed most, each with what is chosen most often."""

from dataclasses import replace

from bot.commands import ids, settings
from bot.commands.context import Context
from bot.commands.parts import rows
from bot.commands.reply import Button, Reply
from bot.commands.setup_fields import HOURS, ZONES
from bot.commands.spec import Call, Choice, Command, Handler, Kind, Parameter
from bot.lang import LANGUAGES, N_, SHIPPED, _, pgettext, speech

PICKS = ("tz", "language", "quiet", "daily_limit", "palette", "theme")
LIMITS = ("10", "20", "50", "100")
WHAT = Parameter(
    name="what",
    kind=Kind.CHOICE,
    description=N_("What to set"),
    choices=tuple(Choice(value=name, label=name) for name in PICKS),
    required=True,
)


def _label(name: str) -> str:
    """Return what the button of a setting says."""
    told = {
        "tz": _("Time zone"),
        "language": _("Language"),
        "quiet": _("Quiet hours"),
        "daily_limit": pgettext("setting", "daily limit"),
        "palette": pgettext("setting", "palette"),
        "theme": pgettext("setting", "theme"),
    }
    return speech().begun(told[name])


def _choices(parameter: Parameter) -> list[tuple[str, str]]:
    """Return (value, label) of what can be chosen by a button."""
    plain: dict[str, tuple[str, ...]] = {"tz": ZONES, "quiet": HOURS, "daily_limit": LIMITS}
    if parameter.name == "language":
        return [(code, LANGUAGES[code].name) for code in SHIPPED]
    return [(value, value) for value in plain.get(parameter.name) or parameter.choice_values()]


async def show(ctx: Context, call: Call) -> Reply:
    """Answer with everything that can be set, and a button for each thing that is changed most."""
    reply = await settings.show(ctx, call)
    buttons = [
        Button(label=_label(name), action=ids.action("settings", "step", name, edits=True)) for name in PICKS
    ]
    return replace(reply, buttons=rows(buttons, 3))


async def step(ctx: Context, call: Call) -> Reply:
    """Ask for one setting, with what is chosen most often as buttons."""
    parameter = next(p for p in settings.PARAMETERS if p.name == call.text("what"))
    now = settings.describe(ctx, ctx.prefs)[parameter.name]
    value = parameter.examples[0] if parameter.examples else parameter.choice_values()[0]
    line = f"/settings set {parameter.name}={value}"
    choices = [
        Button(label=label, action=ids.action("settings", "set", f"{parameter.name}={value}", edits=True))
        for value, label in _choices(parameter)
    ]
    return Reply(
        command="settings step",
        title=_(parameter.description),
        text=_("Now: {now}.\nAnything else is typed: {line}").format(now=now, line=line),
        buttons=(*rows(choices, 4), (_back(_("Back")),)),
    )


async def change(ctx: Context, call: Call) -> Reply:
    """Set what was given, repeat it in full words, and lead back to the others."""
    reply = await settings.change(ctx, call)
    return replace(reply, buttons=((_back(_("Settings")),),))


def _back(label: str) -> Button:
    return Button(label=label, action=ids.action("settings", "show", edits=True))


_RUN: dict[str, Handler] = {"show": show, "set": change}
COMMANDS = (
    *(replace(command, run=_RUN[command.verb]) for command in settings.COMMANDS),
    Command(
        noun="settings",
        verb="step",
        description=N_("Choose one setting to change"),
        run=step,
        parameters=(WHAT,),
        button_only=True,
    ),
)
