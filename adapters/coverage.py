"""Say how much of a venue's liquidations its public data holds, in words that users are shown.

Nothing is scaled up by it: a venue that samples is a lower bound, and is called one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from adapters.titles import title
from engine.lang import N_, _


class CoverageKind(StrEnum):
    """How much is seen: all, what the venue picks, what some addresses took part in, or nobody knows."""

    FULL = "full"
    SAMPLED = "sampled"
    PARTIAL = "partial"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How much of a venue's liquidations is seen: `short` in a few words, `sentence` in whole ones."""

    kind: CoverageKind
    short: str
    sentence: str

    @property
    def full(self) -> bool:
        """Say whether a sum of what is seen is what was liquidated."""
        return self.kind is CoverageKind.FULL


COVERAGE: Mapping[str, Coverage] = MappingProxyType(
    {
        "binance": Coverage(
            kind=CoverageKind.SAMPLED,
            short=N_("one a second per symbol"),
            sentence=N_("Binance publishes one liquidation a second per symbol at most: a lower bound."),
        ),
        "bybit": Coverage(
            kind=CoverageKind.FULL,
            short=N_("all"),
            sentence=N_("Bybit publishes every liquidation."),
        ),
        "okx": Coverage(
            kind=CoverageKind.SAMPLED,
            short=N_("one a second per contract"),
            sentence=N_(
                "OKX publishes a part of its liquidations, about one a second per contract: a lower bound."
            ),
        ),
        "hyperliquid": Coverage(
            kind=CoverageKind.PARTIAL,
            short=N_("followed addresses only"),
            sentence=N_(
                "Hyperliquid publishes no liquidations: seen are only those that a followed address "
                "took part in, a small and biased part."
            ),
        ),
    }
)
"""How much of each venue's liquidations is seen, by venue."""


def coverage(venue: str) -> Coverage:
    """Return how much of a venue's liquidations is seen; unknown where nothing is said of the venue."""
    return COVERAGE.get(venue) or Coverage(
        kind=CoverageKind.UNKNOWN,
        short=_("not known"),
        sentence=_("How much of its liquidations {title} publishes is not known.").format(title=title(venue)),
    )


def limits_of(venues: Iterable[str]) -> tuple[str, ...]:
    """Return a sentence for each venue of which not everything is seen, in the order given."""
    found = (coverage(venue) for venue in dict.fromkeys(venues))
    return tuple(_(each.sentence) for each in found if not each.full)
