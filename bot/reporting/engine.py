"""Look after reports: find what is due, write what it tells, put it into the outbox. Run by the scheduler."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import structlog
from sqlalchemy.orm import Session

from bot.alerting.message import Message
from bot.alerting.parts import wall_clock_ms
from bot.lang import learned, speaking
from bot.lang.choice import posted_language
from bot.live.view import SymbolView
from bot.render import text
from bot.reporting import words
from bot.reporting.post import Due, post, read_due
from bot.when import next_due_ms
from engine.errors import LiqwatchError, UserError
from engine.model import Severity
from storage import reports
from storage.alerts import REPORT
from storage.state import StateStore
from storage.venue_reads import Asked
from storage.venues import LiquidationReport

log = structlog.get_logger(__name__)

TICK_S = 2.0
BATCH = 25
"""How many reports are written at a time: a full hour does not hold up what else is to be done."""
LEAST_GAP_MS = 55_000
"""How far posts of one report are apart by the machine's clock, however fast a replay runs."""
STEP_MS = 60_000


class Market(Protocol):
    """Be the live market, as far as reports look at it."""

    def now_ms(self) -> int:
        """Return the market clock."""

    def label(self) -> str:
        """Return the line shown on everything; empty when live."""

    def view(self, symbol: str) -> SymbolView:
        """Return one symbol as it stands now."""


class Liquidations(Protocol):
    """Be the store of what venues report as liquidated."""

    async def liquidation_report(self, asked: Asked, *, step_ms: int, count: int) -> LiquidationReport:
        """Return what was liquidated: by venue, the `count` largest, and by steps of `step_ms`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What reports are made from. `ensure` lets a market be read that is not, as for who asks."""

    market: Market
    venues: Liquidations
    ensure: Callable[[str, str], Awaitable[None]]


class Reporting:
    """Post what is due; `wake` tells the sender that something was queued."""

    def __init__(
        self,
        state: StateStore,
        sources: Sources,
        *,
        wake: Callable[[], None],
        wall_ms: Callable[[], int] = wall_clock_ms,
    ) -> None:
        self._state = state
        self._sources = sources
        self._wake = wake
        self._wall_ms = wall_ms

    async def tick(self) -> int:
        """Post what is due now, each report once however long it was missed; return how many were queued."""
        now_ms, wall_ms = self._sources.market.now_ms(), self._wall_ms()
        found = await self._state.read(lambda session: _look(session, now_ms, wall_ms))
        queued = sum(await asyncio.gather(*(self._post(due) for due in found)))
        if queued:
            self._wake()
        if await self._state.read(lambda session: bool(reports.far_ahead(session, now_ms))):
            await self._state.run(lambda session: _bring_back(session, now_ms))
        return queued

    async def _post(self, due: Due) -> bool:
        """Write one report and queue it; one that there is nothing to tell of yet stays due."""
        try:
            spoken = await learned(await self._language(due))
            with speaking(spoken):
                message = await self._written(due)
                wall_ms = self._wall_ms()
                return await self._state.run(lambda session: post(session, due, message, wall_ms=wall_ms))
        except UserError as error:
            log.info("report.waits", report=due.report.report_id, because=str(error))
        except LiqwatchError as error:
            log.warning("report.not_written", report=due.report.report_id, error=type(error).__name__)
        return False

    async def _language(self, due: Due) -> str:
        row = due.report
        return await self._state.read(
            lambda session: posted_language(session, row.user_id, row.to_channel, row.to_place)
        )

    async def _written(self, due: Due) -> Message:
        """Return what a report says now. Raises UserError where nothing is known yet."""
        row, market = due.report, self._sources.market
        await self._sources.ensure(row.symbol, row.user_id)
        view = market.view(row.symbol)
        if not view.price > 0:
            raise UserError(f"{row.symbol} has no price yet")
        lines = [words.price_line(view), *await self._figures(due, view)]
        lines.append(words.source_line(market.label(), due.now_ms, due.tz))
        return Message(
            kind=REPORT,
            severity=Severity.INFO,
            symbol=row.symbol,
            title=words.title_of(row.kind, text.base(row.symbol), row.window_ms),
            text="\n".join(line for line in lines if line),
            market_ms=due.now_ms,
            label=market.label(),
            buttons=words.buttons_of(row.kind, row.symbol),
        )

    async def _figures(self, due: Due, view: SymbolView) -> list[str]:
        row = due.report
        if row.kind == "zones":
            return words.nearest_lines(view)
        if row.kind != "liquidations":
            day = [words.day_line(view)] if row.kind == reports.DASHBOARD else []
            return [*day, *words.largest_lines(view)]
        asked = Asked(symbol=row.symbol, t0=due.now_ms - row.window_ms, t1=due.now_ms + 1)
        told = await self._sources.venues.liquidation_report(asked, step_ms=STEP_MS, count=1)
        return words.liquidated_lines(told)


def _look(session: Session, now_ms: int, wall_ms: int) -> list[Due]:
    found = reports.due_reports(session, now_ms, wall_ms, least_gap_ms=LEAST_GAP_MS, limit=BATCH)
    return [read_due(session, report, now_ms) for report in found]


def _bring_back(session: Session, now_ms: int) -> None:
    """Let reports be due in time again after a replay was moved back."""
    for report in reports.far_ahead(session, now_ms):
        due = read_due(session, report, now_ms)
        report.next_ms = next_due_ms(report.every_s, report.at_min, due.tz, now_ms)
    session.flush()
