"""Count the epochs of a replay: each time it is sought backwards, what was decided before is void."""

from sqlalchemy.orm import Session

from storage.notes import get_note, set_note

NOTE = "epoch"


def current_epoch(session: Session) -> int:
    """Return the present epoch; 0 where nothing was ever sought backwards."""
    note = get_note(session, NOTE)
    return int(note["number"]) if note else 0


def begin_epoch(session: Session, *, market_ms: int, wall_ms: int) -> int:
    """Start a new epoch at a market time and return its number."""
    number = current_epoch(session) + 1
    set_note(session, NOTE, {"number": number, "market_ms": market_ms, "wall_ms": wall_ms})
    return number
