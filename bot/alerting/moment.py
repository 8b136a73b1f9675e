"""Say when, and under which rules of the house, decisions are made."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from bot.alerting.context import House
from storage.epochs import current_epoch


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Market time and wall time of one batch of decisions. `label` is the source line of messages."""

    now_ms: int
    wall_ms: int
    epoch: int
    house: House
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """A moment whose epoch is read from the store, in the transaction that decides."""

    now_ms: int
    wall_ms: int
    house: House
    label: str = ""

    def at(self, session: Session, now_ms: int | None = None) -> Moment:
        """Return the moment, or another market time of it."""
        return Moment(
            now_ms=self.now_ms if now_ms is None else now_ms,
            wall_ms=self.wall_ms,
            epoch=current_epoch(session),
            house=self.house,
            label=self.label,
        )
