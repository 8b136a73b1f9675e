"""Keep what the stream's channels show: the heatmap of a symbol and window, and a symbol's market facts."""

import asyncio
from collections.abc import Callable
from typing import Any

import structlog

from bot.live.view import SymbolView
from bot.web.encode import Frame, Scale, pack
from bot.web.fanout import Message
from bot.web.ports import WINDOWS, Market
from bot.web.usual import Usual
from bot.web.wire import dumps
from engine.grid import Grid
from engine.model import STEP_MS, Zone

log = structlog.get_logger(__name__)

BINS = 600
MAX_COLUMNS = 1000
EDGE = 0.06
"""A fresh range is drawn when price comes within this share of the range's edge."""
RESCALE = 1.6
"""Colours are chosen anew when the brightest dollars have changed by this factor."""

Publish = Callable[[Message], None]


def heat_channel(symbol: str, window: str) -> str:
    """Return the name of a heatmap's channel."""
    return f"heatmap:{symbol}:{window}"


def market_channel(symbol: str) -> str:
    """Return the name of a symbol's channel of facts."""
    return f"market:{symbol}"


class HeatChannel:
    """The heatmap of one symbol over one window, kept up to date while somebody follows it.

    It is the market's own, or that of the `usual` model.
    """

    def __init__(
        self, market: Market, symbol: str, window: str, publish: Publish, usual: Usual | None = None
    ) -> None:
        self.name = heat_channel(symbol, window)
        self.symbol = symbol
        self.candle_ts = 0
        self._market = market
        self._window = window
        self._usual = usual
        self._publish = publish
        self._frame: Frame | None = None
        self._n = 0
        self._packed: Message | None = None
        self._lock = asyncio.Lock()

    async def snapshot(self) -> Message:
        """Return the whole heatmap as a message; made once for all who ask at the same number."""
        async with self._lock:
            frame = self._frame or await self._draw()
            if self._packed is None or self._packed.n != self._n:
                self._packed = await self._pack("snapshot", frame)
            return self._packed

    async def refresh(self) -> None:
        """Publish what is new since the last time: some columns, or everything where it no longer fits."""
        async with self._lock:
            if self._frame is None:
                return
            self.candle_ts = self._market.view(self.symbol).candle_ts
            inside = (self._frame.high - self._frame.low) / self._frame.bins / 4
            low, high = (
                self._frame.low + inside,
                self._frame.high - inside,
            )  # rounded outwards: the same edges
            grid = await self._grid(low, high, bins=self._frame.bins)
            later = await asyncio.to_thread(Frame.of, grid, self._frame.scale)
            scale = await asyncio.to_thread(Scale.of, grid)
            if self._outgrown(later, scale):
                await self._redraw()
                return
            columns = self._frame.newer(later)
            if len(columns):
                self._frame = self._frame.extended(columns, keep=max(len(later), 1))
                self._n += 1
                self._publish(await self._pack("columns", columns))

    async def restart(self) -> None:
        """Draw everything anew, as after a jump in time."""
        async with self._lock:
            if self._frame is not None:
                await self._redraw()

    async def _draw(self) -> Frame:
        self.candle_ts = self._market.view(self.symbol).candle_ts
        grid = await self._grid()
        self._frame = await asyncio.to_thread(Frame.of, grid)
        return self._frame

    async def _grid(self, low: float | None = None, high: float | None = None, *, bins: int = BINS) -> Grid:
        window_ms = WINDOWS[self._window]
        if self._usual is not None:
            return await self._usual.grid(self.symbol, window_ms, low=low, high=high, max_cols=MAX_COLUMNS)
        return await self._market.grid(
            self.symbol, window_ms, low=low, high=high, bins=bins, max_cols=MAX_COLUMNS
        )

    async def _redraw(self) -> None:
        frame = await self._draw()
        self._n += 1
        self._packed = await self._pack("snapshot", frame)
        self._publish(self._packed)

    def _outgrown(self, later: Frame, scale: Scale) -> bool:
        frame = self._frame
        if frame is None or not len(later) or not frame.fits(later):
            return True
        margin = EDGE * (frame.high - frame.low)
        price = self._market.view(self.symbol).price
        inside = frame.low + margin < price < frame.high - margin
        return not inside or not 1 / RESCALE < scale.top / frame.scale.top < RESCALE

    async def _pack(self, kind: str, frame: Frame) -> Message:
        about = self._usual.about if self._usual else ""
        head = {"type": kind, "channel": self.name, "window": self._window, "about": about}
        data = await asyncio.to_thread(pack, frame, {**head, "n": self._n})
        return Message(channel=self.name, n=self._n, data=data)


class MarketChannel:
    """What is known about one symbol beside its heatmap: price, forming candle, zones, the day's facts."""

    def __init__(self, market: Market, symbol: str, publish: Publish) -> None:
        self.name = market_channel(symbol)
        self._market = market
        self._symbol = symbol
        self._publish = publish
        self._n = 0
        self._bar: dict[str, float] | None = None
        self._facts: dict[str, Any] = {}
        self._candle_ts = market.view(symbol).candle_ts

    async def snapshot(self) -> Message:
        """Return everything as one message."""
        return self._message("market", self._now(self._market.view(self._symbol)))

    def update(self, *, rebuilt: bool) -> None:
        """Publish the newest price; with a new candle zones and the day's facts; all after a jump in time."""
        view = self._market.view(self._symbol)
        if rebuilt:
            self._bar = None
            self._facts = {}
        if rebuilt or view.candle_ts != self._candle_ts:
            self._candle(view)
            return
        self._n += 1
        self._publish(self._message("price", self._price(view)))

    def _candle(self, view: SymbolView) -> None:
        self._candle_ts = view.candle_ts
        facts = self._now(view)
        changed = {name: value for name, value in facts.items() if self._facts.get(name) != value}
        if changed:
            self._facts = facts
            self._n += 1
            self._publish(self._message("facts", changed))

    def _now(self, view: SymbolView) -> dict[str, Any]:
        return self._price(view) | facts_of(view)

    def _price(self, view: SymbolView) -> dict[str, Any]:
        self._form(view)
        return {
            "price": view.price,
            "price_ts": view.price_ts,
            "interpolated": view.interpolated,
            "bar": self._bar,
        }

    def _form(self, view: SymbolView) -> None:
        """Grow the candle that is still open; a closed one comes with the heatmap's columns."""
        opened = view.price_ts - view.price_ts % STEP_MS
        if opened <= view.candle_ts:
            self._bar = None
            return
        price = view.price
        if self._bar is None or self._bar["ts"] != opened:
            self._bar = {"ts": opened, "open": price, "high": price, "low": price, "close": price}
            return
        self._bar |= {
            "high": max(self._bar["high"], price),
            "low": min(self._bar["low"], price),
            "close": price,
        }

    def _message(self, kind: str, body: dict[str, Any]) -> Message:
        head = {"type": kind, "channel": self.name, "symbol": self._symbol, "n": self._n}
        return Message(channel=self.name, n=self._n, data=dumps(head | body))


def facts_of(view: SymbolView) -> dict[str, Any]:
    """Return the facts of a symbol that change with a candle, zones among them."""
    zones = view.zones
    return {
        "venues": list(view.venues),
        "candle_ts": view.candle_ts,
        "change_24h": view.change_24h,
        "high_24h": view.high_24h,
        "low_24h": view.low_24h,
        "volume_24h_usd": view.volume_24h_usd,
        "open_interest_usd": view.open_interest_usd,
        "warm": view.warm,
        "history_days": round(view.history_days, 2),
        "zones_ready": bool(zones and zones.threshold_ready),
        "zones": [zone_of(zone) for zone in zones.zones] if zones else [],
    }


def zone_of(zone: Zone) -> dict[str, Any]:
    """Return one zone as plain JSON types."""
    return {
        "id": zone.zone_id,
        "side": zone.side.value,
        "low": zone.low,
        "high": zone.high,
        "peak": zone.peak,
        "notional_usd": zone.notional_usd,
        "share": zone.share,
        "percentile": zone.percentile,
        "born_ts": zone.born_ts,
    }
