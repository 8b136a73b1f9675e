"""Describe every command in plain data: for the panel's completion, for docs, for whatever reads JSON."""

from typing import TypedDict

from bot.commands import values
from bot.commands.registry import Registry
from bot.commands.reply import Front
from bot.commands.spec import Command, Cost, Parameter, Visibility


class ParameterEntry(TypedDict):
    """One parameter: `default` and `limits` in words, `choices` as (value, label)."""

    name: str
    kind: str
    description: str
    required: bool
    default: str
    limits: str
    unit: str
    choices: list[tuple[str, str]]
    words: list[str]
    examples: list[str]
    suggest: str


class CommandEntry(TypedDict):
    """One command. `picture` says that it takes a moment; `shareable` that others may be shown it."""

    name: str
    noun: str
    verb: str
    usage: str
    description: str
    examples: list[str]
    aliases: list[str]
    fronts: list[str]
    picture: bool
    shareable: bool
    replaying: bool
    parameters: list[ParameterEntry]


def catalogue(
    registry: Registry | None = None, front: Front | None = None, *, replaying: bool = True
) -> list[CommandEntry]:
    """Return every command that can be typed on a front (on any, where none is named), in order."""
    known = registry or Registry()
    found = known.on(front, replaying=replaying)
    return [_command(c if front is None else c.on(front)) for c in found]


def _command(command: Command) -> CommandEntry:
    return CommandEntry(
        name=command.name,
        noun=command.noun,
        verb=command.verb,
        usage=command.usage,
        description=command.description,
        examples=list(command.examples),
        aliases=list(command.aliases),
        fronts=sorted(front.value for front in command.fronts),
        picture=command.cost is Cost.PICTURE,
        shareable=command.visibility is Visibility.SHAREABLE,
        replaying=command.replaying,
        parameters=[_parameter(p) for p in command.parameters],
    )


def _parameter(parameter: Parameter) -> ParameterEntry:
    return ParameterEntry(
        name=parameter.name,
        kind=parameter.kind.value,
        description=parameter.description,
        required=parameter.required,
        default=values.show(parameter, parameter.default),
        limits=values.limits(parameter),
        unit=parameter.unit,
        choices=[(choice.value, choice.label) for choice in parameter.choices],
        words=list(parameter.words),
        examples=list(parameter.examples),
        suggest=parameter.suggest.value if parameter.suggest else "",
    )
