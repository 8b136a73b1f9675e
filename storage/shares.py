"""Keep rules that users gave away by a code: whoever has one can read its rule, and nothing else."""

import secrets
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from engine.errors import UserError
from storage.tables import Share
from storage.users import ensure_user

MAX_SHARES: Final = 50
"""How many codes one user may have."""
CODE_BYTES: Final = 16
"""128 random bits: nobody finds a code by trying. Written in hex, no chat takes a part of it for markup."""


def share_rule(session: Session, owner: str, payload: dict[str, Any], *, wall_ms: int) -> str:
    """Keep a rule and return its code; the one it has where the owner gave the same rule away before.

    Raises UserError where the owner has `MAX_SHARES` codes already.
    """
    ensure_user(session, owner, wall_ms)
    own = list(session.scalars(select(Share).where(Share.user_id == owner)))
    for share in own:
        if share.payload == payload:
            return share.code
    if len(own) >= MAX_SHARES:
        raise UserError(
            f"You have given away {MAX_SHARES} alerts, the most there can be.", example="/alert list"
        )
    code = secrets.token_hex(CODE_BYTES)
    session.add(Share(code=code, user_id=owner, payload=payload, created_wall_ms=wall_ms))
    session.flush()
    return code


def shared_rule(session: Session, code: str) -> dict[str, Any] | None:
    """Return the rule of a code, or None where there is none; never whose it was."""
    share = session.get(Share, code)
    return None if share is None else dict(share.payload)


def count_shares(session: Session, owner: str) -> int:
    """Return how many codes the owner has."""
    return session.scalar(select(func.count()).select_from(Share).where(Share.user_id == owner)) or 0
