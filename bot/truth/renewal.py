"""Measure accuracy anew while Liqwatch runs, once a day of liquidations more is known."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import structlog

from bot.truth.apart import measure_apart
from bot.truth.gather import Wish, gather
from bot.truth.shelf import Shelf
from config.settings import Settings
from engine.errors import DataError, MeasureError
from engine.model import HOUR_MS
from engine.scoring.report import Report
from engine.task import Task, judged_hours
from storage.truth import Liquidations, TruthStore

log = structlog.get_logger(__name__)

CHECK_S = 3600.0
"""How often is looked whether there is anything new: reports come by the hour."""
NEW_H = 24
"""Hours reported since the newest report's last one after which it is made anew."""
REST_MS = 6 * HOUR_MS
"""How long a symbol is left alone after a measurement failed."""
MODEL = "flow"


class Served(Protocol):
    """Be a market that knows its symbols and the time."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """Return the canonical symbols that are served."""

    def now_ms(self) -> int:
        """Return the market clock."""


class Renewal:
    """Put a new report on the shelf where enough was reported since the last one.

    Call `refresh` every CHECK_S seconds, and `stop` before the store is closed. Nothing later than the
    market clock is looked at. Where no liquidations are known, as in a replay without imported ones, nothing
    is done.
    """

    def __init__(
        self,
        store: TruthStore,
        shelf: Shelf,
        market: Served,
        settings: Settings,
        *,
        measure: Callable[[Task], Awaitable[Report]] = measure_apart,
        wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._store, self._shelf, self._market, self._settings = store, shelf, market, settings
        self._measure, self._wall_ms = measure, wall_ms
        self._rests_until_ms: dict[str, int] = {}
        self._told: dict[str, str] = {}
        self._under_way: asyncio.Future[Report] | None = None
        self._stopped = False

    async def refresh(self) -> None:
        """Measure every symbol for which it is due, one after the other; why one cannot be is logged."""
        for symbol in self._market.symbols:
            task = None if self._stopped else await self._due(symbol)
            if task is not None and not self._stopped:
                await self._renew(task)

    async def stop(self) -> None:
        """Begin nothing more, and end a measurement that is under way."""
        self._stopped = True
        if self._under_way is not None:
            self._under_way.cancel()
            await asyncio.wait({self._under_way})

    async def _due(self, symbol: str) -> Task | None:
        """Return what is to be measured of a symbol now, None where nothing is."""
        if self._wall_ms() < self._rests_until_ms.get(symbol, 0):
            return None
        now_h = self._market.now_ms() // HOUR_MS
        found = await self._store.liquidations(symbol)
        if not found or not self._enough_new(symbol, min(now_h, _last_hour(found) + 1)):
            return None
        why = ""
        for models in self._models(symbol):
            wish = Wish(symbol=symbol, models=models, to_ms=now_h * HOUR_MS)
            try:
                task = await gather(self._store, wish, self._settings)
                judged = await asyncio.to_thread(judged_hours, task)
            except DataError as error:
                why = str(error)
                continue
            return task if self._enough_new(symbol, int(judged.hour[-1]) + 1) else None
        if self._told.get(symbol) != why:
            self._told[symbol] = why
            log.info("accuracy.too_little", symbol=symbol, why=why)
        return None

    def _enough_new(self, symbol: str, until_h: int) -> bool:
        """Say whether enough is known until an hour that the newest own report does not speak of."""
        shown = self._shelf.own.get(symbol)
        return shown is None or until_h - shown.report.to_ms // HOUR_MS >= NEW_H

    def _models(self, symbol: str) -> list[tuple[str, ...]]:
        """Return which models to measure: those of the newest own report too, and without them if need be."""
        shown = self._shelf.own.get(symbol)
        before = shown.report.models if shown is not None else ()
        known = [model for model in before if model in self._settings.presets]
        return list(dict.fromkeys([tuple(dict.fromkeys([MODEL, *known])), (MODEL,)]))

    async def _renew(self, task: Task) -> None:
        """Measure, keep the report and show it from now on."""
        began_ms = self._wall_ms()
        self._under_way = asyncio.ensure_future(self._measure(task))
        try:
            await asyncio.wait({self._under_way})
            if self._under_way.cancelled():
                return
            report = self._under_way.result()
        except (DataError, MeasureError) as error:
            self._rests_until_ms[task.symbol] = self._wall_ms() + REST_MS
            log.warning("accuracy.not_measured", symbol=task.symbol, why=str(error))
            return
        finally:
            self._under_way.cancel()
            self._under_way = None
        made_ms = self._wall_ms()
        await self._store.add_report(task.symbol, made_ms, report.to_dict())
        self._shelf.put(task.symbol, report, made_ms=made_ms)
        took_s = (made_ms - began_ms) / 1000
        log.info("accuracy.measured", symbol=task.symbol, hours=report.hours, took_s=took_s)


def _last_hour(found: Sequence[Liquidations]) -> int:
    """Return the number of the last hour in which liquidations are known; 0 where there is none."""
    return max((int(source.ts[-1]) // HOUR_MS for source in found if len(source.ts)), default=0)
