"""Define what a command is: its name, its typed parameters, and the rules every front keeps for it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from bot.commands.reply import Front, Reply
from engine.errors import UserError

if TYPE_CHECKING:
    from bot.commands.context import Context

Value = str | int | float | bool | tuple[float, ...] | tuple[str, ...] | None
"""What a parameter holds once understood; the forms are listed at `Kind`."""

Handler = Callable[["Context", "Call"], Awaitable[Reply]]

LOCAL_FRONTS = frozenset({Front.PANEL, Front.CONSOLE})
CHAT_FRONTS = frozenset({Front.DISCORD, Front.TELEGRAM})
ALL_FRONTS = LOCAL_FRONTS | CHAT_FRONTS

MAX_CHOICES = 25
MANY = 12
"""With more parameters than this, those that are named only are left out of the line that shows a command."""
MAX_DESCRIPTION = 100


class Kind(StrEnum):
    """What a parameter is, and the form of its value."""

    SYMBOL = "symbol"  # str, canonical: BTCUSDT
    USD = "usd"  # float, dollars
    DURATION = "duration"  # int, milliseconds
    PERCENT = "percent"  # float, a fraction
    PERCENTS = "percents"  # tuple of fractions, smallest first
    ID = "id"  # int
    INTEGER = "integer"  # int
    NUMBER = "number"  # float
    PRICE = "price"  # float, in quote currency
    LEVERAGE = "leverage"  # float, 10 for 10x
    CHOICE = "choice"  # str, one of the choices
    BOOL = "bool"  # bool
    TIME_ZONE = "time_zone"  # str, IANA name
    HOURS = "hours"  # str, "22:00-07:00"
    TIMES = "times"  # tuple of "HH:MM", earliest first
    VENUES = "venues"  # tuple of names, or "all"
    MOMENT = "moment"  # str, "2025-10-10T21:00", "21:00", "+1h" or "-30m"
    PLACE = "place"  # str: "dm", "here", a kind of channel ("email"), or the number of one's own
    TEXT = "text"  # str
    WORDS = "words"  # str, what of a line nothing else takes, as it was typed


class Provider(StrEnum):
    """Who suggests values while somebody types."""

    SYMBOLS = "symbols"
    RULES = "rules"
    CHANNELS = "channels"
    REPORTS = "reports"
    TIME_ZONES = "time_zones"
    CONDITIONS = "conditions"
    TEMPLATES = "templates"
    RULE_LINES = "rule_lines"
    VENUES = "venues"
    COMMANDS = "commands"


class Who(StrEnum):
    """Whose things a command touches."""

    EVERYONE = "everyone"  # reads the market
    SELF = "self"  # reads or changes what the asker owns
    PLACE = "place"  # what stands in a server or group: its managers', and one's own where alone with the bot
    LOCAL = "local"  # steers this installation's replay


OPERATORS = "admin"
"""The noun of commands for whoever runs an installation: nobody else is shown them."""


class Visibility(StrEnum):
    """Who sees the answer where others read along."""

    SHAREABLE = "shareable"  # the asker alone, unless `share` is on
    PRIVATE = "private"  # always the asker alone


class Cost(StrEnum):
    """What an answer takes: pictures are deferred by fronts and limited per user."""

    LIGHT = "light"
    PICTURE = "picture"


class NearMiss(UserError):
    """Refuse a line that is almost right, and offer the lines that were probably meant."""

    def __init__(self, message: str, *, lines: tuple[str, ...], example: str = "") -> None:
        super().__init__(message, example=example or (lines[0] if lines else ""))
        self.lines = lines

    def within(self, make: Callable[[str], str]) -> "NearMiss":
        """Return the same refusal with each offered piece turned into a whole line."""
        return NearMiss(self.message, lines=tuple(make(piece) for piece in self.lines))


class NotOnes(UserError):
    """Refuse a number that is not one of the asker's own, whoever else's it may be."""


class Incomplete(UserError):
    """Refuse a call that lacks something; whoever can ask for it does.

    `lacks` names a parameter that is needed here, though not always.
    """

    def __init__(
        self,
        message: str,
        *,
        command: "Command",
        given: Mapping[str, str],
        example: str = "",
        lacks: str = "",
    ) -> None:
        super().__init__(message, example=example)
        self.lacks = lacks
        self.command = command
        self.given = given


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One value to choose, and what it is called."""

    value: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One thing a command takes.

    `default` is the value where nothing is given; `unit` what the number counts; `low` and `high` the range,
    in the value's own form (a duration in ms, a percentage as a fraction); `choices` what may be chosen (25
    at most); `words` plain words taken in place of a value ("auto", "off", "all"); `aliases` other names for
    it; `examples` what people type; `suggest` who completes it; `fronts` where it exists; `named` that it is
    taken as `name=value` only; `inline` that where a line is typed it stays among the words of one whose kind
    is WORDS.
    """

    name: str
    kind: Kind
    description: str
    required: bool = False
    default: Value = None
    unit: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[Choice, ...] = ()
    words: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    suggest: Provider | None = None
    named: bool = False
    inline: bool = False
    fronts: frozenset[Front] = ALL_FRONTS

    def offered(self) -> tuple[Choice, ...]:
        """Return everything to choose from where a front lists choices: the choices, then the plain words."""
        known = set(self.choice_values())
        return (*self.choices, *(Choice(value=w, label=w) for w in self.words if w not in known))

    def choice_values(self) -> tuple[str, ...]:
        """Return the values that may be chosen."""
        return tuple(choice.value for choice in self.choices)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One thing a user can ask: `/noun` or `/noun verb`.

    `button_only` marks what exists behind buttons and is not typed (a confirmation, a refresh); `replaying`
    what exists only while recorded data is replayed; `examples` whole lines that work; `asks` names a market
    that may be left out, and is asked for where the user has no usual one.
    """

    noun: str
    description: str
    run: Handler
    verb: str = ""
    parameters: tuple[Parameter, ...] = ()
    aliases: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    visibility: Visibility = Visibility.PRIVATE
    cost: Cost = Cost.LIGHT
    who: Who = Who.SELF
    fronts: frozenset[Front] = ALL_FRONTS
    replaying: bool = False
    button_only: bool = False
    asks: str = ""

    @property
    def name(self) -> str:
        """Return the name without slash: "alert list"."""
        return f"{self.noun} {self.verb}".strip()

    @property
    def usage(self) -> str:
        """Return one line that shows how to type it: "/heatmap symbol [window]"; many names are left out."""
        many = len(self.parameters) > MANY
        shown = [p for p in self.parameters if not (many and p.named)]
        words = [p.name if p.required else f"[{p.name}]" for p in shown]
        return " ".join([f"/{self.name}", *words, *(["[name=value …]"] if many else [])])

    def parameter(self, name: str) -> Parameter | None:
        """Return the parameter of that name or alias, or None."""
        wanted = name.lower().replace("-", "_")
        for parameter in self.parameters:
            if wanted == parameter.name or wanted in parameter.aliases:
                return parameter
        return None

    def on(self, front: Front) -> "Command":
        """Return the command with only the parameters that exist on a front."""
        kept = tuple(p for p in self.parameters if front in p.fronts)
        return self if kept == self.parameters else replace(self, parameters=kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One command with its values, understood. `given` names what the user gave; the rest are defaults."""

    command: Command
    values: Mapping[str, Value]
    given: frozenset[str] = frozenset()

    def has(self, name: str) -> bool:
        """Say whether the user gave this parameter."""
        return name in self.given

    def text(self, name: str) -> str:
        """Return a textual value; empty where there is none."""
        value = self.values.get(name)
        return value if isinstance(value, str) else ""

    def whole(self, name: str) -> int:
        """Return an integer value (an id, a count, milliseconds); 0 where there is none."""
        value = self.values.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else 0

    def number(self, name: str) -> float | None:
        """Return a numeric value, or None where there is none or a word stands for it."""
        value = self.values.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return float(value)

    def flag(self, name: str) -> bool:
        """Return a yes or no; False where there is none."""
        return self.values.get(name) is True

    def fractions(self, name: str) -> tuple[float, ...]:
        """Return percentages as fractions; empty where there are none."""
        value = self.values.get(name)
        return tuple(v for v in value if isinstance(v, float)) if isinstance(value, tuple) else ()
