"""Name what can be followed on the stream, and read what a client asks for."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from bot.commands.symbols import Markets, resolve
from bot.web.ports import WINDOWS
from bot.web.wire import text_of
from engine.errors import UserError

USUAL_WINDOW = "24h"
LONGEST_NAME = 96
EXAMPLE = '{"type":"subscribe","channel":"market","symbol":"BTC"}'


class Kind(StrEnum):
    """What a channel is about."""

    HEATMAP = "heatmap"
    MARKET = "market"
    CANDLES = "candles"
    ZONES = "zones"
    LIQUIDATIONS = "liquidations"
    ALERTS = "alerts"


class Form(StrEnum):
    """How a heatmap is written: bytes for the page, JSON for people."""

    BINARY = "binary"
    JSON = "json"


WINDOWED = frozenset({Kind.HEATMAP, Kind.CANDLES})


class Topic(NamedTuple):
    """One channel: what it is about, of which symbol, over which window, in which form."""

    kind: Kind
    symbol: str = ""
    window: str = ""
    form: Form = Form.BINARY

    @property
    def name(self) -> str:
        """Return the channel's name, as messages carry it."""
        form = self.form.value if self.form is Form.JSON else ""
        return ":".join(part for part in (self.kind.value, self.symbol, self.window, form) if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The channels of one message; `many` says that they were asked for as lists."""

    topics: tuple[Topic, ...]
    many: bool


def wanted(message: dict[str, Any], symbols: Sequence[str], most: int) -> Wanted:
    """Return the channels that a message names; raise UserError where one of them cannot be.

    `channel` or `channels` say what, `symbol` or `symbols` of which markets: every one of the former is meant
    for every one of the latter. A channel's whole name, as messages carry it, does as well.
    """
    many = "channels" in message or "symbols" in message
    kinds = _texts(message, "channel", "channels", most, usual=Kind.HEATMAP.value)
    topics: list[Topic] = []
    for kind in kinds:
        if ":" in kind:
            topics.append(_named(kind, symbols))
        else:
            topics += _of_kind(kind, message, symbols, most)
        if len(topics) > most:
            raise UserError(f"{most} channels are the most for one connection.", example=EXAMPLE)
    return Wanted(topics=tuple(dict.fromkeys(topics)), many=many)


def _of_kind(kind: str, message: dict[str, Any], symbols: Sequence[str], most: int) -> list[Topic]:
    if kind == Kind.ALERTS:
        return [Topic(Kind.ALERTS)]
    window = text_of(message, "window", limit=8) if "window" in message else USUAL_WINDOW
    form = text_of(message, "format", limit=8) if "format" in message else Form.BINARY.value
    asked = _texts(message, "symbol", "symbols", most)
    return [_topic(kind, symbol, window, form, symbols) for symbol in asked]


def _named(name: str, symbols: Sequence[str]) -> Topic:
    parts = name.split(":")
    if len(parts) > len(Topic._fields):
        raise UserError(f"There is no channel {name!r}.", example=EXAMPLE)
    kind, symbol, window, form = [*parts, "", "", ""][: len(Topic._fields)]
    return _topic(kind, symbol, window or USUAL_WINDOW, form or Form.BINARY.value, symbols)


def _topic(kind: str, symbol: str, window: str, form: str, symbols: Sequence[str]) -> Topic:
    if kind not in list(Kind):
        raise UserError(f"channel is one of {', '.join(Kind)}.", example=EXAMPLE)
    found = resolve(symbol[:32], Markets(known=tuple(symbols)))
    if kind not in WINDOWED:
        return Topic(Kind(kind), found)
    if window not in WINDOWS:
        raise UserError(f"window is one of {', '.join(WINDOWS)}.", example=EXAMPLE)
    if form not in list(Form):
        raise UserError("format is binary or json.", example=EXAMPLE)
    return Topic(Kind(kind), found, window, Form(form) if kind == Kind.HEATMAP else Form.BINARY)


def _texts(message: dict[str, Any], one: str, many: str, most: int, usual: str = "") -> list[str]:
    """Return the texts of a field or of the list beside it; raise UserError for anything else."""
    if many not in message:
        return [text_of(message, one, limit=LONGEST_NAME) if one in message or not usual else usual]
    values = message[many]
    if not isinstance(values, list) or not values or not all(isinstance(each, str) for each in values):
        raise UserError(f"{many} must be a list of texts.", example=EXAMPLE)
    if len(values) > most:
        raise UserError(f"{many} has {len(values):,} entries; {most} are the most.", example=EXAMPLE)
    return [each[:LONGEST_NAME] for each in values]
