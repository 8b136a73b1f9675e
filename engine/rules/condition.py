"""Say what a condition is: parameters with units and ranges, words that make it, and what it looks at.

A type of condition is one module in `engine.rules.conditions` with one class; `kinds()` finds them. What it
compiles to are *branches*: it is true where all atoms of any one branch are true.
"""

import importlib
import pkgutil
import types
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from enum import StrEnum
from functools import cache
from typing import Any, ClassVar, Self, Union, get_args, get_origin, get_type_hints

from engine.lang import N_, _, speech
from engine.rules.atom import Branches
from engine.rules.feature import Direction, Feature, Metric, Threshold
from engine.rules.now import Now
from engine.rules.quantity import Unit, say

CANDLES, PRICES, OPEN_INTEREST, LIQUIDATIONS, FUNDING, LONG_SHORT = (
    "candles",
    "prices",
    "open_interest",
    "liquidations",
    "funding",
    "long_short",
)
"""Kinds of fact that a source may have, by the names that sources give them."""
DAY_MS = 86_400_000
WEEK_MS = 7 * DAY_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """Describe one number of a condition: unit, both ends of its range (included), why its default."""

    unit: Unit
    low: float
    high: float
    means: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Phrase:
    """Be one way to say a condition: a template in small letters, and the parameters that the words settle.

    In a template `{name}` is a parameter, `{coin}` the market, `a|b` either word, `word?` one that may be
    left out.
    """

    template: str
    settles: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """Say what a condition is compiled for: `venue` "" is all; `hysteresis` None is the type's own."""

    symbol: str
    venue: str = ""
    hysteresis: float | None = None


# Fields of dataclasses are made of `field`, whose result is Any to type checkers as well.
def quantity(unit: Unit, low: float, high: float, means: str, **more: Any) -> Any:  # noqa: ANN401
    """Return a field for a number with its unit and range; `default` and `why` may be given."""
    why = more.pop("why", "")
    described = Parameter(unit=unit, low=low, high=high, means=means, why=why)
    return field(metadata={"parameter": described}, **more)


def window(default_ms: int, why: str, *, low_ms: int = 60_000, high_ms: int = DAY_MS) -> Any:  # noqa: ANN401
    """Return a field for the length of time that is looked back over."""
    return quantity(Unit.TIME, low_ms, high_ms, N_("how far back"), default=default_ms, why=why)


def zone_size(means: str = N_("least dollars in it")) -> Any:  # noqa: ANN401 - as above
    """Return a field for the least size of a zone; None is auto."""
    return quantity(
        Unit.USD, 1e3, 1e11, means, default=None, why=N_("auto: larger than 95 % of the last 21 days")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition(ABC):
    """Be one condition with its parameters; ValueError says which is wrong, its range, and one that works.

    `hysteresis` is the share of a threshold that has to be given back before it counts as new again.
    """

    kind: ClassVar[str]
    means: ClassVar[str]
    feeds: ClassVar[frozenset[str]]
    phrases: ClassVar[tuple[Phrase, ...]]
    example: ClassVar[str]
    hysteresis: ClassVar[float] = 0.2
    hysteresis_why: ClassVar[str] = N_(
        "a fifth of the threshold: a value that trembles on it is told of once"
    )
    one_venue: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _check(self)

    @abstractmethod
    def says(self, coin: str) -> str:
        """Return in plain words when it is true: "BTC falls 3 % within 15 minutes"."""

    def became(self, now: Now) -> str:
        """Return what has become true, with its value now: "BTC fell 3.4 % within 15 minutes"."""
        return told(self.says(now.coin))

    @abstractmethod
    def compile(self, market: Market) -> Branches:
        """Return what to watch: it is true where all atoms of any one branch are."""

    def told(self, name: str) -> str:
        """Return one parameter in words."""
        return say(described(type(self))[name].unit, getattr(self, name))

    def as_json(self) -> dict[str, object]:
        """Return the parameters as plain JSON values."""
        return {f.name: _plain(getattr(self, f.name)) for f in fields(self)}

    @classmethod
    def of_json(cls, given: Mapping[str, object]) -> Self:
        """Return the condition of plain values; ValueError where one is unknown, missing or wrong."""
        kinds_of = get_type_hints(cls)
        known = {f.name: f for f in fields(cls)}
        strange = [name for name in given if name not in known]
        if strange:
            raise ValueError(
                _("{kind} has no {strange}. It has {known}. {hint}").format(
                    kind=cls.kind, strange=strange[0], known=", ".join(known), hint=_try(cls)
                )
            )
        values = {name: _typed(cls, name, kinds_of[name], value) for name, value in given.items()}
        absent = [n for n, f in known.items() if f.default is MISSING and n not in values]
        if absent:
            raise ValueError(
                _("{kind} wants {absent}. {hint}").format(
                    kind=cls.kind, absent=absent[0].removesuffix("_ms"), hint=_try(cls)
                )
            )
        return cls(**values)


def told(words: str) -> str:
    """Return words as the begin of a sentence."""
    return speech().begun(words)


def past(feature: Feature, direction: Direction, value: float, give_back: float) -> tuple[Threshold]:
    """Return the branch that is true beyond a value until `give_back` of the way is given back."""
    toward = -1.0 if direction is Direction.ABOVE else 1.0
    threshold = Threshold(
        feature=feature, direction=direction, value=value, rearm=value + toward * abs(give_back)
    )
    return (threshold,)


def feature(market: Market, metric: Metric, window_ms: int = 0) -> Feature:
    """Return the shared number that a condition looks at."""
    return Feature(symbol=market.symbol, metric=metric, venue=market.venue, window_ms=window_ms)


def share(condition: Condition, market: Market) -> float:
    """Return the hysteresis that applies: the rule's, else the type's."""
    return condition.hysteresis if market.hysteresis is None else market.hysteresis


def described(kind: type[Condition]) -> dict[str, Parameter]:
    """Return the numbers of a type, by field name."""
    return {f.name: f.metadata["parameter"] for f in fields(kind) if "parameter" in f.metadata}


def choices(kind: type[Condition], name: str) -> tuple[str, ...]:
    """Return what a field that is a choice may be; empty for a number."""
    hint = get_type_hints(kind)[name]
    several = [h for h in (get_args(hint) or (hint,)) if isinstance(h, type) and issubclass(h, StrEnum)]
    return tuple(member.value for member in several[0]) if several else ()


@cache
def kinds() -> Mapping[str, type[Condition]]:
    """Return every type of condition by its name: one of each module of `engine.rules.conditions`."""
    package = importlib.import_module("engine.rules.conditions")
    found: dict[str, type[Condition]] = {}
    for module in sorted(m.name for m in pkgutil.iter_modules(package.__path__)):
        loaded = importlib.import_module(f"{package.__name__}.{module}")
        for value in vars(loaded).values():
            if (
                isinstance(value, type)
                and issubclass(value, Condition)
                and value.__module__ == loaded.__name__
            ):
                found[value.kind] = value
    return types.MappingProxyType(found)


def lacking(condition: Condition, feeds: frozenset[str]) -> tuple[str, ...]:
    """Return the kinds of fact that a condition needs and a source does not have, in the alphabet's order."""
    return tuple(sorted(condition.feeds - feeds))


def _check(condition: Condition) -> None:
    """Raise ValueError where a number is out of its range."""
    for name, parameter in described(type(condition)).items():
        value = getattr(condition, name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(_("{name} wants a number. {hint}").format(name=name, hint=_try(type(condition))))
        if not parameter.low <= value <= parameter.high:
            ends = _("{say} to {say2}").format(
                say=say(parameter.unit, parameter.low), say2=say(parameter.unit, parameter.high)
            )
            called = name.removesuffix("_ms").removesuffix("_s")
            raise ValueError(
                _("{called} {say} is out of range: {ends}. {hint}").format(
                    called=called, say=say(parameter.unit, value), ends=ends, hint=_try(type(condition))
                )
            )


def _try(kind: type[Condition]) -> str:
    return _("Try: {example}").format(example=kind.example)


def _plain(value: object) -> object:
    return value.value if isinstance(value, StrEnum) else value


def _typed(kind: type[Condition], name: str, hint: object, value: object) -> object:
    """Return a plain value as the type of its field; ValueError where it is another."""
    options = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    if value is None and type(None) in options:
        return None
    for option in options:
        if isinstance(option, type) and issubclass(option, StrEnum):
            if isinstance(value, str) and value in {member.value for member in option}:
                return option(value)
            raise ValueError(
                _("{name} may be {value}. {hint}").format(
                    name=name, value=", ".join(m.value for m in option), hint=_try(kind)
                )
            )
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(_("{name} wants a number. {hint}").format(name=name, hint=_try(kind)))
    return int(value) if int in options and float(value).is_integer() else value
