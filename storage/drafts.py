"""Keep alerts that were shown and not saved yet; every function takes the owner, and never sees another's."""

import secrets
from typing import Any, Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from storage.tables import Draft
from storage.users import ensure_user

MAX_DRAFTS: Final = 5
"""How many drafts of one user are kept, the newest."""


def add_draft(session: Session, owner: str, body: dict[str, Any], *, wall_ms: int) -> str:
    """Keep a draft and return its id; the owner's oldest go where there are too many."""
    ensure_user(session, owner, wall_ms)
    draft_id = secrets.token_urlsafe(9)
    newest = select(Draft).where(Draft.user_id == owner).order_by(Draft.made_wall_ms.desc())
    kept = list(session.scalars(newest.limit(MAX_DRAFTS - 1)))
    others = Draft.draft_id.not_in([draft.draft_id for draft in kept])
    session.execute(delete(Draft).where(Draft.user_id == owner, others))
    made_ms = max(wall_ms, kept[0].made_wall_ms + 1) if kept else wall_ms
    session.add(Draft(draft_id=draft_id, user_id=owner, body=body, made_wall_ms=made_ms, rule_id=None))
    session.flush()
    return draft_id


def get_draft(session: Session, owner: str, draft_id: str = "") -> Draft | None:
    """Return one of the owner's drafts, their newest where none is named, or None."""
    query = select(Draft).where(Draft.user_id == owner).order_by(Draft.made_wall_ms.desc())
    if draft_id:
        query = query.where(Draft.draft_id == draft_id)
    return session.scalars(query.limit(1)).one_or_none()


def drop_draft(session: Session, owner: str, draft_id: str) -> bool:
    """Remove one of the owner's drafts; say whether there was one."""
    gone = delete(Draft).where(Draft.user_id == owner, Draft.draft_id == draft_id).returning(Draft.draft_id)
    return session.execute(gone).one_or_none() is not None
