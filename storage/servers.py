"""Keep what servers and groups set, and which places are theirs.

A server is an owner like a user (`discord:server-200`, `telegram:-100123`), so that what is set for it is
exported and forgotten the way a user's things are. Nothing here asks who may set it: commands do.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session

from engine.model import DAY_MS, Severity
from storage.alerts import NOT_FIRES
from storage.places import within
from storage.tables import Alert, Base, Delivery, Report, Rule, Server, ServerPlace
from storage.users import ensure_user, known_user


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosted:
    """The server that a place belongs to, and what it has set."""

    server_id: str
    values: Mapping[str, Any] = field(default_factory=dict)


def server_values(session: Session, server_id: str) -> dict[str, Any]:
    """Return what a server has set, in JSON values; empty where nothing is."""
    row = session.get(Server, server_id)
    return {} if row is None else dict(row.values)


def set_server(
    session: Session, server_id: str, changes: Mapping[str, Any], *, wall_ms: int
) -> dict[str, Any]:
    """Set some of a server's settings, leave the others, and return all; None puts one back."""
    values = _server(session, server_id, wall_ms).values | dict(changes)
    kept = {name: value for name, value in values.items() if value is not None}
    session.merge(Server(user_id=server_id, values=kept, away_reason=""))
    session.flush()
    return kept


def host_of(session: Session, channel: str, place: str) -> Hosted | None:
    """Return the server that a place is known to belong to, None where there is none."""
    if not place:
        return None
    row = session.execute(
        select(Server.user_id, Server.values)
        .join(ServerPlace, ServerPlace.user_id == Server.user_id)
        .where(ServerPlace.channel == channel, ServerPlace.place == place)
    ).one_or_none()
    return None if row is None else Hosted(server_id=row.user_id, values=row.values)


def note_place(session: Session, server_id: str, place: tuple[str, str], *, wall_ms: int) -> None:
    """Take note that a place belongs to a server."""
    _server(session, server_id, wall_ms)
    session.merge(ServerPlace(channel=place[0], place=place[1], user_id=server_id))
    session.flush()


def adopt(session: Session, server_id: str, channel: str, places: Iterable[str], *, wall_ms: int) -> int:
    """Take note of a server's places that alerts are posted in and that were not known; return how many."""
    known = exists().where(ServerPlace.channel == channel, ServerPlace.place == Rule.to_place)
    posted = select(Rule.to_place).where(Rule.to_channel == channel, Rule.to_place != "", ~known).distinct()
    wanted = set(places)
    found = [place for place in session.scalars(posted) if place in wanted or place.split("/")[0] in wanted]
    for place in found:
        note_place(session, server_id, (channel, place), wall_ms=wall_ms)
    return len(found)


def posted_reports(session: Session, server_id: str) -> list[dict[str, Any]]:
    """Return the reports that are posted in a server as plain rows, without whose they are."""
    shown = [column for column in Report.__table__.columns if column.name not in ("user_id", "alert_id")]
    query = select(*shown).where(Report.server_id == server_id).order_by(Report.report_id)
    return [dict(row) for row in session.execute(query).mappings()]


def rules_in(session: Session, server_id: str) -> int:
    """Return how many alerts that have not ended are posted in a server, whoever owns them."""
    count = select(func.count()).select_from(Rule).join(ServerPlace, _posted_in())
    return session.scalar(count.where(ServerPlace.user_id == server_id, Rule.ended_ms.is_(None))) or 0


def rules_of_server(session: Session, server_id: str) -> list[Rule]:
    """Return the alerts that are posted in a server and have not ended, whoever owns them."""
    found = select(Rule).join(ServerPlace, _posted_in()).where(ServerPlace.user_id == server_id)
    return list(session.scalars(found.where(Rule.ended_ms.is_(None)).order_by(Rule.rule_id)))


def _posted_in() -> ColumnElement[bool]:
    return and_(ServerPlace.channel == Rule.to_channel, ServerPlace.place == Rule.to_place)


def criticals_in(session: Session, server_id: str, day_ms: int, *, epoch: int) -> int:
    """Return how many critical messages rang in a server on the UTC day that begins at `day_ms`."""
    there = and_(ServerPlace.channel == Delivery.channel, ServerPlace.place == Delivery.destination)
    count = (
        select(func.count(func.distinct(Delivery.alert_id)))
        .join(ServerPlace, there)
        .join(Alert, Alert.alert_id == Delivery.alert_id)
        .where(
            ServerPlace.user_id == server_id,
            Delivery.severity == Severity.CRITICAL.value,
            Delivery.revision == 0,
            Delivery.market_ms >= day_ms,
            Delivery.market_ms < day_ms + DAY_MS,
            Delivery.epoch == epoch,
            Alert.kind.not_in(NOT_FIRES),
        )
    )
    return session.scalar(count) or 0


def leave_server(session: Session, server_id: str, reason: str) -> list[Report]:
    """Take note that the bot is not in a server any more; return its reports, which rest now."""
    session.execute(update(Server).where(Server.user_id == server_id).values(away_reason=reason))
    awake = select(Report).where(Report.server_id == server_id, Report.off_reason == "")
    resting = list(session.scalars(awake))
    for report in resting:
        report.off_reason = reason
    session.flush()
    return resting


def return_to_server(session: Session, server_id: str) -> int:
    """Take note that the bot is in a server again; return how many reports are posted there again."""
    server = session.get(Server, server_id)
    reason = server.away_reason if server is not None else ""
    if server is None or not reason:
        return 0
    server.away_reason = ""
    rested = (Report.server_id == server_id, Report.off_reason == reason)
    back = session.execute(update(Report).where(*rested).values(off_reason="").returning(Report.report_id))
    return len(back.all())


def drop_role(session: Session, server_id: str, role: str) -> bool:
    """Take a role that is no more out of what a server has set; say whether it was in it."""
    server = session.get(Server, server_id)
    if server is None:
        return False
    kept = {name: value for name, value in server.values.items() if value != role}
    changed = kept != server.values
    server.values = kept
    session.flush()
    return changed


def forget_server(session: Session, server_id: str, channel: str) -> list[str]:
    """Remove the reports of a server and pause the alerts posted there; return the symbols of those.

    What the server owns itself goes with its owner: `storage.forget`.
    """
    session.execute(delete(Report).where(Report.server_id == server_id))
    places = list(session.scalars(select(ServerPlace.place).where(ServerPlace.user_id == server_id)))
    if not places:
        return []
    here = (Rule.to_channel == channel, Rule.to_place.in_(places), ~Rule.paused)
    return sorted(set(session.scalars(update(Rule).where(*here).values(paused=True).returning(Rule.symbol))))


def move_server(session: Session, channel: str, old: str, new: str) -> None:
    """Give a group its new number: its places, its reports, and everything that it owns itself."""
    before, after = f"{channel}:{old}", f"{channel}:{new}"
    for place in session.scalars(
        select(ServerPlace).where(ServerPlace.channel == channel, within(ServerPlace.place, old))
    ).all():
        name = new + place.place.removeprefix(old)
        if session.get(ServerPlace, (channel, name)) is None:
            place.place = name
        else:
            session.delete(place)
    session.flush()
    session.execute(
        update(Report).where(Report.to_channel == channel, Report.to_place == old).values(to_place=new)
    )
    session.execute(update(Report).where(Report.server_id == before).values(server_id=after))
    if known_user(session, before):
        _rename(session, before, after)
    server = session.get(Server, after)
    if server is not None and server.values.get("channel") == old:
        server.values = server.values | {"channel": new}
        session.flush()


def _rename(session: Session, before: str, after: str) -> None:
    """Let another owner have every row of one; what that one has already of its own stays."""
    ensure_user(session, after, 0)
    for table in Base.metadata.sorted_tables:
        if "user_id" in table.c and table.name != "users":
            mine = update(table).where(table.c.user_id == before).values(user_id=after)
            session.execute(mine.prefix_with("OR IGNORE", dialect="sqlite"))
    users = Base.metadata.tables["users"]
    session.execute(delete(users).where(users.c.user_id == before))
    session.expire_all()


def _server(session: Session, server_id: str, wall_ms: int) -> Server:
    row = session.get(Server, server_id)
    if row is None:
        ensure_user(session, server_id, wall_ms)
        row = Server(user_id=server_id, values={}, away_reason="")
        session.add(row)
        session.flush()
    return row


def server_reports_and(owner: str, server_id: str) -> ColumnElement[bool]:
    """Return the condition that a report is an owner's, or is posted in a server that they manage."""
    mine = Report.user_id == owner
    return or_(mine, Report.server_id == server_id) if server_id else mine
