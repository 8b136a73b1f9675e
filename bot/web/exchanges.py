"""Answer what the command `/exchanges` says in words, as JSON, to machines that watch.

No error of a venue or a library is answered here, nor a refused topic's name: only what anybody may read.
"""

import asyncio
import time
from typing import Any

import structlog
from aiohttp import web

from adapters.coverage import coverage
from adapters.health import HealthSnapshot, snapshots_of
from adapters.venue import Feed
from bot.live.health import Past, VenuePast, body_of, last_day
from bot.web.ports import Market
from engine.errors import StorageError

log = structlog.get_logger(__name__)

PRIVATE = frozenset({"last_error"})
KEPT_S = 5.0
"""How long the last day of venues is answered again without asking the store."""


class Exchanges:
    """Say how venues are; their last day is read from the store every few seconds at most."""

    def __init__(self, market: Market, past: VenuePast) -> None:
        self._market = market
        self._past = past
        self._days: dict[str, Past | None] = {}
        self._read_s = -KEPT_S
        self._lock = asyncio.Lock()

    async def health(self, _: web.Request) -> web.Response:
        """Answer each venue as it is now, with its last 24 hours as far as they are known."""
        return web.json_response(await self.body(), headers={"Cache-Control": "no-store"})

    async def body(self) -> dict[str, Any]:
        """Return the same as plain values."""
        venues = snapshots_of(self._market)
        days = await self._last_days([venue.venue for venue in venues])
        return {
            "source": self._market.source_kind,
            "now_ms": self._market.now_ms(),
            "ok": all(venue.ok for venue in venues),
            "venues": [_venue(venue, days.get(venue.venue)) for venue in venues],
        }

    async def _last_days(self, names: list[str]) -> dict[str, Past | None]:
        async with self._lock:
            if time.monotonic() - self._read_s >= KEPT_S or not set(names) <= self._days.keys():
                days = await asyncio.gather(*(self._day(name) for name in names))
                self._days = dict(zip(names, days, strict=True))
                self._read_s = time.monotonic()
            return self._days

    async def _day(self, name: str) -> Past | None:
        """Return the last day of a venue, None where it cannot be read now."""
        try:
            return await last_day(self._past, name, self._market.now_ms())
        except StorageError:
            log.exception("web.venue_past_not_read", venue=name)
            return None


def _venue(shown: HealthSnapshot, day: Past | None) -> dict[str, Any]:
    seen = coverage(shown.venue)
    liquidations = {"coverage": seen.kind.value, "sentence": seen.sentence}
    return {
        "venue": shown.venue,
        "state": shown.state.value,
        "ok": shown.ok,
        "note": shown.note,
        "newest_ms": shown.last_event_ms,
        **{name: value for name, value in body_of(shown).items() if name not in PRIVATE},
        "liquidations": liquidations if Feed.LIQUIDATIONS in shown.ages_s else None,
        "last_24h": None if day is None else _day_of(day),
    }


def _day_of(day: Past) -> dict[str, Any]:
    return {
        "watched_s": day.watched_ms // 1000,
        "uptime": None if day.uptime is None else round(day.uptime, 4),
        "reconnects": day.reconnects,
        "gaps_filled": day.gaps_filled,
        "longest_silence_s": day.longest_silence_s,
    }
