"""Keep what users found useful of what they were told: labels from which relevance can be learned later.

A label outlives its alert. Every function takes the owner, and never sees another's.
"""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from storage.alerts import NOT_FIRES, own_alert
from storage.tables import Alert, Label


def put_label(session: Session, owner: str, alert_id: str, *, useful: bool, wall_ms: int) -> Alert | None:
    """Note whether the owner found an alert useful, the last word counts; None where it is not theirs.

    Tests and digests are not judged: no fire stands behind them.
    """
    alert = own_alert(session, owner, alert_id)
    if alert is None or alert.kind in NOT_FIRES:
        return None
    label = session.get(Label, (alert_id, owner))
    if label is None:
        session.add(Label(alert_id=alert_id, user_id=owner, useful=useful, at_wall_ms=wall_ms))
    else:
        label.useful, label.at_wall_ms = useful, wall_ms
    session.flush()
    return alert


def labels_of(session: Session, owner: str, alert_ids: Sequence[str]) -> dict[str, bool]:
    """Return which of some alerts the owner found useful, and which not; others are left out."""
    query = select(Label.alert_id, Label.useful).where(
        Label.user_id == owner, Label.alert_id.in_(list(alert_ids))
    )
    return {row.alert_id: row.useful for row in session.execute(query)}
