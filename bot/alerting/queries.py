"""Answer questions about alerts from the store, and keep the store tidy: what needs no watching."""

from collections.abc import Callable

import structlog
from sqlalchemy.orm import Session

from bot.alerting import history
from bot.alerting.audit import Finding, audit
from bot.alerting.history import Happened
from bot.alerting.parts import KEEP_DAYS, MarketClock
from engine.model import DAY_MS, RuleId, UserId
from storage import alerts
from storage.rules import forget_ended
from storage.state import StateStore

log = structlog.get_logger(__name__)


class AlertQueries:
    """History, the auditor and retention."""

    def __init__(self, state: StateStore, market: MarketClock, wall_ms: Callable[[], int]) -> None:
        self._state = state
        self._market = market
        self._wall_ms = wall_ms

    async def audit(self) -> list[Finding]:
        """Return what should not be; each finding is logged."""
        wall_ms, now_ms = self._wall_ms(), self._market.now_ms()
        found = await self._state.read(lambda s: audit(s, wall_ms=wall_ms, now_ms=now_ms))
        for finding in found:
            log.error("alerting.audit", what=finding.what, row=finding.row)
        return found

    async def forget_old(self) -> int:
        """Remove what of history, and of rules that have ended, is older than is kept; return how many."""
        kept_ms = KEEP_DAYS * DAY_MS
        before_ms, ended_ms = self._wall_ms() - kept_ms, self._market.now_ms() - kept_ms

        def work(session: Session) -> int:
            forget_ended(session, before_ms=ended_ms)
            return alerts.forget_old(session, before_wall_ms=before_ms)

        return await self._state.run(work)

    async def history(
        self, owner: UserId, *, rule_id: RuleId | None = None, limit: int = 20, offset: int = 0
    ) -> list[Happened]:
        """Return what became of a user's alerts, newest first."""
        return await self._state.read(
            lambda s: history.history(s, owner, rule_id=rule_id, limit=limit, offset=offset)
        )

    async def show(self, owner: UserId, alert_id: str) -> Happened | None:
        """Return the whole way of one of a user's alerts, or None where it is not theirs."""
        return await self._state.read(lambda s: history.show(s, owner, alert_id))
