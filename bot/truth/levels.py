"""Keep the dollars of the live market at the level of what is reported, without a restart."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Protocol

import structlog

from adapters.coverage import CoverageKind, coverage
from bot.live.view import Level
from bot.truth.gather import Wish, gather
from config.settings import Settings
from engine.errors import DataError
from engine.level import LevelNow, level_now
from engine.model import DAY_MS, HOUR_MS
from engine.presets import PRESETS
from storage.truth import TruthStore

log = structlog.get_logger(__name__)

REFRESH_S = 3600.0
"""How often factors are found anew: what they are made of comes by the hour."""
MODEL = "flow"
STALE_MS = 7 * DAY_MS
"""Age at which a stored factor says nothing any more: the week it speaks of is over."""


class Levelled(Protocol):
    """Be a market whose dollars can be corrected."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """Return the canonical symbols that are served."""

    def now_ms(self) -> int:
        """Return the market clock."""

    def set_level(self, symbol: str, level: Level | None) -> None:
        """Correct a symbol's dollars from now on, or no longer."""


class LevelKeeper:
    """Set each symbol's factor from what is stored, and from what was reported since.

    Call `load` once the market has started, then `refresh` every REFRESH_S seconds. Where nothing is
    reported, as in a replay without imported liquidations, the market is left as it is.
    """

    def __init__(
        self,
        store: TruthStore,
        market: Levelled,
        settings: Settings,
        *,
        wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._wall_ms = wall_ms
        self._store = store
        self._market = market
        self._settings = settings
        self._told: dict[str, int] = {}

    async def load(self) -> None:
        """Set what was found before the last stop, as far as it still speaks of now."""
        for symbol in self._market.symbols:
            found = await self._store.calibration(symbol, MODEL)
            level = None if found is None else _stored(found[1])
            if level is not None:
                self._told[symbol] = level.as_of_ms // DAY_MS
                if 0 <= self._market.now_ms() - level.as_of_ms <= STALE_MS:
                    self._market.set_level(symbol, level)

    async def refresh(self) -> None:
        """Find every symbol's factor anew, set it, and keep one a day."""
        for symbol in self._market.symbols:
            found = await self._find(symbol)
            if found is None:
                self._market.set_level(symbol, None)
                continue
            long, short = found.factor
            level = Level(long=long, short=short, hours=found.hours, as_of_ms=found.as_of_ms)
            self._market.set_level(symbol, level)
            await self._keep(symbol, found)

    async def _find(self, symbol: str) -> LevelNow | None:
        """Return a symbol's factor, None where too little is known.

        What a few addresses took part in says nothing of the dollars of all.
        """
        now_ms = self._market.now_ms()
        try:
            task = await gather(self._store, Wish(symbol=symbol, models=(MODEL,)), self._settings)
        except DataError as error:
            log.debug("level.not_known", symbol=symbol, why=str(error))
            return None
        if any(coverage(venue).kind is CoverageKind.PARTIAL for venue in task.reported.venues):
            return None
        return await asyncio.to_thread(level_now, task, PRESETS[MODEL], now_ms=now_ms)

    async def _keep(self, symbol: str, found: LevelNow) -> None:
        """Store a factor, the first of each day."""
        day = found.as_of_ms // DAY_MS
        if self._told.get(symbol) == day:
            return
        self._told[symbol] = day
        body = {"model": MODEL, "as_of_ms": found.as_of_ms, "factor": found.factor, "hours": found.hours}
        await self._store.add_calibration(symbol, MODEL, self._wall_ms(), body)
        log.info("level.found", symbol=symbol, long=found.factor[0], short=found.factor[1], hours=found.hours)


def _stored(body: dict[str, Any]) -> Level | None:
    """Return the factor in a stored calibration, None where it has none."""
    try:
        long, short = (float(v) for v in body["factor"])
        hours = int(body.get("hours", STALE_MS // HOUR_MS))
        return Level(long=long, short=short, hours=hours, as_of_ms=int(body["as_of_ms"]))
    except (KeyError, TypeError, ValueError):
        return None
