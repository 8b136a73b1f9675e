"""Answer `/api/…`: symbols, heatmaps and candles, for the page and for programs."""

import asyncio
import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
from aiohttp import web

from bot.commands.models import FOLLOWED, pick
from bot.commands.symbols import Markets, resolve
from bot.web.channels import BINS, MAX_COLUMNS, facts_of
from bot.web.encode import Frame
from bot.web.ports import WINDOWS, Market
from bot.web.reports import Reported, Reports, venues_of
from bot.web.thrift import pack_within
from bot.web.wire import dumps
from engine.errors import UserError
from engine.grid import Grid
from engine.presets import PRESETS, Preset
from engine.snapshot import HeatmapSnapshot

KEPT = 16
_MIN_USD = ("min_usd", 0.0, 0.0, 1e15)
BINARY = "application/vnd.liqwatch.heatmap"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What one request wants; `candle_ts` is the candle that it is answered for."""

    symbol: str
    window: str
    form: str
    model: str
    weights: str
    venues: tuple[str, ...]
    candle_ts: int

    @property
    def etag(self) -> str:
        """Return what names the answer."""
        model = sha256(f"{self.model} {self.weights} {self.venues}".encode()).hexdigest()[:12]
        return f'"{self.symbol}-{self.window}-{self.form}-{model}-{self.candle_ts}"'


class Api:
    """Read the market for HTTP clients; each heatmap is packed once per candle, however many ask."""

    def __init__(
        self,
        market: Market,
        presets: Mapping[str, Preset] = PRESETS,
        reported: Reported | None = None,
    ) -> None:
        self.reports = Reports(market, reported)
        self._market = market
        self._presets = presets
        self._made: OrderedDict[Asked, asyncio.Task[tuple[bytes, str]]] = OrderedDict()

    async def symbols(self, _: web.Request) -> web.Response:
        """List the symbols with their newest facts, the windows, and the source."""
        rows = [self._row(symbol) for symbol in self._market.symbols]
        return _json({**self._source(), "windows": list(WINDOWS), "symbols": rows})

    async def heatmap(self, request: web.Request) -> web.Response:
        """Answer the heatmap of `symbol` over `window`, as JSON or as the binary form (`format=binary`).

        `model`, `weights` and `exchange` are those of the command `/heatmap`.
        """
        form = request.query.get("format", "json")
        if form not in ("json", "binary"):
            raise UserError("format must be json or binary.", example="/api/heatmap?symbol=BTC&format=binary")
        return await self._cached(request, form)

    async def candles(self, request: web.Request) -> web.Response:
        """Answer the candles of `symbol` over `window`, in the step that the heatmap of that window has."""
        return await self._cached(request, "candles")

    async def levels(self, request: web.Request) -> web.Response:
        """Answer what stands at the newest close of `symbol`, in levels of `bin_bp` that hold `min_usd`.

        With `exchange` it is what stands on those venues.
        """
        symbol = self._symbol(request)
        bin_bp, min_usd = (_number(request, *each) for each in (("bin_bp", 5.0, 2.0, 100.0), _MIN_USD))
        venues = venues_of(request, self._market, symbol)
        shot = await self._market.snapshot(symbol, bin_bp=bin_bp, min_usd=min_usd, venues=venues)
        return _json({**self._source(), **levels_of(shot), "shares": self._shares(symbol, shot.venues)})

    def _symbol(self, request: web.Request) -> str:
        asked = request.query.get("symbol", "")
        if not asked:
            raise UserError("symbol is missing.", example=f"{request.path}?symbol=BTC")
        return resolve(asked[:32], Markets(known=self._market.symbols))

    def _asked(self, request: web.Request, form: str) -> Asked:
        window = request.query.get("window", "24h")
        if window not in WINDOWS:
            example = "/api/heatmap?symbol=BTC&window=24h"
            raise UserError(f"window must be one of {', '.join(WINDOWS)}.", example=example)
        symbol = self._symbol(request)
        return Asked(
            symbol=symbol,
            window=window,
            form=form,
            model=request.query.get("model", FOLLOWED)[:32].lower(),
            weights=request.query.get("weights", "")[:64],
            venues=venues_of(request, self._market, symbol),
            candle_ts=self._market.view(symbol).candle_ts,
        )

    async def _cached(self, request: web.Request, form: str) -> web.Response:
        asked = self._asked(request, form)
        headers = {"ETag": asked.etag, "Cache-Control": "no-cache"}
        if request.headers.get("If-None-Match") == asked.etag:
            return web.Response(status=304, headers=headers)
        body, media_type = await self._once(asked)
        response = web.Response(body=body, content_type=media_type, headers=headers)
        if form != "binary":
            response.enable_compression()
        return response

    async def _once(self, asked: Asked) -> tuple[bytes, str]:
        """Make an answer once for all who ask for it at the same candle; failures are not kept."""
        task = self._made.get(asked)
        if task is None or (task.done() and (task.cancelled() or task.exception())):
            task = self._made[asked] = asyncio.create_task(self._make(asked))
            while len(self._made) > KEPT:
                self._made.popitem(last=False)
        return await asyncio.shield(task)

    async def _make(self, asked: Asked) -> tuple[bytes, str]:
        grid, model, unit = await self._grid(asked)
        venues = asked.venues or self._market.venues_of(asked.symbol)
        made_of = {"venues": list(venues), "shares": self._shares(asked.symbol, venues)}
        head = {**self._source(), "window": asked.window, "model": model, "unit": unit, **made_of}
        if asked.form == "binary":
            return await asyncio.to_thread(_binary, grid, head), BINARY
        make = _candles if asked.form == "candles" else _table
        return await asyncio.to_thread(make, grid, head), "application/json"

    async def _grid(self, asked: Asked) -> tuple[Grid, str, str]:
        """Return the heatmap, what its model is called, and what its dollars mean."""
        window_ms = WINDOWS[asked.window]
        wanted = (asked.model, asked.weights)
        chosen = await pick(self._presets, self._market, asked.symbol, wanted, window_ms)
        if chosen is None:
            grid = await self._market.grid(
                asked.symbol, window_ms, bins=BINS, max_cols=MAX_COLUMNS, venues=asked.venues
            )
            return grid, FOLLOWED, self._presets[FOLLOWED].unit.value
        feed = chosen.feed
        grid = await self._market.model_grid(
            asked.symbol, window_ms, feed, max_cols=MAX_COLUMNS, venues=asked.venues
        )
        return grid, chosen.label, feed.preset.unit.value

    def _shares(self, symbol: str, venues: Sequence[str]) -> dict[str, float]:
        """Return what part of all venues' dollars each of some has."""
        known = self._market.shares(symbol)
        return {venue: round(known[venue], 4) for venue in venues if venue in known}

    def _source(self) -> dict[str, Any]:
        return {"source": self._market.source_kind, "label": self._market.label()}

    def _row(self, symbol: str) -> dict[str, Any]:
        view = self._market.view(symbol)
        facts = facts_of(view)
        facts["zones"] = len(facts["zones"])
        return {"symbol": symbol, "price": view.price, "price_ts": view.price_ts, **facts}


def _number(request: web.Request, name: str, usual: float, least: float, most: float) -> float:
    """Return a number of the query; raise UserError for what is none, or not within its bounds."""
    given = request.query.get(name, "")
    try:
        value = float(given) if given else usual
    except ValueError:
        value = math.nan
    if not least <= value <= most:
        told = f"{name} must be a number from {least:g} to {most:g}."
        raise UserError(told, example=f"/api/levels?symbol=BTC&{name}={usual:g}")
    return value


def levels_of(shot: HeatmapSnapshot) -> dict[str, Any]:
    """Return a snapshot as JSON has it; each level is low, high, dollars and distance."""
    sides = {
        f"{side}_levels": [
            [round(each.price_low, 8), round(each.price_high, 8), round(each.notional_usd), each.distance]
            for each in levels
        ]
        for side, levels in (("long", shot.long), ("short", shot.short))
    }
    about = {"symbol": shot.symbol, "venues": list(shot.venues), "model": shot.model, "unit": shot.unit.value}
    fields = ["price_low", "price_high", "notional_usd", "distance"]
    return {**about, "ts": shot.ts, "price": shot.price, "fields": fields, **sides}


def _json(body: dict[str, Any]) -> web.Response:
    return web.json_response(text=dumps(body), headers={"Cache-Control": "no-cache"})


def _binary(grid: Grid, head: dict[str, Any]) -> bytes:
    return pack_within(Frame.of(grid), {"type": "snapshot", **head})


def _candles(grid: Grid, head: dict[str, Any]) -> bytes:
    rows = np.stack([grid.ts, grid.open, grid.high, grid.low, grid.close], axis=1)
    candles = [[int(ts), *prices] for ts, *prices in rows[~np.isnan(grid.close)].tolist()]
    body = {"symbol": grid.symbol, "step_ms": grid.step_ms, "fields": ["ts", "open", "high", "low", "close"]}
    return dumps({**head, **body, "candles": candles}).encode()


def _table(grid: Grid, head: dict[str, Any]) -> bytes:
    """Return the surface in whole dollars a cell: one list of bins a column and side."""
    body = {
        "symbol": grid.symbol,
        "step_ms": grid.step_ms,
        "ts": grid.ts.tolist(),
        "edges": np.round(grid.edges, 8).tolist(),
        "close": [None if np.isnan(price) else price for price in grid.close.tolist()],
        "long_usd": np.rint(grid.long).astype(np.int64).tolist(),
        "short_usd": np.rint(grid.short).astype(np.int64).tolist(),
    }
    return dumps({**head, **body}).encode()
