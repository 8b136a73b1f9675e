"""Write down outcomes of attempts in as few transactions as possible, without making any of them wait."""

import asyncio
from collections.abc import Callable, Sequence

import structlog
from sqlalchemy.orm import Session

from engine.errors import StorageError
from storage.settle import Outcome
from storage.state import StateStore

log = structlog.get_logger(__name__)

FIRST_WAIT_S = 0.2
LONGEST_WAIT_S = 5.0

Settle = Callable[[Session, Sequence[Outcome]], list[bool]]


class Recorder:
    """Collect outcomes while a transaction runs, and write the next batch when it is done.

    A batch that the store refuses is written again until it is taken: a message that was sent and not
    marked would be sent twice.
    """

    def __init__(self, state: StateStore, settle: Settle) -> None:
        self._state = state
        self._settle = settle
        self._batch: list[tuple[Outcome, asyncio.Future[bool]]] = []
        self._task: asyncio.Task[None] | None = None

    async def write(self, outcome: Outcome) -> bool:
        """Return once the outcome is on disk: False where the lease had been lost."""
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._batch.append((outcome, done))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._flush(), name="delivery:recorder")
        return await asyncio.shield(done)

    async def _flush(self) -> None:
        while self._batch:
            batch, self._batch = self._batch, []
            marks = await self._write([outcome for outcome, _ in batch])
            for (_, done), mark in zip(batch, marks, strict=True):
                if not done.done():
                    done.set_result(mark)

    async def _write(self, outcomes: list[Outcome]) -> list[bool]:
        wait_s = FIRST_WAIT_S
        while True:
            try:
                return await self._state.run(lambda session: self._settle(session, outcomes))
            except StorageError:
                log.exception("delivery.unrecorded", outcomes=len(outcomes), again_in_s=wait_s)
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, LONGEST_WAIT_S)

    async def close(self, *, timeout_s: float) -> None:
        """Write what is left, but give up after `timeout_s`."""
        if self._task is None or self._task.done():
            return
        _, late = await asyncio.wait({self._task}, timeout=timeout_s)
        for task in late:
            log.error("delivery.unrecorded_at_stop", outcomes=len(self._batch))
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
