"""Hold the small parts around the alert engine: the market's clock, the last price, what is loaded."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from sqlalchemy.orm import Session

from engine.alerts.reasons import Reason
from engine.model import Fire, RuleId, Severity, Watch, ZoneSet
from engine.rules.zone_proximity import still_true
from storage import alert_state, alerts
from storage.alert_state import ArmChange, Fired
from storage.epochs import current_epoch
from storage.notes import get_note, set_note
from storage.rule_memory import follow_up_times
from storage.rules import ZONE_PROXIMITY, rules_for_symbol, watches_of_all
from storage.tables import Rule

YOUNG_MS = 60_000
"""A rule without arms that is younger than this at start may not have had its first look yet."""
BATCH = 64
"""How many watches' fires are decided in one transaction, so that a crowd does not hold up the store."""
LATE_MS = 300_000
"""What is due for longer than this (after a stop or a jump) is decided as of now, not as of then."""
MARKS = "alerting"
"""The note that says how far each symbol was looked at."""
KEEP_DAYS = 90
"""How long alerts are kept in the state store; analytics keep them longer."""


class MarketClock(Protocol):
    """Be the market's clock."""

    def now_ms(self) -> int:
        """Return the market time."""

    def label(self) -> str:
        """Return the line shown on everything; empty when live."""


class Latest(NamedTuple):
    """The last price of a symbol with the zones that stood."""

    price: float
    ts: int
    zones: ZoneSet | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertingHealth:
    """How alerting fares: watches by symbol, what waits, the epoch, the last fault."""

    watches: dict[str, int]
    next_due_ms: int | None
    epoch: int
    unwritten_history: int
    fault: str


def nothing() -> None:
    """Wake nobody."""


def wall_clock_ms() -> int:
    """Return the machine's time in ms UTC."""
    return time.time_ns() // 1_000_000


def arm_key(change: ArmChange) -> tuple[RuleId, str, Severity]:
    """Return what a change of an arm is about; a later change of the same replaces it."""
    return change.rule_id, change.subject, change.severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What is taken up at start: epoch, watches by symbol, arms, due times, how far each symbol was seen."""

    epoch: int
    rules: dict[str, list[Rule]]
    fired: Fired
    due: list[int]
    marks: dict[str, int]


def holds(watch: Watch | None, now: Latest | None, fire: Fire) -> bool | None:
    """Say whether what a held fire told holds at the last price; None while no price is known."""
    if watch is None:
        return False
    if now is None or now.zones is None:
        return None
    return still_true(watch, now.zones, fire, now.price)


def as_of(due_ms: int, until_ms: int, known: Iterable[int]) -> int:
    """Return the time to decide as of: when it was due, but not before the last price nor long ago.

    `known` are the times of prices and of looks; prices after `until_ms` have not been looked at.
    """
    found_ms = min(max([due_ms, *(ms for ms in known if ms <= until_ms)]), until_ms)
    return found_ms if until_ms - found_ms <= LATE_MS else until_ms


def load_all(session: Session) -> Loaded:
    """Return everything that alerting keeps in memory."""
    epoch = current_epoch(session)
    note = get_note(session, MARKS) or {}
    return Loaded(
        epoch=epoch,
        rules=watches_of_all(session),
        fired=alert_state.load_arms(session, epoch=epoch),
        due=[*alerts.due_times(session, epoch=epoch), *follow_up_times(session, epoch=epoch)],
        marks={s: int(ms) for s, ms in note.get("seen_ms", {}).items() if note.get("epoch") == epoch},
    )


def write_marks(session: Session, marks: dict[str, int]) -> None:
    """Note up to which market time each symbol was looked at, with everything that followed on disk."""
    set_note(session, MARKS, {"epoch": current_epoch(session), "seen_ms": dict(marks)})


def reload_symbol(session: Session, symbol: str, now_ms: int) -> tuple[list[Rule], int]:
    """Return a symbol's watches, and how many alerts that a snooze held are to be looked at again."""
    moved = alerts.bring_forward(session, [Reason.SNOOZED], now_ms, symbol=symbol)
    return watches_on(session, symbol), moved


def watches_on(session: Session, symbol: str) -> list[Rule]:
    """Return everybody's watches on a symbol."""
    return rules_for_symbol(session, symbol, kind=ZONE_PROXIMITY)
