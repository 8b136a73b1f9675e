"""Keep what is posted again and again: which reports there are, which are due, what became of the last.

`next_ms` is market time, `*_wall_ms` the machine's clock. Functions that answer a user take the owner, and
the server that they manage (empty where they manage none); those for the poster say so.
"""

from dataclasses import dataclass

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from engine.errors import UserError
from engine.lang import _
from engine.model import DAY_MS
from storage.outbox import ARRIVED, LOST
from storage.places import within
from storage.rules import watched_symbols
from storage.servers import server_reports_and
from storage.tables import Delivery, Report
from storage.users import ensure_user

DASHBOARD = "dashboard"
EDIT, NEW = "edit", "new"
KEPT_EDITS = 8
"""How many of a message's last edits are kept: a dashboard is edited all day."""
PAUSED = "paused"
"""Why a report rests that somebody paused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReport:
    """What somebody asks for; the fields are those of `storage.tables.Report`."""

    kind: str
    symbol: str
    window_ms: int
    every_s: int
    at_min: int
    to_channel: str
    to_place: str
    post: str
    next_ms: int
    server_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Most:
    """How many reports there may be: of one owner, and in one server."""

    owner: int
    server: int


def add_report(
    session: Session, owner: str, new: NewReport, most: Most, *, wall_ms: int, manages: str = ""
) -> Report:
    """Add a report and return it with its number; UserError where there are as many as there may be.

    A place has one dashboard: another one there takes the place of the first, where that is the owner's own
    or in the server that they manage (`manages`).
    """
    ensure_user(session, owner, wall_ms)
    if new.kind == DASHBOARD:
        remove_dashboard(session, owner, (new.to_channel, new.to_place), manages)
        if new.to_place and _count(session, kind=DASHBOARD, to_channel=new.to_channel, to_place=new.to_place):
            told = _("A dashboard stands here already, and it is not yours.")
            raise UserError(told, example="/report list")
    if _count(session, user_id=owner) >= most.owner:
        told = _("You have {count} reports, the most there can be.").format(count=most.owner)
        raise UserError(told, example="/report list")
    if new.server_id and _count(session, server_id=new.server_id) >= most.server:
        told = _("There are {count} reports in this server, the most there can be.").format(count=most.server)
        raise UserError(told, example="/report list")
    row = Report(
        user_id=owner,
        created_wall_ms=wall_ms,
        number=0,
        off_reason="",
        alert_id=None,
        posted_wall_ms=None,
        **{name: getattr(new, name) for name in NewReport.__dataclass_fields__},
    )
    session.add(row)
    session.flush()
    return row


def _count(session: Session, **which: str) -> int:
    return session.scalar(select(func.count()).select_from(Report).filter_by(**which)) or 0


def list_reports(session: Session, owner: str, server_id: str = "") -> list[Report]:
    """Return an owner's reports and those of the server they manage, oldest first."""
    query = select(Report).where(server_reports_and(owner, server_id)).order_by(Report.report_id)
    return list(session.scalars(query))


def get_report(session: Session, owner: str, number: int, server_id: str = "") -> Report | None:
    """Return a report of an owner's or of the server they manage, None where there is none of that number."""
    query = select(Report).where(Report.report_id == number, server_reports_and(owner, server_id))
    return session.scalars(query).one_or_none()


def remove_report(session: Session, owner: str, number: int, server_id: str = "") -> bool:
    """Remove a report; say whether there was one."""
    row = get_report(session, owner, number, server_id)
    if row is not None:
        session.delete(row)
        session.flush()
    return row is not None


def remove_dashboard(session: Session, owner: str, place: tuple[str, str], server_id: str = "") -> bool:
    """Remove the dashboard of a place; say whether there was one. In a server it is whoever's."""
    here = (Report.kind == DASHBOARD, Report.to_channel == place[0], Report.to_place == place[1])
    whose = server_reports_and(owner, server_id)
    return bool(session.scalars(delete(Report).where(*here, whose).returning(Report.report_id)).all())


def due_reports(
    session: Session, now_ms: int, wall_ms: int, *, least_gap_ms: int, limit: int
) -> list[Report]:
    """Return reports of everybody's that are due, the longest due first: for the poster alone.

    None comes sooner than `least_gap_ms` (wall clock) after the one before, however fast a replay runs.
    """
    rested = or_(Report.posted_wall_ms.is_(None), Report.posted_wall_ms <= wall_ms - least_gap_ms)
    query = select(Report).where(Report.off_reason == "", Report.next_ms <= now_ms, rested)
    return list(session.scalars(query.order_by(Report.next_ms, Report.report_id).limit(limit)))


def far_ahead(session: Session, now_ms: int) -> list[Report]:
    """Return reports that are due later than they can be: a replay was moved back. For the poster alone."""
    latest_ms = now_ms + func.max(Report.every_s * 1000, DAY_MS) + DAY_MS
    return list(session.scalars(select(Report).where(Report.next_ms > latest_ms)))


def wanted_symbols(session: Session) -> dict[str, int]:
    """Return the symbols that alerts, or reports that do not rest, are on, with how many: they are read."""
    wanted = watched_symbols(session)
    query = select(Report.symbol, func.count()).where(Report.off_reason == "").group_by(Report.symbol)
    for symbol, count in session.execute(query):
        wanted[symbol] = wanted.get(symbol, 0) + count
    return wanted


def last_delivery(session: Session, alert_id: str | None) -> Delivery | None:
    """Return the latest revision of a report's message, None where it has none."""
    if alert_id is None:
        return None
    latest = select(Delivery).where(Delivery.alert_id == alert_id)
    return session.scalars(latest.order_by(Delivery.revision.desc(), Delivery.delivery_id).limit(1)).first()


def trim_edits(session: Session, alert_id: str) -> int:
    """Forget the oldest edits of a message that are over; return how many."""
    newest = session.scalar(select(func.max(Delivery.revision)).where(Delivery.alert_id == alert_id)) or 0
    over = (
        Delivery.alert_id == alert_id,
        Delivery.revision <= newest - KEPT_EDITS,
        Delivery.state.in_([*ARRIVED, *LOST]),
    )
    return len(session.scalars(delete(Delivery).where(*over).returning(Delivery.delivery_id)).all())


def rest_reports(session: Session, channel: str, place: str, reason: str) -> list[Report]:
    """Let every report of a place and its parts rest; return those that did not before."""
    there = (Report.to_channel == channel, within(Report.to_place, place), Report.off_reason == "")
    found = list(session.scalars(select(Report).where(*there)))
    for report in found:
        report.off_reason = reason[:200]
    session.flush()
    return found


def wake_reports(session: Session, channel: str, place: str) -> int:
    """Let the reports of a place and its parts go on that did not rest because somebody paused them."""
    there = (Report.to_channel == channel, within(Report.to_place, place))
    rested = (Report.off_reason != "", Report.off_reason != PAUSED)
    woken = update(Report).where(*there, *rested).values(off_reason="").returning(Report.report_id)
    return len(session.scalars(woken).all())
