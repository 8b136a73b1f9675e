"""Find where else to tell an owner what one place does not take: own channels, their chat, the app."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.lang import N_, _
from engine.model import Severity
from storage.channels import CHATS, IN_APP, KINDS, get_channel, home, list_channels, takes, usable
from storage.outbox import LOST, disabled_reason
from storage.tables import Delivery

NAMES = {"email": N_("E-mail"), "webhook": N_("Webhook"), "apprise": N_("Apprise"), "inapp": N_("The app")}
Place = tuple[str, str]
"""A channel's name and a destination of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """A message that one place does not take: whose, of which alert, how bad, and which place that was."""

    owner: str
    alert_id: str
    severity: Severity
    place: Place


def elsewhere(
    session: Session, missed: Missed, kinds: Collection[str], *, first: Place | None = None
) -> Place:
    """Return where a message goes instead: to `first` if that works, else along the owner's own ways.

    These are their channels in their order, then their chat, of what is in `kinds`; then the app, which takes
    everything.
    A place that is off, or that has failed with this alert before, is passed over.
    """
    failed = _failed(session, missed.alert_id) | {missed.place}
    for place in _ways(session, missed, kinds, first):
        if place not in failed and disabled_reason(session, missed.owner, *place) is None:
            return place
    return (IN_APP, missed.owner)


def told_elsewhere(session: Session, missed: Missed) -> bool:
    """Say whether the alert is, or will be, told somewhere else as well."""
    others = select(Delivery.channel, Delivery.destination).where(
        Delivery.alert_id == missed.alert_id,
        Delivery.user_id == missed.owner,
        Delivery.revision == 0,
        Delivery.state.not_in(LOST),
    )
    return any((row.channel, row.destination) != missed.place for row in session.execute(others))


def name_of(channel: str, destination: str) -> str:
    """Return what a place is called in a sentence: "E-mail 3", "Telegram"."""
    name = _(NAMES.get(channel, channel.capitalize()))
    return f"{name} {destination}" if channel in KINDS and destination.isdecimal() else name


def off_reason(session: Session, owner: str, place: Place, kinds: Collection[str]) -> str | None:
    """Return why a place is off, or None where messages go there; `kinds` is what runs here."""
    channel, destination = place
    if channel in KINDS and destination.isdecimal():
        if channel not in kinds:
            return _("it is not set up here")
        row = get_channel(session, owner, int(destination))
        if row is None or row.kind != channel:
            return _("it was removed")
        if not usable(row):
            return row.off_reason or _("it is not verified")
    return disabled_reason(session, owner, channel, destination)


def _failed(session: Session, alert_id: str) -> set[Place]:
    lost = select(Delivery.channel, Delivery.destination).where(
        Delivery.alert_id == alert_id, Delivery.revision == 0, Delivery.state.in_(LOST)
    )
    return {(row.channel, row.destination) for row in session.execute(lost)}


def _ways(session: Session, missed: Missed, kinds: Collection[str], first: Place | None) -> Iterator[Place]:
    if first is not None and first[0] != IN_APP:
        yield first
    for row in list_channels(session, missed.owner) if kinds else ():
        if row.kind in kinds and usable(row) and missed.severity in takes(row):
            yield (row.kind, str(row.channel_id))
    chat = home(missed.owner)
    if chat[0] in CHATS and chat[0] in kinds:
        yield chat
