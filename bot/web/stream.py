"""Serve `/ws/heatmap`: the live chart's stream, open to all who may see the page (docs/websocket.md)."""

import asyncio
import contextlib
from typing import Any

import structlog
from aiohttp import WSCloseCode, web

from bot.commands.symbols import Markets, resolve
from bot.live.view import ChangeKind
from bot.web.channels import HeatChannel, MarketChannel, heat_channel, market_channel
from bot.web.encode import VERSION
from bot.web.errors import incident_id
from bot.web.fanout import Message, Subscriber
from bot.web.limits import Full, Places, TokenBucket
from bot.web.ports import WINDOWS, Market
from bot.web.sockets import Listener, open_socket
from bot.web.usual import Usual
from bot.web.wire import dumps, error_message, id_of, loads, text_of
from engine.errors import LiqwatchError, UserError

log = structlog.get_logger(__name__)

PACE_S = 0.1
"""Changes are gathered for this long: ten prices a second at most."""
CLOCK_S = 1.0
MAX_CLIENTS = 1000
MAX_CHANNELS = 24
MAX_FRAME_BYTES = 4096
RATE_PER_S = 10.0
BURST = 40.0


class Stream:
    """Follow the market and publish what changes to every client that asked for it."""

    def __init__(self, market: Market, *, usual: Usual | None = None, max_clients: int = MAX_CLIENTS) -> None:
        self._market = market
        self._usual = usual
        self._places = Places(max_clients)
        self._subscribers: set[Subscriber] = set()
        self._sockets: set[web.WebSocketResponse] = set()
        self._heat: dict[str, HeatChannel] = {}
        self._facts: dict[str, MarketChannel] = {}
        self._gathered: dict[str, bool] = {}
        self._news = asyncio.Event()
        self._dirty: dict[str, bool] = {}
        self._dirt = asyncio.Event()

    async def follow(self) -> None:
        """Gather what changes in the market; a part of the process, runs until cancelled."""
        changes = self._market.subscribe()
        try:
            while (change := await changes.get()) is not None:
                rebuilt = change.kind is ChangeKind.REBUILT
                self._gathered[change.symbol] = self._gathered.get(change.symbol, False) or rebuilt
                self._news.set()
        finally:
            changes.close()

    async def tell(self) -> None:
        """Publish gathered changes, a few times a second; a part, runs until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            gathered, self._gathered = self._gathered, {}
            for symbol, rebuilt in gathered.items():
                if symbol in self._market.symbols:
                    self._changed(symbol, rebuilt=rebuilt)
            await asyncio.sleep(PACE_S)

    async def draw(self) -> None:
        """Bring the heatmaps that somebody follows up to date; a part, runs until cancelled."""
        while True:
            await self._dirt.wait()
            self._dirt.clear()
            self._forget_unfollowed()
            while self._dirty:
                name, restart = self._dirty.popitem()
                if (channel := self._heat.get(name)) is not None:
                    await (channel.restart() if restart else channel.refresh())

    async def tell_time(self) -> None:
        """Publish the market clock once a second; a part of the process, runs until cancelled."""
        last = ""
        while True:
            clock = dumps({"type": "clock", **self.source()})
            if clock != last:
                self._publish(Message(data=clock))
                last = clock
            await asyncio.sleep(CLOCK_S)

    def source(self) -> dict[str, Any]:
        """Return where the data comes from and what time it is there."""
        return {
            "kind": self._market.source_kind,
            "label": self._market.label(),
            "now_ms": self._market.now_ms() if self._market.source_kind == "replay" else None,
        }

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one client until it leaves."""
        try:
            with self._places.one():
                return await self._serve(request)
        except Full:
            raise web.HTTPServiceUnavailable(
                text="The stream is full; try again in a moment.", headers={"Retry-After": "10"}
            ) from None

    async def close(self) -> None:
        """Tell every client that the server goes away."""
        await asyncio.gather(
            *(s.close(code=WSCloseCode.GOING_AWAY, message=b"server stops") for s in list(self._sockets)),
            return_exceptions=True,
        )

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        socket = open_socket(max_bytes=MAX_FRAME_BYTES)
        await socket.prepare(request)
        subscriber = Subscriber(socket, self._snapshot)
        self._subscribers.add(subscriber)
        self._sockets.add(socket)
        pump = asyncio.create_task(subscriber.pump(), name="stream pump")
        try:
            subscriber.offer(Message(data=self._hello()))
            async for text, in_time in Listener(socket, TokenBucket(RATE_PER_S, BURST)).messages():
                subscriber.offer(Message(data=dumps(self._answer(subscriber, text, in_time=in_time))))
        finally:
            self._subscribers.discard(subscriber)
            self._sockets.discard(socket)
            self._dirt.set()
            pump.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await pump
        return socket

    def _hello(self) -> str:
        return dumps(
            {
                "type": "hello",
                "version": VERSION,
                "symbols": list(self._market.symbols),
                "windows": list(WINDOWS),
                "source": self.source(),
                "limits": {
                    "channels": MAX_CHANNELS,
                    "frame_bytes": MAX_FRAME_BYTES,
                    "rate_per_s": RATE_PER_S,
                },
            }
        )

    def _answer(self, subscriber: Subscriber, text: str, *, in_time: bool) -> dict[str, Any]:
        """Do what a client asks and return what it is told."""
        message: dict[str, Any] = {}
        try:
            if not in_time:
                raise UserError(f"Too many messages: {RATE_PER_S:.0f} a second are the most.")
            message = loads(text)
            return self._act(subscriber, message)
        except UserError as error:
            code = "bad_request" if in_time else "rate_limited"
            return error_message(code, error.message, id=id_of(message))

    def _act(self, subscriber: Subscriber, message: dict[str, Any]) -> dict[str, Any]:
        kind, request_id = message["type"], id_of(message)
        if kind == "ping":
            return {"type": "pong", "id": request_id}
        if kind not in ("subscribe", "unsubscribe", "resync"):
            raise UserError(f"Unknown type {kind[:32]!r}: subscribe, unsubscribe, resync or ping.")
        channel = self._channel(message)
        if kind == "subscribe":
            if channel not in subscriber.channels and len(subscriber.channels) >= MAX_CHANNELS:
                raise UserError(f"{MAX_CHANNELS} channels are the most for one connection.")
            subscriber.join(channel)
        elif kind == "unsubscribe":
            subscriber.leave(channel)
            self._dirt.set()
        else:
            subscriber.resync(channel)
        return {
            "type": f"{kind}d" if kind.endswith("e") else "resyncing",
            "id": request_id,
            "channel": channel,
        }

    def _channel(self, message: dict[str, Any]) -> str:
        symbol = resolve(text_of(message, "symbol", limit=32), Markets(known=self._market.symbols))
        channel = message.get("channel", "heatmap")
        if channel == "market":
            return market_channel(symbol)
        if channel != "heatmap":
            raise UserError("channel is heatmap or market.")
        window = text_of(message, "window", limit=8)
        if window not in WINDOWS:
            raise UserError(f"window is one of {', '.join(WINDOWS)}.")
        return heat_channel(symbol, window)

    async def _snapshot(self, channel: str) -> Message:
        """Return what a newcomer to a channel needs, or the error that stands in its place."""
        kind, symbol, *rest = channel.split(":")
        try:
            if kind == "market":
                return await self._market_channel(symbol).snapshot()
            return await self._heat_channel(symbol, rest[0]).snapshot()
        except LiqwatchError as error:
            text = str(error)
        except Exception:  # a front's dispatch: logged, and the client is told
            incident = incident_id()
            log.exception("stream.snapshot_failed", incident=incident, channel=channel)
            text = f"Something went wrong here. Incident {incident}."
        return Message(data=dumps(error_message("no_snapshot", text, channel=channel)))

    def _heat_channel(self, symbol: str, window: str) -> HeatChannel:
        name = heat_channel(symbol, window)
        if name not in self._heat:
            self._heat[name] = HeatChannel(self._market, symbol, window, self._publish, self._usual)
        return self._heat[name]

    def _market_channel(self, symbol: str) -> MarketChannel:
        if symbol not in self._facts:
            self._facts[symbol] = MarketChannel(self._market, symbol, self._publish)
        return self._facts[symbol]

    def _changed(self, symbol: str, *, rebuilt: bool) -> None:
        if (facts := self._facts.get(symbol)) is not None:
            facts.update(rebuilt=rebuilt)
        candle_ts = self._market.view(symbol).candle_ts
        for name, channel in self._heat.items():
            if channel.symbol == symbol and (rebuilt or channel.candle_ts != candle_ts):
                self._dirty[name] = self._dirty.get(name, False) or rebuilt
                self._dirt.set()

    def _forget_unfollowed(self) -> None:
        followed = {channel for subscriber in self._subscribers for channel in subscriber.channels}
        for name in [n for n in self._heat if n not in followed]:
            del self._heat[name]

    def _publish(self, message: Message) -> None:
        for subscriber in self._subscribers:
            subscriber.offer(message)
