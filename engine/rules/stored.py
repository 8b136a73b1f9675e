"""Put a rule into the two columns that the store keeps it in, and read it back.

Most rules are one price level and nothing else: those are kept flat, so that `bulk.price_levels` reads a
million of them at a start. All others are kept as `expression.to_json` writes them. The note is a column of
its own in the store, and so is who owns a rule, where it tells and when it is silent.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from engine.model import Severity
from engine.rules.conditions.price_level import PriceLevel
from engine.rules.expression import VERSION, Leaf, Repeat, Spec, of_json, to_json

LEVEL: Final = PriceLevel.kind
"""The kind under which one plain price level is kept."""
RULE: Final = "rule"
"""The kind under which every other rule is kept."""
KINDS: Final = frozenset({LEVEL, RULE})
QUIET_CRITICAL: Final = "quiet_critical"
"""Beside a rule's own parameters: whether its owner lets quiet hours hold its criticals too."""


def stored(spec: Spec, *, quiet_critical: bool = False) -> tuple[str, dict[str, Any]]:
    """Return the kind and the parameters of a rule as JSON values, its note left out."""
    own = {QUIET_CRITICAL: True} if quiet_critical else {}
    when = spec.when
    if isinstance(when, Leaf) and isinstance(when.condition, PriceLevel) and _plain(spec, when):
        return LEVEL, {**when.condition.as_json(), "severity": spec.severity.value, **own}
    return RULE, {**to_json(replace(spec, note="")), **own}


def spec_of(kind: str, params: Mapping[str, Any], *, note: str = "") -> Spec:
    """Return the rule that `stored` took apart; UserError where it is something else."""
    values = {name: value for name, value in params.items() if name != QUIET_CRITICAL}
    if kind == LEVEL:
        values = {
            "v": VERSION,
            "severity": values.pop("severity", Severity.WARNING.value),
            "when": {"type": LEVEL, **values},
        }
    return replace(of_json(values), note=note)


def _plain(spec: Spec, when: Leaf) -> bool:
    """Say whether a level is asked of all venues together, with nothing else that holds for the rule."""
    others = (spec.for_ms, spec.hysteresis, spec.expires_ms)
    return not when.venue and others == (0, None, None) and spec.repeat is Repeat.ALWAYS
