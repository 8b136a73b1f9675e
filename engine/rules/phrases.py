"""Match what people type against the phrases of conditions, and write conditions the same way."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache

from engine.lang import _
from engine.rules.condition import Condition, Phrase, choices, described, kinds
from engine.rules.quantity import read, typed

TRY = ". Try: "
"""What stands between what is wrong with a line and one that works."""
NOUNS = frozenset(
    {
        "oi",
        "price",
        "funding",
        "volume",
        "volatility",
        "liquidation",
        "liquidations",
        "zone",
        "data",
        "long",
        "short",
        "longs",
        "shorts",
        "cascade",
        "single",
        "new",
        "makes",
    }
)
"""Words that begin conditions without a coin, and so are none."""
_COIN = rf"(?:(?!(?:{'|'.join(sorted(NOUNS))}) )(?P<coin>\$?[a-z0-9/_.:-]{{1,24}}) )?"
_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Matched:
    """Be one condition that was understood, and the coin that was named with it, or ""."""

    condition: Condition
    coin: str


def matches(text: str) -> Iterator[Matched | ValueError]:
    """Yield what a phrase in small letters can mean, or why a phrase that fits has a wrong value in it."""
    padded = text + " "
    for kind, phrase, pattern in _patterns():
        found = pattern.fullmatch(padded)
        if found is None:
            continue
        words = found.groupdict()
        coin = words.pop("coin", None) or ""
        try:
            units = described(kind)
            values = {name: read(units[name].unit, word) for name, word in words.items()}
            yield Matched(kind(**{**phrase.settles, **values}), coin.removeprefix("$"))
        except ValueError as error:
            yield error if TRY in str(error) else ValueError(f"{error}{TRY}{kind.example}")


def plain_form(text: str) -> Matched | None:
    """Return the condition of `type coin name=value ...`; None where it is not written so.

    ValueError says which name or value is wrong.
    """
    words = text.split()
    if not words or words[0] not in kinds():
        return None
    kind = kinds()[words[0]]
    named = [word for word in words[1:] if "=" in word]
    bare = [word for word in words[1:] if "=" not in word]
    if len(bare) > 1:
        raise ValueError(
            _("“{bare}” is not understood: write name=value. Try: {example}").format(
                bare=bare[1][:24], example=example(kind)
            )
        )
    fields_of = {f.name.removesuffix("_ms"): f.name for f in fields(kind)}
    given: dict[str, object] = {}
    for word in named:
        name, value = word.split("=", 1)
        if name not in fields_of:
            known = ", ".join(fields_of)
            raise ValueError(
                _("{kind} has no “{name}”. It has {known}. Try: {example}").format(
                    kind=kind.kind, name=name[:24], known=known, example=example(kind)
                )
            )
        unit = described(kind).get(fields_of[name])
        given[fields_of[name]] = value if unit is None else read(unit.unit, value)
    return Matched(kind.of_json(given), bare[0] if bare else "")


def written(condition: Condition, coin: str) -> str:
    """Return a condition as it is typed; by its first phrase that says all of it, else by its names."""
    kind = type(condition)
    for phrase in kind.phrases:
        slots = [name for name in _SLOT.findall(phrase.template) if name != "coin"]
        if all(getattr(condition, name) == value for name, value in phrase.settles.items()) and _says_all(
            condition, phrase.settles, slots
        ):
            return _fill(phrase.template, coin, {name: _word(condition, name) for name in slots})
    return named_line(condition, coin)


def named_line(condition: Condition, coin: str = "") -> str:
    """Return a condition in the form that names everything: `price_change btc by=3% window=15m`."""
    named = [
        f"{f.name.removesuffix('_ms')}={_word(condition, f.name)}"
        for f in fields(condition)
        if getattr(condition, f.name) is not None
    ]
    return " ".join([condition.kind, *([coin] if coin else []), *named])


def example(kind: type[Condition]) -> str:
    """Return a condition of a type in the form that names everything."""
    named = [
        f"{name.removesuffix('_ms')}={' | '.join(choices(kind, name))}"
        for name in _names(kind)
        if choices(kind, name)
    ]
    return f"{kind.example}{' (' + ', '.join(named) + ')' if named else ''}"


def _names(kind: type[Condition]) -> list[str]:
    return [f.name for f in fields(kind)]


def vocabulary() -> frozenset[str]:
    """Return every word that phrases are made of."""
    return frozenset(
        option
        for _, phrase, _ in _patterns()
        for word in phrase.template.split()
        if not word.startswith("{")
        for option in word.removesuffix("?").split("|")
    )


@cache
def _patterns() -> tuple[tuple[type[Condition], Phrase, re.Pattern[str]], ...]:
    """Return each phrase of each type with what it matches: words with one blank after each."""
    return tuple((kind, p, _pattern(p.template)) for kind in kinds().values() for p in kind.phrases)


def _pattern(template: str) -> re.Pattern[str]:
    parts = []
    for word in template.split():
        if word == "{coin}":
            parts.append(_COIN)
        elif slot := _SLOT.fullmatch(word):
            parts.append(rf"(?P<{slot[1]}>\S{{1,24}}) ")
        else:
            options = "|".join(map(re.escape, word.removesuffix("?").split("|")))
            parts.append(f"(?:(?:{options}) ){'?' if word.endswith('?') else ''}")
    return re.compile("".join(parts))


def _says_all(condition: Condition, settles: Mapping[str, object], slots: list[str]) -> bool:
    """Say whether nothing of a condition is left unsaid, and nothing that has no value is asked for."""
    for each in fields(condition):
        value = getattr(condition, each.name)
        if each.name in slots:
            if value is None or _back(condition, each.name) != value:
                return False
        elif each.name not in settles and (each.default is MISSING or value != each.default):
            return False
    return True


def _back(condition: Condition, name: str) -> object:
    """Return a number as it is read from how it is written."""
    return read(described(type(condition))[name].unit, _word(condition, name))


def _word(condition: Condition, name: str) -> str:
    """Return one parameter as it is typed."""
    parameter = described(type(condition)).get(name)
    value = getattr(condition, name)
    return str(value) if parameter is None else typed(parameter.unit, value)


def _fill(template: str, coin: str, values: Mapping[str, str]) -> str:
    """Return a phrase with its values, its first words, and nothing that may be left out."""
    words = []
    for word in template.split():
        if slot := _SLOT.fullmatch(word):
            words.append(coin if slot[1] == "coin" else values[slot[1]])
        elif not word.endswith("?"):
            words.append(word.split("|")[0])
    return " ".join(word for word in words if word)
