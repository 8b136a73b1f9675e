"""Answer `/api/liquidations`: what venues reported as liquidated, by venue, by time step, and the largest."""

import math
from typing import Any, Protocol

from aiohttp import web

from adapters.coverage import coverage
from adapters.venue import Feed
from bot.commands import venues_asked
from bot.commands.amounts import DAY_MS, MINUTE_MS, read_duration
from bot.commands.symbols import Markets, resolve
from bot.web.wire import dumps
from engine.errors import UserError
from storage.venue_reads import Asked
from storage.venues import LiquidationReport

LARGEST = 50
MOST_STEPS = 120
MOST_MS = 30 * DAY_MS
LEAST_MS = 10 * MINUTE_MS
EXAMPLE = "/api/liquidations?symbol=BTC&window=24h"
STEP_FIELDS = ["ts", "long_usd", "short_usd"]
FIELDS = ["ts", "venue", "symbol", "side", "price", "price_kind", "quantity", "notional_usd"]


class Traded(Protocol):
    """Be a market whose symbols are read from venues."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """Return the canonical symbols that are served."""

    @property
    def venues(self) -> tuple[str, ...]:
        """Return the venues that are read."""

    @property
    def feeds(self) -> frozenset[Feed]:
        """Return which kinds of fact there are."""

    @property
    def source_kind(self) -> str:
        """Return "live" or "replay"."""

    def now_ms(self) -> int:
        """Return the market clock."""

    def label(self) -> str:
        """Return the line shown on everything; empty when live."""

    def venues_of(self, symbol: str) -> tuple[str, ...]:
        """Return the venues that a symbol is read from, the one that lends the price first."""


class Reported(Protocol):
    """Be the store of what venues report."""

    async def liquidation_report(self, asked: Asked, *, step_ms: int, count: int) -> LiquidationReport:
        """Return what was liquidated: by venue, the `count` largest, and by steps of `step_ms`."""


class Reports:
    """Read what venues reported for HTTP clients."""

    def __init__(self, market: Traded, reported: Reported | None) -> None:
        self._market = market
        self._reported = reported

    async def liquidations(self, request: web.Request) -> web.Response:
        """Answer what was liquidated of `symbol` (all without one) in `window`.

        `exchange` and `min_usd` leave out others and smaller ones.
        """
        market = self._market
        if self._reported is None or Feed.LIQUIDATIONS not in market.feeds:
            raise UserError("There are no reports of liquidations here: none were recorded.", example="")
        symbol = _symbol(request, market)
        window_ms = _window(request)
        now_ms = market.now_ms()
        asked = Asked(
            symbol=symbol,
            venues=venues_of(request, market, symbol),
            t0=now_ms - window_ms,
            t1=now_ms + 1,
            min_usd=_min_usd(request),
        )
        step_ms = max(1, math.ceil(window_ms / MOST_STEPS / MINUTE_MS)) * MINUTE_MS
        report = await self._reported.liquidation_report(asked, step_ms=step_ms, count=LARGEST)
        read = asked.venues or (market.venues_of(symbol) if symbol else market.venues)
        head = {"source": market.source_kind, "label": market.label(), "symbol": symbol or "all"}
        span = {"t0": asked.t0, "t1": now_ms, "min_usd": asked.min_usd, "step_ms": step_ms}
        body = {**head, **span, **body_of_report(report, read)}
        return web.json_response(text=dumps(body), headers={"Cache-Control": "no-cache"})


def venues_of(request: web.Request, market: Traded, symbol: str) -> tuple[str, ...]:
    """Return the venues of a symbol (of all symbols without one) that `exchange` names, none for all.

    Raise UserError for one that is not read, or that does not trade the symbol now.
    """
    given = request.query.get("exchange", "")[:128]
    named = venues_asked.read(given, market.venues) if given else venues_asked.ALL
    if isinstance(named, str):
        return ()
    if not symbol:
        return tuple(venue for venue in market.venues if venue in named)
    return venues_asked.among(market.venues_of(symbol), named, symbol, f"{request.path}?symbol=")


def _symbol(request: web.Request, market: Traded) -> str:
    given = request.query.get("symbol", venues_asked.ALL)[:32]
    return "" if given.lower() == venues_asked.ALL else resolve(given, Markets(known=market.symbols))


def _window(request: web.Request) -> int:
    window_ms = read_duration(request.query.get("window", "1h")[:16])
    if not LEAST_MS <= window_ms <= MOST_MS:
        raise UserError("window must be from 10m to 30d.", example=EXAMPLE)
    return window_ms


def _min_usd(request: web.Request) -> float:
    try:
        least = float(request.query.get("min_usd", "0"))
    except ValueError:
        least = math.nan
    if not 0 <= least <= 1e15:
        raise UserError("min_usd must be a number from 0 to 1e+15.", example=f"{EXAMPLE}&min_usd=100000")
    return least


def body_of_report(report: LiquidationReport, read: tuple[str, ...]) -> dict[str, Any]:
    """Return a report as JSON has it: every venue that was asked, with what is seen of it and since when."""
    found = {each.name: each for each in report.venues}
    total = sum(each.total_usd for each in report.venues)
    venues = [
        {
            "venue": venue,
            "long_usd": round(each.long_usd, 2) if (each := found.get(venue)) else 0.0,
            "short_usd": round(each.short_usd, 2) if each else 0.0,
            "count": each.count if each else 0,
            "share": each.total_usd / total if each else 0.0,
            "coverage": coverage(venue).kind.value,
            "recorded_since": report.since.get(venue),
        }
        for venue in dict.fromkeys((*read, *found))
    ]
    steps = [
        [ts, round(long, 2), round(short, 2)]
        for ts, (long, short) in zip(report.step_ts.tolist(), report.step_usd.tolist(), strict=True)
    ]
    largest = [[getattr(each, name) for name in FIELDS] for each in report.largest]
    return {
        "total_usd": round(total, 2),
        "venues": venues,
        "step_fields": STEP_FIELDS,
        "steps": steps,
        "fields": FIELDS,
        "largest": largest,
    }
