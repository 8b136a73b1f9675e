"""Say when, and under which rules of the house, decisions are made."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from bot.alerting.context import House
from bot.alerting.freshness import Supply
from storage.epochs import current_epoch


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Market time and wall time of one batch of decisions.

    `label` is the source line of messages; `supply` says how the data of symbols is, none of recorded ones.
    """

    now_ms: int
    wall_ms: int
    epoch: int
    house: House
    label: str = ""
    supply: Mapping[str, Supply] = field(default_factory=dict)

    def stale(self, symbol: str) -> bool:
        """Say whether the data of a symbol is too old to tell anybody anything."""
        supply = self.supply.get(symbol)
        return supply is not None and bool(supply.stale)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """A moment whose epoch is read from the store, in the transaction that decides."""

    now_ms: int
    wall_ms: int
    house: House
    label: str = ""
    supply: Mapping[str, Supply] = field(default_factory=dict)

    def at(self, session: Session, now_ms: int | None = None) -> Moment:
        """Return the moment, or another market time of it."""
        return Moment(
            now_ms=self.now_ms if now_ms is None else now_ms,
            wall_ms=self.wall_ms,
            epoch=current_epoch(session),
            house=self.house,
            label=self.label,
            supply=self.supply,
        )
