"""Join conditions by AND and OR, with what holds for the whole rule, and turn that into JSON and back.

JSON: {"v": 1, "when": NODE, "for_ms": 0, "repeat": "always", "severity": "warning", ...} where NODE is
{"type": ..., its parameters} or {"all": [NODE, ...]} or {"any": [NODE, ...]}; a condition asked of one venue
alone has "venue". Rules fire when any one of their branches becomes true.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from engine.errors import UserError
from engine.lang import _
from engine.model import DAY_MS, Severity
from engine.rules.atom import PULSE_MS, Branches, EventAtom
from engine.rules.condition import Condition, Market, kinds
from engine.rules.normal_form import conjunction, disjunction
from engine.rules.quantity import Unit, say

VERSION: Final = 1
MAX_DEPTH: Final = 4
"""How deep AND and OR may stand in each other; one condition alone is 1."""
MAX_CONDITIONS: Final = 16
"""How many conditions one rule may have."""
MAX_HOLD_MS: Final = DAY_MS
MAX_NOTE: Final = 400
EXAMPLE: Final = "btc falls 3% in 15m and oi drops 2% in 1h"


class Repeat(StrEnum):
    """Whether a rule speaks again once it has."""

    ALWAYS = "always"
    ONCE = "once"


@dataclass(frozen=True, slots=True)
class Leaf:
    """Be one condition, asked of one venue, or of all together ("")."""

    condition: Condition
    venue: str = ""


@dataclass(frozen=True, slots=True)
class All:
    """Be true where every part is."""

    parts: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Be true where any part is."""

    parts: tuple["Expression", ...]


Expression = Leaf | All | AnyOf


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """Be everything about a rule but its owner, market and destination; UserError where it cannot be.

    `for_ms` is how long it must hold; `hysteresis` a share of each threshold, None for each type's own;
    `expires_ms` ms UTC, None for never.
    """

    when: Expression
    for_ms: int = 0
    hysteresis: float | None = None
    repeat: Repeat = Repeat.ALWAYS
    expires_ms: int | None = None
    severity: Severity = Severity.WARNING
    note: str = ""

    def __post_init__(self) -> None:
        if depth(self.when) > MAX_DEPTH:
            raise UserError(
                _("AND and OR stand more than {max_depth} deep in each other.").format(max_depth=MAX_DEPTH),
                example=EXAMPLE,
            )
        if sum(1 for _unused in leaves(self.when)) > MAX_CONDITIONS:
            raise UserError(
                _("One alert has {max_conditions} conditions at most.").format(max_conditions=MAX_CONDITIONS),
                example=EXAMPLE,
            )
        if not 0 <= self.for_ms <= MAX_HOLD_MS:
            raise UserError(
                _("for is {say} at most.").format(say=say(Unit.TIME, MAX_HOLD_MS)),
                example=f"{EXAMPLE} for=5m",
            )
        if self.hysteresis is not None and not 0 <= self.hysteresis <= 1:
            raise UserError(
                _("hysteresis is 0 % to 100 % of a threshold."), example=f"{EXAMPLE} hysteresis=20%"
            )
        if len(self.note) > MAX_NOTE:
            raise UserError(_("The note is longer than {max_note} characters.").format(max_note=MAX_NOTE))
        branches = self.branches("")
        if self.for_ms >= PULSE_MS and any(isinstance(a, EventAtom) for branch in branches for a in branch):
            raise UserError(
                _(
                    "An event, such as a swept zone or one liquidation, cannot hold for a time: leave "
                    "for= out."
                ),
                example="btc single liquidation above 1M",
            )

    def branches(self, symbol: str) -> Branches:
        """Return what to watch of a market; UserError where there are too many ways to become true."""
        return _branches(self.when, symbol, self.hysteresis)


def leaves(node: Expression) -> Iterator[Leaf]:
    """Yield the conditions from left to right."""
    if isinstance(node, Leaf):
        yield node
        return
    for part in node.parts:
        yield from leaves(part)


def depth(node: Expression) -> int:
    """Return how many levels there are."""
    return 1 if isinstance(node, Leaf) else 1 + max(map(depth, node.parts))


def lacking(when: Expression, feeds: frozenset[str]) -> dict[str, tuple[str, ...]]:
    """Return what is missing of a source for each type of condition that cannot be served."""
    found = {leaf.condition.kind: tuple(sorted(leaf.condition.feeds - feeds)) for leaf in leaves(when)}
    return {kind: missing for kind, missing in found.items() if missing}


def to_json(spec: Spec) -> dict[str, object]:
    """Return a rule as JSON values, what is usual left out."""
    made: dict[str, object] = {"v": VERSION, "when": _node_json(spec.when)}
    usual = {"for_ms": 0, "hysteresis": None, "repeat": Repeat.ALWAYS, "expires_ms": None, "note": ""}
    for name, default in usual.items():
        value = getattr(spec, name)
        if value != default:
            made[name] = value.value if isinstance(value, StrEnum) else value
    made["severity"] = spec.severity.value
    return made


def of_json(given: Mapping[str, object]) -> Spec:
    """Return the rule that `to_json` described; UserError where it is something else."""
    fields = {"v", "when", "for_ms", "hysteresis", "repeat", "expires_ms", "severity", "note"}
    if given.get("v") != VERSION:
        raise UserError(
            _("This alert is of version {str}; only {version} is understood.").format(
                str=str(given.get("v"))[:8], version=VERSION
            )
        )
    if strange := sorted(str(name) for name in given if name not in fields):
        raise UserError(_("An alert has no {strange}.").format(strange=strange[0][:24]))
    common: dict[str, object] = {k: v for k, v in given.items() if k not in ("v", "when")}
    try:
        return _spec(_node(given.get("when"), 1), common)
    except (ValueError, TypeError) as error:
        raise UserError(_("This alert cannot be read: {error}").format(error=error)) from error


def to_share(spec: Spec) -> dict[str, object]:
    """Return what a share code carries: the rule alone, without note or expiry."""
    return to_json(replace(spec, note="", expires_ms=None))


def from_share(payload: Mapping[str, object]) -> Spec:
    """Return the rule of a share code, an independent copy; UserError where it carries anything else."""
    if extra := {"note", "expires_ms"} & payload.keys():
        raise UserError(_("A share code carries no {sorted}.").format(sorted=sorted(extra)[0]))
    return of_json(payload)


def _branches(node: Expression, symbol: str, hysteresis: float | None) -> Branches:
    if isinstance(node, Leaf):
        return node.condition.compile(Market(symbol=symbol, venue=node.venue, hysteresis=hysteresis))
    parts = [_branches(part, symbol, hysteresis) for part in node.parts]
    return conjunction(*parts) if isinstance(node, All) else disjunction(*parts)


def _node_json(node: Expression) -> dict[str, object]:
    if isinstance(node, Leaf):
        made: dict[str, object] = {"type": node.condition.kind, **node.condition.as_json()}
        return made | ({"venue": node.venue} if node.venue else {})
    return {"all" if isinstance(node, All) else "any": [_node_json(part) for part in node.parts]}


def _node(given: object, level: int) -> Expression:
    """Return one node of JSON; ValueError where it is none."""
    if not isinstance(given, Mapping) or level > MAX_DEPTH:
        raise ValueError(
            _("a condition is a table with a type") if level <= MAX_DEPTH else _("it is too deep")
        )
    for name, join in (("all", All), ("any", AnyOf)):
        if name in given:
            parts = given[name]
            if len(given) > 1 or not isinstance(parts, list) or not 2 <= len(parts) <= MAX_CONDITIONS:
                raise ValueError(
                    _("{name} wants a list of 2 to {max_conditions} conditions and nothing beside it").format(
                        name=name, max_conditions=MAX_CONDITIONS
                    )
                )
            return join(tuple(_node(part, level + 1) for part in parts))
    kind, venue = given.get("type"), given.get("venue", "")
    if not isinstance(kind, str) or kind not in kinds():
        raise ValueError(_("there is no condition “{str}”").format(str=str(kind)[:32]))
    if not isinstance(venue, str):
        raise ValueError(_("venue wants a name"))
    rest = {name: value for name, value in given.items() if name not in ("type", "venue")}
    return leaf(kinds()[kind].of_json(rest), venue)


def leaf(condition: Condition, venue: str) -> Leaf:
    """Return a condition of a venue; ValueError where its type is about all venues together."""
    if venue and not condition.one_venue:
        raise ValueError(
            _("{kind} is about all venues together: leave “on {venue}” out").format(
                kind=condition.kind, venue=venue[:24]
            )
        )
    return Leaf(condition, venue)


def _spec(when: Expression, common: Mapping[str, object]) -> Spec:
    """Return a rule of plain values; ValueError where one is of another type."""
    values = dict(common)
    for name in ("for_ms", "expires_ms"):
        if name in values and (isinstance(values[name], bool) or not isinstance(values[name], int)):
            raise ValueError(_("{name} wants a whole number of milliseconds").format(name=name))
    if "hysteresis" in values and not isinstance(values["hysteresis"], float | int):
        raise ValueError(_("hysteresis wants a fraction"))
    if not isinstance(values.get("note", ""), str):
        raise ValueError(_("note wants text"))
    if "repeat" in values:
        values["repeat"] = Repeat(str(values["repeat"]))
    values["severity"] = Severity(str(values.get("severity", Severity.WARNING)))
    return Spec(when=when, **values)  # type: ignore[arg-type]  # each was looked at above
