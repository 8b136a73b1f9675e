"""Answer `/api/…`: symbols, heatmaps and candles, for the page and for programs."""

import asyncio
from collections import OrderedDict
from typing import Any

import numpy as np
from aiohttp import web

from bot.commands.symbols import Markets, resolve
from bot.web.channels import BINS, MAX_COLUMNS, facts_of
from bot.web.encode import Frame, pack
from bot.web.ports import WINDOWS, Market
from bot.web.wire import dumps
from engine.errors import UserError
from engine.grid import Grid

KEPT = 16
BINARY = "application/vnd.liqwatch.heatmap"


class Api:
    """Read the market for HTTP clients; each heatmap is packed once per candle, however many ask."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._made: OrderedDict[tuple[str, ...], asyncio.Task[tuple[bytes, str]]] = OrderedDict()

    async def symbols(self, _: web.Request) -> web.Response:
        """List the symbols with their newest facts, the windows, and the source."""
        rows = [self._row(symbol) for symbol in self._market.symbols]
        return _json({**self._source(), "windows": list(WINDOWS), "symbols": rows})

    async def heatmap(self, request: web.Request) -> web.Response:
        """Answer the heatmap of `symbol` over `window`, as JSON or as the binary form (`format=binary`)."""
        symbol, window = self._asked(request)
        form = request.query.get("format", "json")
        if form not in ("json", "binary"):
            raise UserError("format must be json or binary.", example="/api/heatmap?symbol=BTC&format=binary")
        return await self._cached(request, symbol, window, form)

    async def candles(self, request: web.Request) -> web.Response:
        """Answer the candles of `symbol` over `window`, in the step that the heatmap of that window has."""
        symbol, window = self._asked(request)
        return await self._cached(request, symbol, window, "candles")

    def _asked(self, request: web.Request) -> tuple[str, str]:
        window = request.query.get("window", "24h")
        if window not in WINDOWS:
            example = "/api/heatmap?symbol=BTC&window=24h"
            raise UserError(f"window must be one of {', '.join(WINDOWS)}.", example=example)
        asked = request.query.get("symbol", "")
        if not asked:
            raise UserError("symbol is missing.", example=f"{request.path}?symbol=BTC&window={window}")
        return resolve(asked[:32], Markets(known=self._market.symbols)), window

    async def _cached(self, request: web.Request, symbol: str, window: str, form: str) -> web.Response:
        candle_ts = self._market.view(symbol).candle_ts
        etag = f'"{symbol}-{window}-{form}-{candle_ts}"'
        headers = {"ETag": etag, "Cache-Control": "no-cache"}
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=304, headers=headers)
        key = (symbol, window, form, str(candle_ts))
        body, media_type = await self._once(key)
        response = web.Response(body=body, content_type=media_type, headers=headers)
        if form != "binary":
            response.enable_compression()
        return response

    async def _once(self, key: tuple[str, ...]) -> tuple[bytes, str]:
        """Make an answer once for all who ask for it at the same candle; failures are not kept."""
        task = self._made.get(key)
        if task is None or (task.done() and (task.cancelled() or task.exception())):
            symbol, window, form, _ = key
            task = self._made[key] = asyncio.create_task(self._make(symbol, window, form))
            while len(self._made) > KEPT:
                self._made.popitem(last=False)
        return await asyncio.shield(task)

    async def _make(self, symbol: str, window: str, form: str) -> tuple[bytes, str]:
        grid = await self._market.grid(symbol, WINDOWS[window], bins=BINS, max_cols=MAX_COLUMNS)
        head = {**self._source(), "window": window}
        if form == "binary":
            return await asyncio.to_thread(_binary, grid, head), BINARY
        make = _candles if form == "candles" else _table
        return await asyncio.to_thread(make, grid, head), "application/json"

    def _source(self) -> dict[str, Any]:
        return {"source": self._market.source_kind, "label": self._market.label()}

    def _row(self, symbol: str) -> dict[str, Any]:
        view = self._market.view(symbol)
        facts = facts_of(view)
        facts["zones"] = len(facts["zones"])
        return {"symbol": symbol, "price": view.price, "price_ts": view.price_ts, **facts}


def _json(body: dict[str, Any]) -> web.Response:
    return web.json_response(text=dumps(body), headers={"Cache-Control": "no-cache"})


def _binary(grid: Grid, head: dict[str, Any]) -> bytes:
    return pack(Frame.of(grid), {"type": "snapshot", **head})


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
