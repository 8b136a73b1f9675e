"""Keep the heatmap of a symbol and window for those who follow it."""

import asyncio
from typing import Any

import numpy as np
import orjson

from bot.web.channels import BINS, MAX_COLUMNS, Outlet
from bot.web.encode import VERSION, Frame, Scale, pack
from bot.web.fanout import Message
from bot.web.ports import WINDOWS, Market
from bot.web.thrift import pack_within
from bot.web.topics import Form, Kind, Topic
from bot.web.usual import Usual
from engine.grid import Grid

EDGE = 0.06
"""A fresh range is drawn when price comes within this share of the range's edge."""
RESCALE = 1.6
"""Colours are chosen anew when the brightest dollars have changed by this factor."""


class HeatChannel:
    """The heatmap of one symbol over one window, kept up to date while somebody follows it.

    It is the market's own, or that of the `usual` model, in both forms under one number.
    """

    def __init__(
        self, market: Market, symbol: str, window: str, outlet: Outlet, usual: Usual | None = None
    ) -> None:
        self.names = {form: Topic(Kind.HEATMAP, symbol, window, form).name for form in Form}
        self.symbol = symbol
        self.candle_ts = 0
        self._market = market
        self._window = window
        self._usual = usual
        self._outlet = outlet
        self._frame: Frame | None = None
        self._n = 0
        self._packed: dict[Form, Message] = {}
        self._lock = asyncio.Lock()

    async def snapshot(self, form: Form = Form.BINARY) -> Message:
        """Return the whole heatmap as a message; made once for all who ask at the same number."""
        async with self._lock:
            frame = self._frame or await self._draw()
            packed = self._packed.get(form)
            if packed is None or packed.n != self._n:
                packed = self._packed[form] = await self._pack("snapshot", frame, form)
            return packed

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
                await self._tell("columns", columns)

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
        await self._tell("snapshot", frame)

    async def _tell(self, kind: str, frame: Frame) -> None:
        """Publish a frame in each form that anybody follows."""
        for form, name in self.names.items():
            if self._outlet.follows(name):
                message = await self._pack(kind, frame, form)
                if kind == "snapshot":
                    self._packed[form] = message
                self._outlet.publish(message)

    def _outgrown(self, later: Frame, scale: Scale) -> bool:
        frame = self._frame
        if frame is None or not len(later) or not frame.fits(later):
            return True
        margin = EDGE * (frame.high - frame.low)
        price = self._market.view(self.symbol).price
        inside = frame.low + margin < price < frame.high - margin
        return not inside or not 1 / RESCALE < scale.top / frame.scale.top < RESCALE

    async def _pack(self, kind: str, frame: Frame, form: Form) -> Message:
        name = self.names[form]
        about = self._usual.about if self._usual else ""
        head = {"type": kind, "channel": name, "window": self._window, "about": about, "n": self._n}
        return await asyncio.to_thread(_message, frame, head, form)


def _message(frame: Frame, head: dict[str, Any], form: Form) -> Message:
    write = json_of if form is Form.JSON else pack_within if head["type"] == "snapshot" else pack
    data = write(frame, head)
    return Message.of(data, channel=head["channel"], n=head["n"])


def json_of(frame: Frame, head: dict[str, Any]) -> str:
    """Return a frame as JSON for people: a column an object, with whole dollars of every bin."""
    dollars = [
        np.rint(frame.scale.dollars(codes)).astype(int).tolist() for codes in (frame.long, frame.short)
    ]
    prices = [[None if np.isnan(price) else price for price in row] for row in frame.ohlc.T.tolist()]
    names = ("ts", "open", "high", "low", "close", "long_usd", "short_usd")
    columns = [
        dict(zip(names, (ts, *ohlc, long, short), strict=True))
        for ts, ohlc, long, short in zip(frame.ts.tolist(), prices, *dollars, strict=True)
    ]
    described = {
        "version": VERSION,
        "symbol": frame.symbol,
        "step_ms": frame.step_ms,
        "bins": frame.bins,
        "low": frame.low,
        "high": frame.high,
        "scale": frame.scale.as_dict(),
    }
    return orjson.dumps(head | described | {"columns": columns}).decode()
