"""Write a report into the outbox: a new message, or an edit of the one before; one transaction each.

Synchronous on a session. What is queued and when the report is due next are written together: a process that
dies in between has done neither or both, so nothing is lost and nothing is posted twice.
"""

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from bot.alerting.hosts import is_quiet
from bot.alerting.message import Message
from bot.alerting.words import moment
from bot.commands.amounts import MINUTE_MS
from bot.lang import _
from bot.reporting.notices import Notice, tell
from bot.when import next_due_ms
from engine.model import Severity
from storage import alerts, reports, servers
from storage.alerts import REPORT, StepRow
from storage.epochs import current_epoch
from storage.outbox import GONE, Outgoing, State, arrived, enqueue, revise
from storage.tables import Alert, Delivery, Report
from storage.users import get_settings

LATE_MS = 5 * MINUTE_MS
"""From this delay on a post says when it was due."""
LIFE_MS = 30 * MINUTE_MS
"""How long a post may wait to be sent; the next one says the same, newer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A report that is due, as it was read, with the clock of its place."""

    report: Report
    tz: str
    quiet: bool
    now_ms: int

    @property
    def late(self) -> bool:
        """Say whether it should have been posted a while ago."""
        return self.now_ms - self.report.next_ms > LATE_MS


def read_due(session: Session, report: Report, now_ms: int) -> Due:
    """Return a report with the clock it goes by: its server's, else its owner's."""
    host = servers.host_of(session, report.to_channel, report.to_place)
    own = get_settings(session, report.user_id).get("tz")
    tz = (host.values.get("tz") if host else None) or own or "UTC"
    quiet = host is not None and is_quiet(host.values, now_ms)
    return Due(report=report, tz=str(tz), quiet=quiet, now_ms=now_ms)


def post(session: Session, due: Due, message: Message, *, wall_ms: int) -> bool:
    """Queue what a report says now, and say when it is due next; return whether anything was queued.

    Nothing is where the report changed meanwhile. One whose place is gone rests, and its owner is told.
    """
    row = session.get(Report, due.report.report_id)
    if row is None or row.off_reason or row.next_ms != due.report.next_ms:
        return False
    last = reports.last_delivery(session, row.alert_id)
    if last is not None and last.state == State.FAILED and last.reason.startswith(GONE):
        _rest(session, row, last, due.now_ms, wall_ms)
        return False
    late = due.late and row.kind != reports.DASHBOARD
    note = _("Due at {time}: Liqwatch was not running then.") if late else ""
    body = _body(
        row, replace(message, market_ms=due.now_ms), due, note.format(time=moment(row.next_ms, due.tz))
    )
    _queue(session, row, last, body, due, wall_ms)
    row.next_ms = next_due_ms(row.every_s, row.at_min, due.tz, due.now_ms)
    row.posted_wall_ms = wall_ms
    session.flush()
    return True


def _body(row: Report, message: Message, due: Due, note: str) -> dict[str, Any]:
    asked = {"symbol": row.symbol, "window_ms": row.window_ms, "what": row.kind, "tz": due.tz}
    return message.as_json(silent=due.quiet, note=note) | {"picture": asked}


def _queue(
    session: Session, row: Report, last: Delivery | None, body: dict[str, Any], due: Due, wall_ms: int
) -> None:
    """Change the message there is, where the report wants that and there is one; else begin another."""
    epoch = current_epoch(session)
    if last is not None and row.alert_id and _changes(session, row, last):
        before = session.get(Alert, row.alert_id)
        if before is not None and revise(session, row.alert_id, body, wall_ms, epoch=epoch):
            before.market_ms = due.now_ms
            reports.trim_edits(session, row.alert_id)
            return
    row.number += 1
    row.alert_id = f"r{row.report_id}-{row.number}-{epoch}"
    alert = _alert(row, due, wall_ms, epoch)
    session.add(alert)
    session.flush()
    alerts.add_steps(session, alert, [StepRow(stage=REPORT, action="send", reason=REPORT)], due.now_ms)
    out = Outgoing(
        alert_id=row.alert_id,
        user_id=row.user_id,
        channel=row.to_channel,
        destination=row.to_place or row.user_id,
        severity=Severity.INFO,
        message=body,
        market_ms=due.now_ms,
        epoch=epoch,
        expires_wall_ms=wall_ms + LIFE_MS,
    )
    enqueue(session, out, wall_ms)


def _changes(session: Session, row: Report, last: Delivery) -> bool:
    """Say whether the last message is to be changed: it waits, or is there and no change was refused."""
    if last.state in (State.QUEUED, State.RETRY):
        return True  # what was never sent is said anew, and not twice
    if row.post != reports.EDIT or (last.state == State.FAILED and last.revision > 0):
        return False
    return last.state in (State.SENDING, State.UNKNOWN) or arrived(session, last.key)


def _alert(row: Report, due: Due, wall_ms: int, epoch: int) -> Alert:
    return Alert(
        alert_id=row.alert_id,
        fire_id=f"{REPORT}-{row.alert_id}",
        user_id=row.user_id,
        rule_id=0,
        kind=REPORT,
        symbol=row.symbol,
        severity=Severity.INFO.value,
        subject=REPORT,
        audience=f"{row.to_channel}|{row.to_place}",
        market_ms=due.now_ms,
        wall_ms=wall_ms,
        price=0.0,
        action="send",
        reason=REPORT,
        hold_until_ms=None,
        carrier_id=None,
        facts={},
        epoch=epoch,
    )


def _rest(session: Session, row: Report, last: Delivery, now_ms: int, wall_ms: int) -> None:
    """Let a report rest whose place takes nothing any more, and tell who made it."""
    row.off_reason = last.reason.removeprefix(GONE)[:200]
    tell(session, rests(row), now_ms=now_ms, wall_ms=wall_ms)


def rests(row: Report) -> Notice:
    """Return the word to an owner whose report rests."""
    told = _("Report {id} on {coin} rests: {why}.\nOnce that is mended: /report resume {id}")
    return Notice(
        owner=row.user_id,
        about=f"report|{row.report_id}|{row.number}|{row.off_reason}",
        title=_("A report of yours rests"),
        text=told.format(id=row.report_id, coin=row.symbol, why=_(row.off_reason)),
        left=(row.to_channel, row.to_place),
    )
