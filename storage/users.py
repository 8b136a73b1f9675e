"""Know the users and what each has set."""

from typing import Any

from sqlalchemy.orm import Session

from storage.tables import Settings, User


def ensure_user(session: Session, user_id: str, wall_ms: int) -> User:
    """Return the user, made now if new; note that they were seen."""
    user = session.get(User, user_id)
    if user is None:
        user = User(user_id=user_id, created_wall_ms=wall_ms, seen_wall_ms=wall_ms)
        session.add(user)
        session.flush()
    user.seen_wall_ms = max(user.seen_wall_ms, wall_ms)
    return user


def known_user(session: Session, user_id: str) -> bool:
    """Say whether there is such a user."""
    return session.get(User, user_id) is not None


def get_settings(session: Session, user_id: str) -> dict[str, Any]:
    """Return what the user has set, in JSON values; empty where nothing is (the defaults hold)."""
    row = session.get(Settings, user_id)
    return {} if row is None else dict(row.values)


def set_settings(session: Session, user_id: str, changes: dict[str, Any], *, wall_ms: int) -> dict[str, Any]:
    """Set some settings, leave the others, and return all; None puts one back to its default.

    What the values mean, and whether they are allowed, is the caller's to know.
    """
    ensure_user(session, user_id, wall_ms)
    values = get_settings(session, user_id) | changes
    kept = {name: value for name, value in values.items() if value is not None}
    session.merge(Settings(user_id=user_id, values=kept))
    session.flush()
    return dict(kept)
