"""Hand alerts on to the market store for analytics, in batches and never in anybody's way."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Protocol

import structlog

from engine.errors import StorageError
from storage.alerts import known_users, values_of
from storage.market_tables import AlertRecord
from storage.state import StateStore
from storage.tables import Alert

log = structlog.get_logger(__name__)

MOST = 10_000
"""How many records wait at most; the oldest are dropped first, for the truth is in SQL."""


class HistoryStore(Protocol):
    """Be where alert history is kept for analytics."""

    async def add_alert_history(self, records: Sequence[AlertRecord]) -> None:
        """Accept alerts; the later word on an alert replaces the earlier."""


class Records:
    """Collect records and write them in the background, one batch at a time.

    Those of users who were forgotten meanwhile are not written any more.
    """

    def __init__(self, store: HistoryStore | None, state: StateStore) -> None:
        self._store = store
        self._state = state
        self._waiting: deque[AlertRecord] = deque(maxlen=MOST)
        self._task: asyncio.Task[None] | None = None

    def add(self, alert: Alert) -> None:
        """Take one alert as it stands now."""
        if self._store is not None:
            self._waiting.append(AlertRecord(**values_of(alert)))

    def flush(self) -> None:
        """Start writing what has come together, unless a batch is under way."""
        if self._waiting and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._write(), name="alerting:records")

    async def _write(self) -> None:
        batch = list(self._waiting)
        self._waiting.clear()
        owners = {record.user_id for record in batch}
        try:
            known = await self._state.read(lambda s: known_users(s, owners))
            if self._store is not None:
                await self._store.add_alert_history([r for r in batch if r.user_id in known])
        except StorageError:
            log.exception("alerting.history_not_written", alerts=len(batch))
            self._waiting.extendleft(reversed(batch[-(MOST - len(self._waiting)) :]))

    async def close(self) -> None:
        """Write what is left."""
        if self._task is not None:
            await self._task
        if self._waiting:
            await self._write()

    def __len__(self) -> int:
        return len(self._waiting)
