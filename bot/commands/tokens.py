"""Cut a typed line into words, forgiving what keyboards and people do to it."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from bot.commands import timezones
from bot.commands.amounts import DURATION_UNITS, USD_UNITS
from bot.commands.spec import Command, Kind, Parameter
from bot.commands.venues_asked import FORM

_QUOTES = str.maketrans({**dict.fromkeys("“”„«»″", '"'), **dict.fromkeys("‘’‚′`´", "'")})
_NAMED = re.compile(r"(?:--|—|–)?([a-z][a-z0-9_\-]{0,31})([=:])(.*)", re.IGNORECASE | re.DOTALL)
_LOOSE_EQUALS = re.compile(r"""(?<![^\s=:])("[^"]*"|'[^']*')|\s*=\s*""")
"""An equals sign with room around it, but not within quotes."""
_FLAG = re.compile(r"(?:--|—)([a-z][a-z0-9_\-]{0,31})", re.IGNORECASE)
_UNITS = frozenset(DURATION_UNITS) | frozenset(USD_UNITS) - {""} | {"%", "$", "percent"}
_CONTRACTS = frozenset({"usdt", "usd", "perp", "perpetual", "swap"})
_ENDINGS = ",;!?"
_VALUED = frozenset({Kind.DURATION, Kind.PERCENT, Kind.CHOICE})
_DASHES = frozenset({"-", "–", "—", "to"})


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a line. `name` is the parameter it was given for (`window=12h`), empty where none was."""

    text: str
    quoted: bool = False
    name: str = ""

    def typed(self) -> str:
        """Return the word the way it is typed again."""
        text = f'"{self.text}"' if re.search(r"\s", self.text) else self.text
        return f"{self.name}={text}" if self.name else text


def plain_line(line: str) -> str:
    """Return a line in plain characters: full-width forms, odd quotes, invisible marks and controls gone."""
    kept = []
    for char in unicodedata.normalize("NFKC", line):
        category = unicodedata.category(char)
        if category in ("Cc", "Zl", "Zp", "Zs"):
            kept.append(" ")
        elif category[0] != "C":
            kept.append(char)
    return "".join(kept).translate(_QUOTES).strip()


def split(line: str) -> list[Word]:
    """Return the words of a line; quotes hold words together, an unclosed one counts as typed by mistake."""
    line = _LOOSE_EQUALS.sub(lambda match: match[1] or "=", line)
    found: list[Word] = []
    text, quote, quoted = "", "", False
    for char in line:
        if quote:
            text, quote = (text, "") if char == quote else (text + char, quote)
        elif char in "\"'" and (not text or text[-1] in "=:"):
            quote, quoted = char, True
        elif char.isspace():
            found += [Word(text, quoted)] if text or quoted else []
            text, quoted = "", False
        else:
            text += char
    if quote:  # never closed
        return found + [Word(part) for part in text.split()]
    return found + ([Word(text, quoted)] if text or quoted else [])


def rejoin(command: Command, found: Sequence[Word]) -> list[Word]:
    """Return the words with names told from values, and values that were typed in pieces put together."""
    return _named(command, _joined(command, _apart(command, found)))


def _apart(command: Command, found: Sequence[Word]) -> list[Word]:
    """Return the words with several markets in one told apart where several are taken: btc,eth,sol."""
    if sum(p.kind is Kind.SYMBOL for p in command.parameters) < 2:
        return list(found)
    cut = ([word] if word.quoted else [Word(part) for part in word.text.split(",") if part] for word in found)
    return [word for words in cut for word in words]


_LITTLE = frozenset({"for", "to", "with", "within", "side", "type", "symbol"})
"""Names of parameters that are words of a sentence as well: they want an equals sign."""
_SAID = frozenset({"side"})
"""Names of parameters whose choices are words of a sentence as well: long and short."""


def gathered(command: Command, found: Sequence[Word]) -> list[Word]:
    """Return words for a command that takes the rest of a line as it is: each has the name it is meant for.

    `name=value` goes to the parameter of that name, unless that stands `inline`; so does the value after a
    bare name that no sentence has, and a bare word that is one of a choice. What is required comes next, in
    its order, and all that is left makes the parameter of kind WORDS.
    """
    out, rest = [], []
    given = {known.name for word in found if (known := _meant(command, word)[0])}
    wanted = [
        p for p in command.parameters if p.required and p.kind is not Kind.WORDS and p.name not in given
    ]
    index = 0
    while index < len(found):
        word = found[index]
        known, value = _meant(command, word)
        if known is not None and value is None:
            index += 1
            value = found[index].text if index < len(found) else ""
        if known is not None and value is not None:
            out.append(Word(value, quoted=True, name=known.name))
        elif word.name:
            out.append(word)
        elif wanted:
            out.append(Word(word.text, quoted=True, name=wanted.pop(0).name))
        else:
            rest.append(word)
        index += 1
    whole = rest[0].text if len(rest) == 1 and rest[0].quoted else " ".join(word.typed() for word in rest)
    text = whole.rstrip(_ENDINGS + ". ")
    name = next(p.name for p in command.parameters if p.kind is Kind.WORDS)
    return [*out, Word(text, quoted=True, name=name)] if text else out


def _meant(command: Command, word: Word) -> tuple[Parameter | None, str | None]:
    """Return the parameter that a word names, and its value; None for that where the next word has it."""
    if word.name:
        return command.parameter(word.name), word.text
    match = _NAMED.fullmatch(word.text)
    if match and match[2] == "=":
        known = command.parameter(match[1])
        return (known, match[3]) if known is not None and not known.inline else (None, None)
    low = word.text.lower()
    for parameter in command.parameters:
        if word.quoted or parameter.inline:
            continue
        chosen = parameter.kind in (Kind.CHOICE, Kind.PLACE) and parameter.name not in _SAID
        if chosen and low in parameter.choice_values():
            return parameter, low
        if low == parameter.name and low not in _LITTLE and parameter.kind in _VALUED:
            return parameter, None
    return None, None


def _joined(command: Command, found: Sequence[Word]) -> list[Word]:
    """Put "12 h", "10 million", "1%, 3%", "22:00 - 07:00" and "btc perp" together."""
    kinds = frozenset(p.kind for p in command.parameters)
    out: list[Word] = []
    index = 0
    while index < len(found):
        word = found[index]
        previous = out[-1] if out and not out[-1].quoted and not out[-1].name else None
        if previous is None or word.quoted or word.name:
            out.append(word)
        elif word.text.lower() in _DASHES and _digit_at(previous.text) and _digit_next(found, index):
            out[-1] = Word(f"{previous.text}-{found[index + 1].text}")
            index += 1
        elif (glue := _glue(previous.text, word.text, kinds)) is not None:
            out[-1] = Word(previous.text + glue + word.text)
        else:
            out.append(word)
        index += 1
    return out


def _digit_at(text: str) -> bool:
    return text.rpartition("=")[2][:1].isdigit()


def _digit_next(found: Sequence[Word], index: int) -> bool:
    return index + 1 < len(found) and found[index + 1].text[:1].isdigit()


def _glue(before: str, text: str, kinds: frozenset[Kind]) -> str | None:
    """Return what to put between two words that are one ("", "_", "T"); None where they are two."""
    low, value = text.lower(), before.rpartition("=")[2]
    if (before.endswith(",") or text.startswith(",")) and re.match(r"[\d.$]", value):
        return ""
    units = low in _UNITS and re.fullmatch(r"\$?[\d.,]*\d", value)
    if units or (Kind.VENUES in kinds and _more_venues(before, text)):
        return ""
    if Kind.SYMBOL in kinds and low in _CONTRACTS and re.fullmatch(r"[$#]?[a-z0-9]{2,12}", value, re.I):
        return ""
    if Kind.TIME_ZONE in kinds and timezones.begins_city(f"{value}_{text}"):
        return "_"
    if Kind.MOMENT in kinds and re.fullmatch(r"\d{4}-\d\d-\d\d", value) and re.match(r"\d{1,2}:\d\d", text):
        return "T"
    return None


def _more_venues(before: str, text: str) -> bool:
    """Say whether a word goes on with the venues that the one before began: "okx, bybit"."""
    if not before.endswith(",") and not text.startswith(","):
        return False
    name, _, value = before.rpartition("=")
    return bool(FORM.fullmatch(value) and (name or FORM.fullmatch(text.lstrip(",") or value)))


def _named(command: Command, found: Sequence[Word]) -> list[Word]:
    """Tell `name=value`, `name: value`, `--name value` and `name value` from plain words."""
    out: list[Word] = []
    index = 0
    while index < len(found):
        word = found[index]
        name, value = _name_of(command, word)
        if name and value is None:
            value, index = _next_value(command, name, found, index)
        plain = word if word.quoted else Word(word.text.rstrip(_ENDINGS) or word.text)
        out.append(Word(value, word.quoted, name) if name and value is not None else plain)
        index += 1
    return out


def _name_of(command: Command, word: Word) -> tuple[str, str | None]:
    """Return the parameter that a word names, and its value where the word carries that too."""
    if word.name:
        return word.name, word.text
    if match := _NAMED.fullmatch(word.text):
        known = command.parameter(match[1])
        if known is not None:
            return known.name, match[3] or (None if match[2] == ":" else "")
        return (match[1].lower(), match[3]) if match[2] == "=" else ("", None)
    if word.quoted:
        return "", None
    flag = _FLAG.fullmatch(word.text)
    known = command.parameter(flag[1] if flag else word.text)
    if known is not None:
        return known.name, None
    return (flag[1].lower(), "") if flag else ("", None)


def _next_value(command: Command, name: str, found: Sequence[Word], index: int) -> tuple[str | None, int]:
    """Return the value that follows a bare name and the index it was found at; None where none follows."""
    parameter = command.parameter(name)
    is_flag = parameter is not None and parameter.kind is Kind.BOOL
    following = found[index + 1] if index + 1 < len(found) else None
    if is_flag and (
        following is None or following.text.lower() not in ("on", "off", "true", "false", "yes", "no")
    ):
        return "on", index
    if following is None:
        return None, index
    return following.text, index + 1
