"""Keep the channels that users set up themselves; what users ask takes the owner, and sees no other's.

Addresses and secrets are sealed, each bound to its owner, its kind and what it is. All times are the
machine's clock. How a channel is proven to be its owner's is in `storage.codes`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypedDict, Unpack

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from engine.errors import UserError
from engine.model import DAY_MS, Severity
from storage.outbox import ARRIVED, GONE, LOST, State
from storage.places import reopen_place
from storage.sealed import Sealer
from storage.tables import OwnChannel, Rule
from storage.users import ensure_user

KINDS: Final = ("email", "webhook", "apprise")
"""What kinds of channel a user can set up; the names are those of the channels that deliver."""
CHATS: Final = ("discord", "telegram")
"""Platforms on which users are written to by their own name: `telegram:42`."""
IN_APP: Final = "inapp"
MOST: Final = 10
"""How many channels one user may have."""
UNPROVEN_MS: Final = DAY_MS
"""How long an address that nobody proved is kept."""
STOPPED: Final = "its reader wanted no more"
_ADDRESS, _SECRET = "address", "secret"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewChannel:
    """What a user asks for. `address` is in its usual form, so that the same is known again."""

    kind: str
    address: str = field(repr=False)
    secret: str = field(default="", repr=False)


class ChannelChanges(TypedDict, total=False):
    """What may be changed about a channel; `position` counts from 1, and the others move up."""

    severities: Sequence[Severity]
    position: int
    label: str


def add_channel(session: Session, owner: str, new: NewChannel, sealer: Sealer, *, wall_ms: int) -> OwnChannel:
    """Add a channel, not proven yet, or return the one of that address, with the new secret while not proven.

    Raise UserError where the owner has as many as there can be. What nobody proved in a day goes.
    """
    ensure_user(session, owner, wall_ms)
    old = OwnChannel.created_wall_ms < wall_ms - UNPROVEN_MS
    session.execute(delete(OwnChannel).where(OwnChannel.verified_wall_ms.is_(None), old))
    mine = list_channels(session, owner)
    mark = sealer.mark("channel", new.kind, new.address)
    row = next((each for each in mine if each.kind == new.kind and each.mark == mark), None)
    if row is not None and row.verified_wall_ms is not None:
        return row
    if row is None:
        if len(mine) >= MOST:
            raise UserError(f"You have {MOST} channels, the most there can be.", example="/channels list")
        row = OwnChannel(
            user_id=owner,
            kind=new.kind,
            mark=mark,
            severities=[severity.value for severity in Severity],
            position=len(mine) + 1,
            created_wall_ms=wall_ms,
        )
        session.add(row)
    row.address = sealer.seal(new.address, about=_about(row, _ADDRESS))
    row.secret = sealer.seal(new.secret, about=_about(row, _SECRET)) if new.secret else ""
    session.flush()
    return row


def address_in(row: OwnChannel, sealer: Sealer) -> str:
    """Return a channel's address. Raise SealError."""
    return sealer.open(row.address, about=_about(row, _ADDRESS))


def secret_in(row: OwnChannel, sealer: Sealer) -> str:
    """Return what signs messages to a channel, empty where nothing does. Raise SealError."""
    return sealer.open(row.secret, about=_about(row, _SECRET)) if row.secret else ""


def seal_anew(session: Session, sealer: Sealer) -> int:
    """Seal with the present key what keys of before have sealed; return how many channels those were.

    What no key opens stays as it is.
    """
    rows = [row for row in session.scalars(select(OwnChannel)) if sealer.is_old(row.address)]
    rows = [row for row in rows if sealer.knows(row.address)]
    for row in rows:
        address, secret = address_in(row, sealer), secret_in(row, sealer)
        row.address = sealer.seal(address, about=_about(row, _ADDRESS))
        row.secret = sealer.seal(secret, about=_about(row, _SECRET)) if secret else ""
        row.mark = sealer.mark("channel", row.kind, address)
    session.flush()
    return len(rows)


def _about(row: OwnChannel, what: str) -> tuple[str, ...]:
    return ("channel", what, row.user_id, row.kind)


def list_channels(session: Session, owner: str) -> list[OwnChannel]:
    """Return the owner's channels in their order."""
    query = select(OwnChannel).where(OwnChannel.user_id == owner)
    return list(session.scalars(query.order_by(OwnChannel.position, OwnChannel.channel_id)))


def get_channel(session: Session, owner: str, number: int) -> OwnChannel | None:
    """Return one of the owner's channels, None where they have none of that number."""
    mine = (OwnChannel.user_id == owner, OwnChannel.channel_id == number)
    return session.scalars(select(OwnChannel).where(*mine)).one_or_none()


def usable(row: OwnChannel) -> bool:
    """Say whether alerts are sent to a channel: it is proven, and not off."""
    return row.verified_wall_ms is not None and not row.off_reason


def takes(row: OwnChannel) -> frozenset[Severity]:
    """Return the severities that a channel takes."""
    return frozenset(severity for severity in Severity if severity.value in row.severities)


def change_channel(
    session: Session, owner: str, number: int, **changes: Unpack[ChannelChanges]
) -> OwnChannel | None:
    """Change one of the owner's channels and return it, None where they have none of that number."""
    row = get_channel(session, owner, number)
    if row is None:
        return None
    if "severities" in changes:
        row.severities = [severity.value for severity in Severity if severity in changes["severities"]]
    if "label" in changes:
        row.label = changes["label"]
    if "position" in changes:
        others = [each for each in list_channels(session, owner) if each is not row]
        others.insert(max(0, changes["position"] - 1), row)
        _number(others)
    session.flush()
    return row


def remove_channel(session: Session, owner: str, number: int) -> OwnChannel | None:
    """Remove one of the owner's channels and return it as it was; their rules that go there go home again."""
    row = get_channel(session, owner, number)
    if row is None:
        return None
    channel, _place = home(owner)
    there = (Rule.user_id == owner, Rule.to_channel == row.kind, Rule.to_place == str(number))
    session.execute(update(Rule).where(*there).values(to_channel=channel, to_place=""))
    session.delete(row)
    session.flush()
    _number(list_channels(session, owner))
    return row


def rules_there(session: Session, owner: str, row: OwnChannel) -> int:
    """Return how many of the owner's rules tell a channel."""
    there = (Rule.user_id == owner, Rule.to_channel == row.kind, Rule.to_place == str(row.channel_id))
    return session.scalar(select(func.count()).select_from(Rule).where(*there)) or 0


def _number(rows: Iterable[OwnChannel]) -> None:
    for position, row in enumerate(rows, 1):
        row.position = position


def home(owner: str) -> tuple[str, str]:
    """Return where a user is told without any channel of their own: their chat, else the app.

    A group that owns alerts has no chat of its own to fall back to.
    """
    chat, _, number = owner.partition(":")
    return (chat, owner) if chat in CHATS and number.isdecimal() else (IN_APP, owner)


def note_attempt(
    session: Session, place: tuple[str, str, str], state: State, reason: str, *, wall_ms: int
) -> None:
    """Note what became of a message at (owner, kind, destination): a success turns a channel on again.

    One that is gone is off. Anything else than a channel of a user is left alone.
    """
    owner, kind, destination = place
    if kind not in KINDS or not destination.isdecimal():
        return
    row = get_channel(session, owner, int(destination))
    if row is None or row.kind != kind or state is State.VOID:
        return
    if state in ARRIVED:
        row.ok_wall_ms, row.off_reason = wall_ms, ""
    elif reason:
        row.failed_wall_ms, row.failed_reason = wall_ms, reason.removeprefix(GONE)[:200]
    if state in LOST and reason.startswith(GONE):
        row.off_reason = row.failed_reason
    session.flush()


def turn_on(session: Session, owner: str, number: int, *, wall_ms: int) -> None:
    """Note that a channel takes messages: it is on, and what it refused before counts no more."""
    row = get_channel(session, owner, number)
    if row is not None:
        row.ok_wall_ms, row.off_reason = wall_ms, ""
        reopen_place(session, row.kind, str(number))


def turn_off(session: Session, kind: str, destination: str, reason: str) -> OwnChannel | None:
    """Send nothing to a channel any more, as its reader asked by a link of a message; None where none is."""
    if not destination.isdecimal():
        return None
    mine = (OwnChannel.channel_id == int(destination), OwnChannel.kind == kind)
    row = session.scalars(select(OwnChannel).where(*mine)).one_or_none()
    if row is not None:
        row.off_reason = reason[:200]
        session.flush()
    return row
