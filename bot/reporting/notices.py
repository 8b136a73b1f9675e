"""Tell people what became of what they had posted: their reports rest, their alerts come elsewhere."""

import hashlib
from dataclasses import dataclass

from sqlalchemy.orm import Session

from bot.alerting.elsewhere import Missed, elsewhere
from engine.model import Severity
from storage import alerts
from storage.alerts import NOTICE, StepRow
from storage.channels import IN_APP, KINDS, home
from storage.epochs import current_epoch
from storage.outbox import Outgoing, enqueue
from storage.tables import Alert

SEVERITY = Severity.WARNING


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A word to an owner: `about` tells notices apart, so that the same one is never written twice."""

    owner: str
    about: str
    title: str
    text: str
    left: tuple[str, str] = (IN_APP, "")


def tell(session: Session, notice: Notice, *, now_ms: int, wall_ms: int) -> bool:
    """Queue a word to an owner in their chat, or wherever they are reached; False where it was told before.

    It never goes to the place that it is about (`left`).
    """
    number = hashlib.blake2b(f"{notice.owner}|{notice.about}".encode(), digest_size=8).hexdigest()
    alert_id = f"n{number}"
    if session.get(Alert, alert_id) is not None:
        return False
    epoch = current_epoch(session)
    alert = Alert(
        alert_id=alert_id,
        fire_id=f"{NOTICE}-{number}",
        user_id=notice.owner,
        rule_id=0,
        kind=NOTICE,
        symbol="",
        severity=SEVERITY.value,
        subject=NOTICE,
        audience="|".join(notice.left),
        market_ms=now_ms,
        wall_ms=wall_ms,
        price=0.0,
        action="send",
        reason=NOTICE,
        hold_until_ms=None,
        carrier_id=None,
        facts={},
        epoch=epoch,
    )
    session.add(alert)
    session.flush()
    alerts.add_steps(session, alert, [StepRow(stage=NOTICE, action="send", reason=NOTICE)], now_ms)
    missed = Missed(owner=notice.owner, alert_id=alert_id, severity=SEVERITY, place=notice.left)
    kinds = (*KINDS, home(notice.owner)[0])
    channel, destination = elsewhere(session, missed, kinds, first=home(notice.owner))
    body = {"kind": NOTICE, "severity": SEVERITY.value, "title": notice.title, "text": notice.text}
    out = Outgoing(
        alert_id=alert_id,
        user_id=notice.owner,
        channel=channel,
        destination=destination,
        severity=SEVERITY,
        message=body | {"market_ms": now_ms},
        market_ms=now_ms,
        epoch=epoch,
    )
    return enqueue(session, out, wall_ms) is not None
