"""Make Discord's slash commands of the registry: typed options, choices, autocomplete."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import discord
from discord import app_commands

from bot.commands.registry import Registry
from bot.commands.reply import Front
from bot.commands.spec import OPERATORS, Command, Kind, Parameter
from bot.commands.values import MAX_WORDS

Run = Callable[[discord.Interaction, Command, Mapping[str, str]], Awaitable[None]]
"""Answer a slash command whose options were typed; values are text, as typed on the other fronts."""
Suggest = Callable[[discord.Interaction, Command, Parameter, str], Awaitable[list[tuple[str, str]]]]
"""Return (label, value) for one option while somebody types it."""
SlashCommand = app_commands.Command[Any, ..., None]

MAX_TEXT = 200
MAX_NAME = 100
INSTALLS = app_commands.AppInstallationType(guild=True, user=True)
CONTEXTS = app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=True)
OWN = app_commands.AppCommandContext(guild=False, dm_channel=True, private_channel=False)
"""Where operators' commands are shown: in direct messages with the bot alone."""
NUMBERS = (Kind.NUMBER, Kind.PRICE, Kind.LEVERAGE)


def commands_of(
    registry: Registry, run: Run, suggest: Suggest, *, replaying: bool
) -> list[SlashCommand | app_commands.Group]:
    """Return the slash commands; those of one noun with several verbs are a group."""
    made: dict[str, SlashCommand | app_commands.Group] = {}
    for found in registry.on(Front.DISCORD, replaying=replaying):
        command = found.on(Front.DISCORD)
        if not command.verb:
            made[command.noun] = _slash(command, run, suggest)
            continue
        group = made.get(command.noun)
        if not isinstance(group, app_commands.Group):
            group = made[command.noun] = app_commands.Group(
                name=command.noun,
                description=_group_description(registry, command.noun),
                allowed_installs=INSTALLS,
                allowed_contexts=OWN if command.noun == OPERATORS else CONTEXTS,
            )
        group.add_command(_slash(command, run, suggest, grouped=True))
    return list(made.values())


def _group_description(registry: Registry, noun: str) -> str:
    verbs = [c.verb for c in registry.on(Front.DISCORD) if c.noun == noun and c.verb]
    return f"{noun.capitalize()}: {', '.join(verbs)}"[:MAX_NAME]


def _slash(command: Command, run: Run, suggest: Suggest, *, grouped: bool = False) -> SlashCommand:
    places = {f"option_{i}": parameter for i, parameter in enumerate(command.parameters)}

    async def callback(interaction: discord.Interaction, **options: object) -> None:
        given = {places[place].name: _text(v) for place, v in options.items() if v is not None}
        await run(interaction, command, given)

    _describe(callback, places)
    made: SlashCommand = app_commands.Command(
        name=command.verb if grouped else command.noun,
        description=command.description,
        callback=callback,
        allowed_installs=None if grouped else INSTALLS,
        allowed_contexts=None if grouped else CONTEXTS,
    )
    for place, parameter in places.items():
        if _completed(parameter):
            made.autocomplete(place)(_completer(command, parameter, suggest))
    return made


def _describe(callback: Callable[..., Any], places: Mapping[str, Parameter]) -> None:
    """Give a callback the signature and the notes from which the library reads a command's options."""
    first = inspect.Parameter(
        "interaction", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=discord.Interaction
    )
    notes: dict[str, object] = {
        "__signature__": inspect.Signature([first, *(_option(n, p) for n, p in places.items())]),
        "__discord_app_commands_param_rename__": {n: p.name for n, p in places.items()},
        "__discord_app_commands_param_description__": {n: p.description for n, p in places.items()},
        "__discord_app_commands_param_choices__": {
            n: [app_commands.Choice(name=c.label[:MAX_NAME], value=c.value) for c in p.offered()]
            for n, p in places.items()
            if p.kind is Kind.CHOICE
        },
    }
    for name, value in notes.items():
        setattr(callback, name, value)


def _option(place: str, parameter: Parameter) -> inspect.Parameter:
    default = inspect.Parameter.empty if parameter.required else None
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(place, kind, default=default, annotation=_annotation(parameter))


def _annotation(parameter: Parameter) -> Any:  # noqa: ANN401 - what the library reads an option's type from
    """Return the type of an option: a number only where no word may stand in its place."""
    if parameter.kind is Kind.BOOL:
        return bool
    if parameter.kind is Kind.CHOICE:
        return str
    if not parameter.words and parameter.kind is Kind.INTEGER:
        return app_commands.Range[int, _whole(parameter.low), _whole(parameter.high)]
    if not parameter.words and parameter.kind in NUMBERS:
        return app_commands.Range[float, parameter.low or 0.0, parameter.high]
    return app_commands.Range[str, 1, MAX_WORDS if parameter.kind is Kind.WORDS else MAX_TEXT]


def _whole(bound: float | None) -> int | None:
    return None if bound is None else int(bound)


def _completed(parameter: Parameter) -> bool:
    """Say whether an option is completed while it is typed: Discord allows that or fixed choices."""
    if parameter.kind in (Kind.BOOL, Kind.CHOICE):
        return False
    typed = bool(parameter.words) or parameter.kind not in (Kind.INTEGER, *NUMBERS)
    return typed and bool(parameter.suggest or parameter.words or parameter.examples)


def _completer(command: Command, parameter: Parameter, suggest: Suggest) -> Callable[..., Any]:
    async def complete(interaction: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
        found = await suggest(interaction, command, parameter, current)
        return [app_commands.Choice(name=label[:MAX_NAME], value=value[:MAX_NAME]) for label, value in found]

    return complete


def _text(value: object) -> str:
    """Return an option as it would be typed."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
