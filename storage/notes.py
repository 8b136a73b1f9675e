"""Remember small facts of the installation itself, such as where the replay stands. Never a user's."""

from typing import Any

from sqlalchemy.orm import Session

from storage.tables import Note


def get_note(session: Session, name: str) -> dict[str, Any] | None:
    """Return a note's JSON object, or None."""
    row = session.get(Note, name)
    return None if row is None else dict(row.value)


def set_note(session: Session, name: str, value: dict[str, Any] | None) -> None:
    """Write a note, or remove it with None."""
    row = session.get(Note, name)
    if value is None:
        if row is not None:
            session.delete(row)
    elif row is None:
        session.add(Note(name=name, value=value))
    else:
        row.value = value
    session.flush()
