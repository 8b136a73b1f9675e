"""Keep the dialogues that are under way: one for each person and place, and few for each person."""

import secrets
from typing import Any, Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from storage.tables import Dialogue
from storage.users import ensure_user

MAX_DIALOGUES: Final = 5
"""How many of one person are kept, the newest."""


def open_dialogue(session: Session, owner: str, place: str, body: dict[str, Any], *, wall_ms: int) -> str:
    """Begin a dialogue in the stead of the one that was there, and return its key."""
    ensure_user(session, owner, wall_ms)
    end_dialogue(session, owner, place)
    newest = select(Dialogue.place).where(Dialogue.user_id == owner).order_by(Dialogue.at_wall_ms.desc())
    kept = list(session.scalars(newest.limit(MAX_DIALOGUES - 1)))
    session.execute(delete(Dialogue).where(Dialogue.user_id == owner, Dialogue.place.not_in(kept)))
    key = secrets.token_urlsafe(6)
    session.add(Dialogue(user_id=owner, place=place, key=key, body=body, at_wall_ms=wall_ms))
    session.flush()
    return key


def get_dialogue(session: Session, owner: str, place: str) -> Dialogue | None:
    """Return what is under way between the bot and one person in one place, or None."""
    return session.get(Dialogue, (owner, place))


def keep_dialogue(session: Session, owner: str, place: str, body: dict[str, Any], *, wall_ms: int) -> None:
    """Note how far a dialogue is; nothing where it has ended meanwhile."""
    row = session.get(Dialogue, (owner, place))
    if row is not None:
        row.body, row.at_wall_ms = body, wall_ms
        session.flush()


def end_dialogue(session: Session, owner: str, place: str, key: str = "") -> bool:
    """End a dialogue, only the one of a key where one is given; say whether there was one."""
    gone = delete(Dialogue).where(Dialogue.user_id == owner, Dialogue.place == place)
    if key:
        gone = gone.where(Dialogue.key == key)
    return session.execute(gone.returning(Dialogue.key)).one_or_none() is not None
