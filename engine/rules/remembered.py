"""Hold what of the evaluation of rules has to outlive the process."""

from dataclasses import dataclass

from engine.rules.feature import Feature
from engine.rules.plan import Key

Held = tuple[int, int, Key, float]
"""A leaf true by hysteresis alone: rule, leaf (counted over all branches), feature, threshold."""
Waiting = tuple[int, int, int, int]
"""A rule on its way through `for`: rule, since when (ms), branch and leaf that made it true."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """Be what a restart goes on from; small, as most of what is true follows from the values."""

    values: tuple[tuple[Key, float], ...] = ()
    """The last value of each feature; of switches 1 for on."""
    held: tuple[Held, ...] = ()
    waits: tuple[Waiting, ...] = ()
    spent: tuple[int, ...] = ()
    """Rules that fire once and have."""


def key_text(key: Key) -> str:
    """Return a feature or switch as the store writes it: equal ones have the same text."""
    if isinstance(key, Feature):
        return f"{key.symbol}|{key.metric}|{key.venue}|{key.window_ms}"
    return repr(key)
