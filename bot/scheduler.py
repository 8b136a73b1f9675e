"""Run what is periodic by the wall clock: sweeps, the auditor, retention. Each job is one line here."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.alerting.engine import Alerting

log = structlog.get_logger(__name__)

SWEEP_S = 1.0
AUDIT_S = 60.0
FORGET_S = 3600.0
STOP_S = 5.0
"""How long jobs that run when the scheduler stops may take to end."""

Work = Callable[[], Awaitable[object]]


@dataclass(slots=True)
class JobHealth:
    """How one job fares: runs that ended well, runs that failed, the last error."""

    name: str
    every_s: float
    ran: int = 0
    failed: int = 0
    last_error: str = ""


class Scheduler:
    """Fixed jobs on one event loop. A late or missed run happens once, as soon as it can; none overlaps."""

    def __init__(self) -> None:
        self._scheduler = AsyncIOScheduler(
            timezone=UTC,
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        self._health: dict[str, JobHealth] = {}
        self._running: set[asyncio.Task[object]] = set()

    def every(self, seconds: float, name: str, work: Work, *, at_once: bool = False) -> None:
        """Run `work` every so many seconds of the wall clock, with `at_once` from the start on."""
        health = self._health[name] = JobHealth(name=name, every_s=seconds)
        first = {"next_run_time": datetime.now(UTC)} if at_once else {}
        self._scheduler.add_job(
            self._guarded, "interval", args=(health, work), seconds=seconds, id=name, name=name, **first
        )

    async def _guarded(self, health: JobHealth, work: Work) -> None:
        """Run a job once; an error is logged and does not end the job."""
        task = asyncio.current_task()
        if task is not None:
            self._running.add(task)
        try:
            await work()
            health.ran += 1
        except Exception as error:
            health.failed += 1
            health.last_error = f"{type(error).__name__}: {error}"[:300]
            log.exception("job.failed", job=health.name, incident=uuid.uuid4().hex[:8])
        finally:
            if task is not None:
                self._running.discard(task)

    def start(self) -> None:
        """Start all jobs; needs a running event loop."""
        self._scheduler.start()

    async def stop(self, *, timeout_s: float = STOP_S) -> None:
        """Start no more runs, and wait for those under way."""
        if self._scheduler.running:
            self._scheduler.pause()
            if self._running:
                await asyncio.wait(set(self._running), timeout=timeout_s)
            self._scheduler.shutdown(wait=False)

    def health(self) -> list[JobHealth]:
        """Return how every job fares."""
        return list(self._health.values())


def alert_jobs(scheduler: Scheduler, alerting: Alerting) -> None:
    """Add what alerts need: sweeps, the auditor, retention."""
    scheduler.every(SWEEP_S, "sweep", alerting.sweep)
    scheduler.every(AUDIT_S, "audit", alerting.audit)
    scheduler.every(FORGET_S, "forget", alerting.forget_old)
