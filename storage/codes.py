"""Prove that a channel is its owner's: a code goes there, and comes back from them within ten minutes.

A code works once, for ten minutes and five tries; three a day go to one address, and three to the channels
of one user, so that nobody is bombed with codes, and no address tried out. Codes are kept as keyed digests.
"""

import hmac
import secrets
from enum import StrEnum
from typing import Final

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from engine.model import DAY_MS
from storage.channels import get_channel
from storage.sealed import Sealer
from storage.tables import ChannelCode, CodeMark, OwnChannel

LIFE_MS: Final = 600_000
TRIES: Final = 5
A_DAY: Final = 3
"""How many codes go to one address, and for one user, within 24 hours."""
DIGITS: Final = 8
REFUSED_MS: Final = 400 * DAY_MS
"""How long an address whose reader wants no codes gets none; its link lives as long."""


class Tried(StrEnum):
    """Why a code proved nothing."""

    NONE = "none"  # no code waits
    EXPIRED = "expired"
    SPENT = "spent"  # tried too often
    WRONG = "wrong"


class Limited(StrEnum):
    """Why no code may be sent."""

    OFTEN = "often"
    REFUSED = "refused"


def normal(code: str) -> str:
    """Return a code as it is compared: its digits alone."""
    return "".join(char for char in code if char.isdecimal() and char.isascii())


def new_code(
    session: Session, row: OwnChannel, address: str, sealer: Sealer, *, wall_ms: int
) -> str | Limited:
    """Return a code to be sent to a channel, in place of one that still waits; or why none may be sent.

    It counts whether it is delivered or not.
    """
    to, owner = _to(sealer, row.kind, address), sealer.mark("codes for", row.user_id)
    session.execute(delete(CodeMark).where(CodeMark.until_wall_ms <= wall_ms))
    if session.scalar(select(CodeMark.mark_id).where(CodeMark.mark == to, CodeMark.refused).limit(1)):
        return Limited.REFUSED
    if _count(session, to) >= A_DAY or _count(session, owner) >= A_DAY:
        return Limited.OFTEN
    for mark in (to, owner):
        session.add(CodeMark(mark=mark, until_wall_ms=wall_ms + DAY_MS, refused=False))
    code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"
    session.merge(
        ChannelCode(
            channel_id=row.channel_id,
            user_id=row.user_id,
            digest=_digest(sealer, row.user_id, row.channel_id, code),
            until_wall_ms=wall_ms + LIFE_MS,
            tries=0,
        )
    )
    session.flush()
    return code


def try_code(session: Session, owner: str, code: str, sealer: Sealer, *, wall_ms: int) -> OwnChannel | Tried:
    """Return the owner's channel that a code proves, now proven; or why it proves none.

    A wrong one counts against every code that the owner could have meant.
    """
    waiting = list(session.scalars(select(ChannelCode).where(ChannelCode.user_id == owner)))
    alive = [each for each in waiting if each.until_wall_ms > wall_ms]
    open_ = [each for each in alive if each.tries < TRIES]
    if not open_:
        return Tried.SPENT if alive else Tried.EXPIRED if waiting else Tried.NONE
    typed = normal(code)
    found = None
    for each in open_:
        digest = _digest(sealer, owner, each.channel_id, typed)
        if hmac.compare_digest(each.digest, digest):
            found = each
    row = get_channel(session, owner, found.channel_id) if found else None
    if found is None or row is None:
        mine = (ChannelCode.user_id == owner, ChannelCode.until_wall_ms > wall_ms)
        session.execute(update(ChannelCode).where(*mine).values(tries=ChannelCode.tries + 1))
        return Tried.WRONG
    session.delete(found)
    row.verified_wall_ms, row.off_reason = wall_ms, ""
    session.flush()
    return row


def refuse_codes(session: Session, row: OwnChannel, address: str, sealer: Sealer, *, wall_ms: int) -> None:
    """Send no codes to an address any more: its reader never asked for them."""
    mark = _to(sealer, row.kind, address)
    session.add(CodeMark(mark=mark, until_wall_ms=wall_ms + REFUSED_MS, refused=True))
    session.delete(row)
    session.flush()


def _count(session: Session, mark: str) -> int:
    found = select(func.count()).select_from(CodeMark).where(CodeMark.mark == mark, ~CodeMark.refused)
    return session.scalar(found) or 0


def _to(sealer: Sealer, kind: str, address: str) -> str:
    """Return the fingerprint that codes to an address are counted by: all spellings of a mailbox are one."""
    if kind == "email":
        local, _, domain = address.lower().rpartition("@")
        address = f"{local.partition('+')[0]}@{domain}"
    return sealer.mark("codes to", kind, address)


def _digest(sealer: Sealer, owner: str, number: int, code: str) -> str:
    return sealer.mark("code", owner, str(number), code)
