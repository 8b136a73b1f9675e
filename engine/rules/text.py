"""Read a rule from one line, as people type it, and write it back.

    btc falls 3% in 15m and (oi drops 2% in 1h or funding above 0.05% on bybit) held for 5m once

AND binds before OR. `on VENUE` after a condition asks one venue alone. What holds for the whole rule stands
anywhere as for=5m, repeat=once, severity=critical, expires=3d, hysteresis=10%, note="...".
"""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from engine.errors import UserError
from engine.lang import N_, _
from engine.model import Severity
from engine.rules.condition import kinds
from engine.rules.expression import EXAMPLE, MAX_DEPTH, All, AnyOf, Expression, Leaf, Repeat, Spec, leaf
from engine.rules.phrases import Matched, matches, plain_form, vocabulary, written
from engine.rules.quantity import Unit, read, typed

MAX_TEXT = 600
FILLERS = frozenset(
    ("a", "above", "at", "below", "by", "for", "from", "in", "is", "its", "of", "off", "the", "to", "within")
)
"""Words that say nothing of what somebody means."""
_NOTE = re.compile(r"\bnote=(\"[^\"]*\"|\S+)", re.I)
_OPTION = re.compile(r"(for|repeat|severity|expires|hysteresis)=(\S+)")
_PLAIN = (
    (re.compile(r"\bopen interest\b"), "oi"),
    (re.compile(r"\blong\s?/\s?short\b"), "long short"),
    (
        re.compile(
            r"(?<=\d)\s+(?=(?:%|percent|k|m|mio|million|b|bn|billion|min(?:ute)?s?|h(?:ou)?rs?|h|s|sec(?:ond)?s?|days?|d|x)(?:\s|$|\)))"
        ),
        "",
    ),
    (re.compile(r"(?<=\d)(?:percent|pct)\b"), "%"),
    (re.compile(r"^(?:please )?(?:(?:tell|notify|alert|ping|warn) me|let me know)\b"), " "),
    (re.compile(r"\b(in|within|for) (?:an?|one) (minute|hour|day|week)\b"), r"\1 1\2"),
    (re.compile(r"\b(?:breaks|moves|crosses|stays) (?=(?:above|over|below|under)\b)"), "goes "),
    (re.compile(r"\b(?:gets|comes|is) (?=(?:near|within)\b)"), ""),
    (re.compile(r"\b(?:an? )?(?:big |large )?(?=(?:(?:long|short) )?(?:liquidation )?zone\b)"), ""),
    (re.compile(r"\bliquidation (?=zone\b)"), ""),
    (re.compile(r"\bzone is (?=swept\b)"), "zone "),
    (re.compile(r"\b(oi|price|funding|volume|volatility) of (\$?[a-z]\w*) "), r"\2 \1 "),
    (re.compile(r"\bdaily (?=high\b|low\b|extreme\b)"), "1d "),
    (re.compile(r"\bweekly (?=high\b|low\b|extreme\b)"), "7d "),
    (re.compile(r"(?<=[\dk])-(?=\$?\d)"), " to "),
    (re.compile(r"\b(?:hits|reaches|touches|breaks)(?= \$?\d)"), "crosses"),
    (re.compile(r"\b(?:pumps|jumps)\b"), "rises"),
    (re.compile(r"\b(?:dumps|crashes|declines)\b"), "falls"),
    (re.compile(r"\bis (?=up\b|down\b)"), ""),
    (re.compile(r"(?<!while oi )\bup(?= (?:by )?\S+ (?:in|within)\b)"), "rises"),
    (re.compile(r"(?<!while oi )\bdown(?= (?:by )?\S+ (?:in|within)\b)"), "falls"),
    (re.compile(r"(?<!price )(?<!while oi )\bup(?= (?:by )?\d\S*(?:$| and\b| or\b|\)))"), "rises"),
    (re.compile(r"(?<!price )(?<!while oi )\bdown(?= (?:by )?\d\S*(?:$| and\b| or\b|\)))"), "falls"),
    (re.compile(r"\b(falls|drops|loses|rises|gains|climbs|grows|back|bounces) by (?=\d)"), r"\1 "),
    (re.compile(r"\bprice (?=\$?\w+ (?:falls|drops|rises)\b)"), ""),
    (re.compile(r"((?:^|\b(?:and|or)\b|\()\s*(?:\$?[a-z][\w/.:]*(?: oi)? )?)-(?=\d[\d.]*%)"), r"\1falls "),
    (re.compile(r"((?:^|\b(?:and|or)\b|\()\s*(?:\$?[a-z][\w/.:]*(?: oi)? )?)\+(?=\d[\d.]*%)"), r"\1rises "),
    (re.compile(r"\b(volume) spike\b"), N_("\\1 spikes")),
    (re.compile(r"\s*>\s*"), " above "),
    (re.compile(r"\s*<\s*"), " below "),
    (re.compile(r"\bheld for (?=\d)"), "for="),
    (re.compile(r"^(?!.*\b(?:stale|no price|no data|liquidated)\b)(.*)\bfor (?=\d)"), r"\1for="),
    (re.compile(r"(?<![\w=])once(?!\w)"), "repeat=once"),
    (re.compile(r"\bwhen\b|\bif\b|\bthe\b"), " "),
    (re.compile(r"\s*&&?\s*"), " and "),
    (re.compile(r"\s*\|\|\s*"), " or "),
    (re.compile(r"([()])"), r" \1 "),
)


@dataclass(frozen=True, slots=True)
class Read:
    """Be what a line said: the coin as it was typed, "" where none was, and the rule."""

    coin: str
    spec: Spec


def read_rule(text: str, *, now_ms: int) -> Read:
    """Return the rule of a line; UserError names the part that was not understood and one that would be."""
    if len(text) > MAX_TEXT:
        raise UserError(
            _("That is longer than {max_text} characters.").format(max_text=MAX_TEXT), example=EXAMPLE
        )
    note = _NOTE.search(text)
    plain = (_NOTE.sub(" ", text) if note else text).lower()
    for pattern, better in _PLAIN:
        plain = pattern.sub(better, plain)
    options: dict[str, str] = {}
    for name, value in _OPTION.findall(plain):
        if name in options:
            raise UserError(_("{name}= stands there twice.").format(name=name), example=EXAMPLE)
        options[name] = value
    reader = _Reader(_OPTION.sub(" ", plain).split())
    when = reader.whole()
    common = _common(options, now_ms)
    told = note[1].strip('"') if note else ""
    return Read(reader.coin, Spec(when=when, note=told, **common))  # type: ignore[arg-type]


def write_rule(spec: Spec, coin: str) -> str:
    """Return a rule as it can be typed; an expiry is left out, since it is a moment and not a length."""
    parts = [_written(spec.when, coin, inside=False)]
    if spec.for_ms:
        parts.append(f"for={typed(Unit.TIME, spec.for_ms)}")
    if spec.hysteresis is not None:
        parts.append(f"hysteresis={typed(Unit.PERCENT, spec.hysteresis)}")
    if spec.repeat is not Repeat.ALWAYS:
        parts.append(f"repeat={spec.repeat}")
    if spec.severity is not Severity.WARNING:
        parts.append(f"severity={spec.severity}")
    if spec.note:
        note = spec.note.replace('"', "'")
        parts.append(f'note="{note}"')
    return " ".join(parts)


class _Reader:
    """Read words from left to right: OR of ANDs of conditions or of brackets."""

    def __init__(self, words: list[str]) -> None:
        self.words, self.at, self.coin = words, 0, ""

    def whole(self) -> Expression:
        """Return all of it; UserError where something is left over."""
        if not self.words:
            raise UserError(_("No condition was given."), example=EXAMPLE)
        found = self.either(1)
        if self.at < len(self.words):
            raise UserError(_("A bracket is closed that was not opened."), example=EXAMPLE)
        return found

    def either(self, level: int) -> Expression:
        """Return conditions joined by OR."""
        parts = [self.both(level)]
        while self.take("or"):
            parts.append(self.both(level))
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def both(self, level: int) -> Expression:
        """Return conditions joined by AND."""
        parts = [self.one(level)]
        while self.take("and"):
            parts.append(self.one(level))
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def one(self, level: int) -> Expression:
        """Return one condition, or what stands in brackets."""
        if self.take("("):
            if level >= MAX_DEPTH:
                raise UserError(
                    _("Brackets stand more than {max_depth} deep in each other.").format(
                        max_depth=MAX_DEPTH - 1
                    ),
                    example=EXAMPLE,
                )
            inside = self.either(level + 1)
            if not self.take(")"):
                raise UserError(_("A bracket is opened that is not closed."), example=EXAMPLE)
            return inside
        start = self.at
        while self.at < len(self.words) and self.words[self.at] not in ("and", "or", "(", ")"):
            self.at += 1
        return self.condition(self.words[start : self.at])

    def take(self, word: str) -> bool:
        """Go past a word where it is next."""
        if self.at < len(self.words) and self.words[self.at] == word:
            self.at += 1
            return True
        return False

    def condition(self, words: list[str]) -> Leaf:
        """Return the condition that words say, and keep its coin."""
        if not words:
            raise UserError(_("A condition is missing beside AND, OR or a bracket."), example=EXAMPLE)
        venue = ""
        if len(words) > 2 and words[-2] == "on":
            words, venue = words[:-2], words[-1]
        found = understood(" ".join(words))
        if found.coin and self.coin and found.coin != self.coin:
            raise UserError(
                _("One alert watches one coin, and this names {coin} and {coin2}: make two of it.").format(
                    coin=self.coin, coin2=found.coin
                ),
                example=EXAMPLE,
            )
        self.coin = self.coin or found.coin
        try:
            return leaf(found.condition, venue)
        except ValueError as error:
            raise UserError(f"{error}.", example=found.condition.example) from error


def understood(text: str) -> Matched:
    """Return what one condition's words say; UserError with what is wrong, or with what comes near."""
    problem: ValueError | None = None
    try:
        found = plain_form(text)
    except ValueError as error:
        raise UserError(f"{error}") from error
    if found is not None:
        return found
    for said in (text, *_coin_first(text)):
        for each in matches(said):
            if isinstance(each, Matched):
                return each
            problem = problem or each
    if problem is not None:
        raise UserError(f"{problem}")
    shown = text if len(text) <= 60 else text[:59] + "…"
    near = nearest(text)
    raise UserError(_("“{shown}” is not a condition I know.").format(shown=shown), example=near)


def _coin_first(text: str) -> tuple[str, ...]:
    """Return words with the coin where phrases have it, if it may stand last: "near 1% zone btc"."""
    *first, last = text.split()
    if not first or last in vocabulary() or not last.lstrip("$").isalpha():
        return ()
    if first[-1] in ("of", "in", "for"):
        first.pop()
    return (" ".join([last, *first]),)


def nearest(text: str) -> str:
    """Return the condition nearest to words: with misspelt words put right, else an example."""
    known = vocabulary()
    words = [_spelt(word, known) for word in text.split()]
    better = " ".join(words)
    if better != text and any(isinstance(each, Matched) for each in matches(better)):
        return better
    kept = [w for w in words if w in known and w not in FILLERS]
    likeness = {k.example: max(_likeness(kept, p.template) for p in k.phrases) for k in kinds().values()}
    best = max(likeness, key=lambda example: likeness[example])
    return best if likeness[best] > 0 else EXAMPLE


def _spelt(word: str, known: frozenset[str]) -> str:
    """Return a word of the vocabulary that is meant, else the word itself."""
    if word in known or any(c.isdigit() for c in word):
        return word
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.75)
    return near[0] if near and len(word) > 3 else word


def _likeness(words: list[str], template: str) -> float:
    """Return how many words of a phrase are there, those that it wants and are not counting against it."""
    said = [(word, set(word.removesuffix("?").split("|"))) for word in template.split() if word[0] != "{"]
    missing = sum(options.isdisjoint(words) for word, options in said if not word.endswith("?"))
    return sum(not options.isdisjoint(words) for _, options in said) - 0.1 * missing


def _common(options: Mapping[str, str], now_ms: int) -> dict[str, object]:
    """Return what holds for the whole rule; UserError where a value is wrong."""
    made: dict[str, object] = {}
    try:
        for name, value in options.items():
            match name:
                case "for":
                    made["for_ms"] = read(Unit.TIME, value)
                case "expires":
                    made["expires_ms"] = now_ms + int(read(Unit.TIME, value))
                case "hysteresis":
                    made["hysteresis"] = read(Unit.PERCENT, value)
                case "repeat":
                    made["repeat"] = _one_of(Repeat, name, value)
                case _:
                    made["severity"] = _one_of(Severity, name, value)
    except ValueError as error:
        raise UserError(f"{error}.", example=f"{EXAMPLE} for=5m severity=critical repeat=once") from error
    return made


def _one_of(options: type[Repeat] | type[Severity], name: str, value: str) -> Repeat | Severity:
    known = [member.value for member in options]
    if value not in known:
        raise ValueError(
            _("{name} may be {known}, not “{value}”").format(
                name=name, known=", ".join(known), value=value[:24]
            )
        )
    return options(value)


def _written(node: Expression, coin: str, *, inside: bool) -> str:
    if isinstance(node, Leaf):
        return written(node.condition, coin) + (f" on {node.venue}" if node.venue else "")
    joined = (" and " if isinstance(node, All) else " or ").join(
        _written(part, coin, inside=True) for part in node.parts
    )
    return f"({joined})" if inside else joined
