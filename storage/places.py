"""Know the places that messages go to: move them where a platform renames them, open them again, count them.

A place is a chat or channel of a platform; `place/part` is a part of it (a topic of a group). These functions
are for what a platform says about a place, whoever's rules send there; no command of a user calls them.
"""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from storage.outbox import ARRIVED, GONE, WAITING, State, close
from storage.tables import Alert, Delivery, Episode, Rule

WAS_GONE = "was gone: "
"""How the reason of a refusal begins whose place is there again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What a change of a place rewrote: rules, deliveries, and the symbols that the rules are on."""

    rules: int
    deliveries: int
    symbols: tuple[str, ...]


def move_place(session: Session, channel: str, old: str, new: str) -> Moved:
    """Rewrite a place's name wherever it is kept, so that nothing is sent to the old one any more."""
    here = (Rule.to_channel == channel, Rule.to_place == old)
    symbols = session.scalars(select(Rule.symbol).where(*here).distinct()).all()
    rules = session.execute(update(Rule).where(*here).values(to_place=new).returning(Rule.rule_id)).all()
    sent = session.execute(
        update(Delivery)
        .where(Delivery.channel == channel, Delivery.destination == old)
        .values(destination=new)
        .returning(Delivery.delivery_id)
    ).all()
    _move_audience(session, f"{channel}|{old}", f"{channel}|{new}")
    return Moved(rules=len(rules), deliveries=len(sent), symbols=tuple(sorted(symbols)))


def _move_audience(session: Session, old: str, new: str) -> None:
    """Let the alerts and open episodes of a place follow it; an episode begun at the new name stays."""
    session.execute(update(Alert).where(Alert.audience == old).values(audience=new))
    begun = select(Episode.user_id, Episode.symbol, Episode.direction).where(Episode.audience == new)
    for user_id, symbol, direction in session.execute(begun).all():
        session.execute(
            delete(Episode).where(
                Episode.user_id == user_id,
                Episode.symbol == symbol,
                Episode.direction == direction,
                Episode.audience == old,
            )
        )
    session.execute(update(Episode).where(Episode.audience == old).values(audience=new))


def reopen_place(session: Session, channel: str, place: str) -> int:
    """Let messages go to a place and its parts again that was gone; return how many refusals are past."""
    gone = select(Delivery).where(
        Delivery.channel == channel,
        within(Delivery.destination, place),
        Delivery.state == State.FAILED.value,
        Delivery.reason.startswith(GONE),
    )
    rows = session.scalars(gone).all()
    for row in rows:
        row.reason = f"{WAS_GONE}{row.reason.removeprefix(GONE)}"[:200]
    session.flush()
    return len(rows)


def stop_place(session: Session, channel: str, place: str, wall_ms: int) -> Moved:
    """Pause every rule that tells a place, and drop what waits for it: its reader wants no more.

    The result names what was paused and dropped.
    """
    here = (Rule.to_channel == channel, Rule.to_place == place, ~Rule.paused)
    symbols = session.scalars(update(Rule).where(*here).values(paused=True).returning(Rule.symbol)).all()
    waiting = session.execute(
        select(Delivery.delivery_id, Delivery.user_id, Delivery.state).where(
            Delivery.channel == channel, Delivery.destination == place, Delivery.state.in_(WAITING)
        )
    ).all()
    rows = [(row.delivery_id, row.user_id, row.state) for row in waiting]
    close(session, rows, State.VOID, "its reader wanted no more", wall_ms)
    return Moved(rules=len(symbols), deliveries=len(rows), symbols=tuple(sorted(set(symbols))))


def rules_to(session: Session, channel: str, place: str, *, owner: str = "") -> int:
    """Return how many rules tell a place and its parts; with `owner`, those that tell their owner alone."""
    if owner:
        there = (Rule.user_id == owner, Rule.to_place == "")
        found = select(func.count()).select_from(Rule).where(Rule.to_channel == channel, *there)
    else:
        found = select(func.count()).select_from(Rule)
        found = found.where(Rule.to_channel == channel, within(Rule.to_place, place))
    return session.scalar(found) or 0


def last_messages(session: Session, channel: str, *, limit: int = 100_000) -> list[tuple[str, str]]:
    """Return the places of a channel that something arrived at, each with what the last message is there."""
    last = func.max(Delivery.delivery_id)
    arrived = (Delivery.channel == channel, Delivery.remote_id.is_not(None))
    newest = select(last).where(*arrived).group_by(Delivery.destination).order_by(last.desc()).limit(limit)
    rows = session.execute(
        select(Delivery.destination, Delivery.remote_id).where(Delivery.delivery_id.in_(newest))
    )
    return [(row.destination, row.remote_id) for row in rows]


def delivery_at(session: Session, owner: str, channel: str, remote_ids: tuple[str, ...]) -> int | None:
    """Return the delivery of an owner's that is the message of one of these names there, None where none."""
    return session.scalar(
        select(Delivery.delivery_id)
        .where(
            Delivery.user_id == owner,
            Delivery.channel == channel,
            Delivery.remote_id.in_(remote_ids),
            Delivery.state.in_(ARRIVED),
        )
        .order_by(Delivery.delivery_id.desc())
        .limit(1)
    )


def within(column: InstrumentedAttribute[str], place: str) -> ColumnElement[bool]:
    """Return the condition that a column names a place or a part of it."""
    return or_(column == place, column.startswith(f"{place}/", autoescape=True))
