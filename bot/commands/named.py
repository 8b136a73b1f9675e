"""Put typed lines the way a front with options takes them: each value after its option's name."""

import re

from bot.commands import values
from bot.commands.parse import Parser
from bot.commands.spec import Call, Kind, Parameter
from bot.commands.tokens import Word, split
from engine.errors import UserError

_BEGINS = re.compile(r"(?<!\S)/(?=[a-z])")
_FREE = (Kind.TEXT, Kind.WORDS)
_ENDS = (".", "!", "?")
"""What a sentence ends with, and a command does not."""


def named(parser: Parser, text: str) -> str:
    """Return a text whose lines that end in a command have it with its options by name.

    `/report add btc every=4h` becomes `/report add symbol:btc every:4h`; what is no command stays as it is.
    """
    return "\n".join(_line(parser, line) for line in text.split("\n"))


def _line(parser: Parser, line: str) -> str:
    for begin in _BEGINS.finditer(line):
        typed = line[begin.start() :]
        if typed.endswith(_ENDS):
            continue
        try:
            call = parser.understand(typed)
        except UserError:
            continue
        if not call.given:
            return line
        return line[: begin.start()] + _spelled(parser, call, typed)
    return line


def _spelled(parser: Parser, call: Call, typed: str) -> str:
    """Return a call by names, each value as it was typed; the line itself where that could be prose."""
    words = split(typed)
    pieces = [f"/{call.command.name}"]
    for parameter in call.command.parameters:
        if parameter.name not in call.given:
            continue
        value = _value(parser, parameter, call, words)
        if " " in value and parameter.kind is Kind.TEXT and f'"{value}"' not in typed:
            return typed
        pieces.append(f"{parameter.name}:{value}")
    return " ".join(pieces)


def _value(parser: Parser, parameter: Parameter, call: Call, words: list[Word]) -> str:
    """Return a value as somebody typed it, where one word was all of it."""
    value = call.values[parameter.name]
    if parameter.kind is Kind.BOOL:
        return str(value)
    if parameter.kind not in _FREE:
        for word in words:
            text = word.text.partition("=")[2] or word.text
            try:
                if values.read(parameter, text, parser.markets) == value:
                    return text
            except UserError:
                continue
    return values.typed(parameter, value)
