"""List the variants of `flow` that are tried, by family.

A variant that the data do not allow is none: there is no series of a minute, and what is interpolated between
five minutes has nothing new in it; no file tells buyers from sellers. Stops and added margin at a part
of the way to a level take a constant share of it, which nothing can tell from a scale. What a variant uses is
known when the candle that it enters with is over, but for spot volume: the study spreads it over 15 minutes.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from bench.flow.interest import open_interest
from bench.flow.parts import Named, Predict
from bench.flow.places import distances, entry, sides, volatility_weights
from bench.flow.several import several, steps
from bench.flow.survival import clocks, lifetimes, profit
from bench.flow.volume import venues, volume


@dataclass(frozen=True, slots=True)
class Variant:
    """Name a variant and say how it predicts: mass swept in each hour, (hours, 2), at any scale."""

    family: str
    name: str
    predict: Predict


def variants() -> list[Variant]:
    """Return every variant, in the order of families."""
    families: dict[str, Iterable[Named]] = {
        "volume": volume(),
        "perpetuals, venues": venues(),
        "entry in the candle": entry(),
        "lifetimes": lifetimes(),
        "profit taken": profit(),
        "distances": distances(),
        "weights by volatility": volatility_weights(),
        "clock of fading": clocks(),
        "open interest": open_interest(),
        "sides": sides(),
        "coarser steps": steps(),
        "several at once": several(),
    }
    return [Variant(family, name, how) for family, each in families.items() for name, how in each]
