"""A local Hyperliquid over real sockets: `POST /info` and `/ws`, with its shapes, limits and bad days.

Every limit that was ever exceeded is in `excess`. What it sends is made by `world`; tests move that and tell
it what to push, or how to misbehave. Time comes in: `clock` in seconds for limits, `now_ms` for what is said.
"""

import asyncio
import importlib.util
import json
import sys
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path

from aiohttp import WSCloseCode, WSMsgType, web


def _sibling(name):
    """Load a file beside this one: tests are no package."""
    known = f"peers_{name}"
    if known not in sys.modules:
        spec = importlib.util.spec_from_file_location(known, Path(__file__).with_name(f"{name}.py"))
        module = sys.modules[known] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[known]


world = _sibling("hyperliquid_world")
info = _sibling("hyperliquid_info")

GREETING = "Websocket connection established."
DEFAULTS = {"userFills": {"aggregateByTime": False}, "l2Book": {"nSigFigs": None, "mantissa": None}}
KEYS = {
    "trades": ("coin",),
    "activeAssetCtx": ("coin",),
    "candle": ("coin", "interval"),
    "userFills": ("user",),
    "allDexsAssetCtxs": (),
}


@dataclass
class Excess:
    """One time that a limit was exceeded: which, and by what it stood then."""

    limit: str
    used: int
    budget: int


class Window:
    """Count what was used up in the last seconds."""

    def __init__(self, name, budget, seconds, peer):
        self.name, self.budget, self.seconds, self.peer = name, budget, seconds, peer
        self._used = deque()

    @property
    def used(self):
        while self._used and self._used[0][0] <= self.peer.clock() - self.seconds:
            self._used.popleft()
        return sum(weight for _, weight in self._used)

    def take(self, weight=1):
        """Count; say whether it was still within the budget."""
        self._used.append((self.peer.clock(), weight))
        if self.used > self.budget:
            self.peer.excess.append(Excess(self.name, self.used, self.budget))
            return False
        return True


@dataclass(eq=False)
class Line:
    """One open connection: what it has subscribed to, what came in, when something was last sent to it."""

    socket: web.WebSocketResponse
    request: web.Request
    topics: dict = field(default_factory=dict)
    heard: list = field(default_factory=list)
    sent_s: float = 0.0


class Hyperliquid(info.Info):
    """The server. Set `greets`, `mute`, `odd_fields`, `skew_ms`, `silence_s` and the limits as wanted."""

    unknown = world.Unknown
    intervals = world.STEPS_MS

    def __init__(self, *, now_ms=None, clock=time.monotonic):
        self.clock = clock
        self.skew_ms = 0
        self._now_ms = now_ms or (lambda: int(time.time() * 1000))
        self.world = world.World(self.now_ms)
        self.excess: list[Excess] = []
        self.asked: list[dict] = []
        self.lines: list[Line] = []
        self.faults: list = []
        self.handshake: list[int] = []
        self.greets = True
        self.mute = False
        self.reorder = 0  # so many frames of data are gathered, and sent the newest first
        self.half_batch = False  # every other subscription is taken in silence: not made, and not answered
        self._gathered = []
        self._asked_for = 0
        self.odd_fields = False
        self.silence_s = 60.0
        self.most_lines, self.most_topics, self.most_users = 10, 1000, 10
        self.weight = Window("weight", 1200, 60.0, self)
        self.messages = Window("messages", 2000, 60.0, self)
        self.opened = Window("connections a minute", 30, 60.0, self)
        self.last = ""

    def now_ms(self):
        """Return the venue's clock, which may be wrong."""
        return self._now_ms() + self.skew_ms

    async def start(self, port=0):
        """Listen on a port of this machine."""
        app = web.Application()
        app.router.add_post("/info", self._info)
        app.router.add_get("/ws", self._ws)
        app.on_response_prepare.append(self._date)
        self._runner = web.AppRunner(app, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.ws_url = f"ws://127.0.0.1:{self.port}/ws"
        return self

    async def stop(self):
        """Go away."""
        await self.cut()
        await self._runner.cleanup()

    # what tests tell it

    def refuse_handshakes(self, status, times=1):
        """Answer the next WebSocket handshakes with a status."""
        self.handshake += [status] * times

    async def say(self, frame, lines=None):
        """Send a frame, or any text or bytes as they are, to connections."""
        text = frame if isinstance(frame, str | bytes) else json.dumps(self._odd(frame))
        self.last = text
        for line in list(self.lines if lines is None else lines):
            if self.mute or line.socket.closed:
                continue
            line.sent_s = self.clock()
            send = line.socket.send_bytes if isinstance(text, bytes) else line.socket.send_str
            with suppress(ConnectionError):
                await send(text)

    async def repeat(self):
        """Send the last frame again."""
        await self.say(self.last)

    async def cut(self, *, in_frame=False):
        """Break every connection, in the middle of a frame if wanted."""
        for line in list(self.lines):
            if line.request.transport is not None:
                if in_frame:
                    line.request.transport.write(b'\x81\x7e\x01\x00{"channel":"trad')
                    await asyncio.sleep(0.01)
                line.request.transport.abort()
        await self.until(lambda: not self.lines)

    async def close(self, code=1000, words=""):
        """Close every connection in good form."""
        for line in list(self.lines):
            await line.socket.close(code=code, message=words.encode())

    async def close_silent(self):
        """Close connections that were sent nothing for too long, as the venue does by itself."""
        for line in list(self.lines):
            if self.clock() - line.sent_s >= self.silence_s:
                await line.socket.close(code=1000, message=b"Inactive")

    # what happens on the market

    async def price(self, name, mark, **changes):
        """Set what a coin's context says, and push it."""
        coin = self.world.coin(name)
        coin.mark = mark
        for key, value in changes.items():
            setattr(coin, key, value)
        await self._push("activeAssetCtx", {"coin": name, "ctx": coin.context()}, coin=name)
        await self._push("allDexsAssetCtxs", self._all())

    async def trade(self, *given, **named):
        """Let somebody trade, and push it."""
        row = self.world.trade(*given, **named)
        await self._push("trades", [row], coin=row["coin"])
        return row

    async def bar(self, name, t, interval="5m", **changes):
        """Push a candle as it stands."""
        row = self.world.candle(self.world.coin(name), interval, t, **changes)
        await self._push("candle", row, coin=name, interval=interval)
        return row

    async def liquidate(self, *given, **named):
        """Liquidate somebody, and push the trade and the fills."""
        return await self._happened(*self.world.liquidate(*given, **named))

    async def ordinary(self, *given):
        """Let a user trade for other reasons, and push it."""
        return await self._happened(*self.world.ordinary(*given))

    async def _happened(self, trade, fills):
        await self._push("trades", [trade], coin=trade["coin"])
        for user, fill in fills.items():
            await self._push("userFills", {"user": user, "fills": [fill]}, user=user)
        return trade

    async def _date(self, _, response):
        """Say the venue's time in every answer's Date."""
        response.headers["Date"] = formatdate(self.now_ms() / 1000, usegmt=True)

    async def until(self, condition, timeout_s=5.0):
        """Wait until a condition holds."""
        async with asyncio.timeout(timeout_s):
            while not condition():
                await asyncio.sleep(0.005)

    # /ws

    async def _ws(self, request):
        if self.handshake:
            return web.Response(status=self.handshake.pop(0), text="no")
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        room = self.opened.take()
        if len(self.lines) >= self.most_lines:
            self.excess.append(Excess("connections", len(self.lines) + 1, self.most_lines))
            room = False
        if not room:
            words = f"Cannot open more than {self.most_lines} connections."
            await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=words.encode())
            return socket
        line = Line(socket, request, sent_s=self.clock())
        self.lines.append(line)
        try:
            if self.greets:
                await self.say(GREETING, [line])
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await self._hear(line, message.data)
        finally:
            self.lines.remove(line)
        return socket

    async def _hear(self, line, text):
        line.heard.append(text)
        if not self.messages.take():
            return await self.say({"channel": "error", "data": "Too many messages."}, [line])
        try:
            asked = json.loads(text)
            method, wanted = asked["method"], asked.get("subscription")
        except (ValueError, KeyError, TypeError, AttributeError):
            return await self._no(line, f"Error parsing JSON into valid websocket request: {text}")
        if method == "ping":
            return await self.say({"channel": "pong"}, [line])
        if method not in ("subscribe", "unsubscribe") or not isinstance(wanted, dict):
            return await self._no(line, f"Error parsing JSON into valid websocket request: {text}")
        return await (self._subscribe if method == "subscribe" else self._unsubscribe)(line, wanted)

    async def _no(self, line, words):
        await self.say({"channel": "error", "data": words}, [line])

    async def _subscribe(self, line, wanted):
        self._asked_for += 1
        if self.half_batch and self._asked_for % 2 == 0:
            return None
        key, quoted = _key(wanted), json.dumps(wanted, separators=(",", ":"))
        if key is None or not self._exists(wanted):
            return await self._no(line, f"Invalid subscription {quoted}")
        if key in line.topics:
            return await self._no(line, f"Already subscribed: {quoted}")
        total = sum(len(each.topics) for each in self.lines) + 1
        if total > self.most_topics:
            self.excess.append(Excess("subscriptions", total, self.most_topics))
            return await self._no(line, f"Cannot subscribe to more than {self.most_topics} topics.")
        users = {each[1] for one in self.lines for each in one.topics if each[0] == "userFills"}
        if key[0] == "userFills" and len(users | {key[1]}) > self.most_users:
            self.excess.append(Excess("users", len(users) + 1, self.most_users))
            return await self._no(line, f"Cannot track more than {self.most_users} total users.")
        line.topics[key] = wanted
        await self._ack(line, "subscribe", wanted)
        return await self._first(line, key)

    async def _unsubscribe(self, line, wanted):
        if line.topics.pop(_key(wanted), None) is None:
            quoted = json.dumps(wanted, separators=(",", ":"))
            return await self._no(line, f"Already unsubscribed: {quoted}")
        return await self._ack(line, "unsubscribe", wanted)

    async def _ack(self, line, method, wanted):
        repeated = DEFAULTS.get(wanted["type"], {}) | wanted
        if "user" in repeated:
            repeated["user"] = repeated["user"].lower()
        data = {"method": method, "subscription": repeated}
        await self.say({"channel": "subscriptionResponse", "data": data}, [line])

    async def _first(self, line, key):
        """Send what a subscription begins with: old trades without a flag, a flagged snapshot of fills."""
        kind, *values = key
        if kind == "trades" and self.world.trades.get(values[0]):
            data = self.world.trades[values[0]][-50:]
        elif kind == "userFills":
            latest = self.world.user_fills({"user": values[0]})
            data = {"isSnapshot": True, "user": values[0], "fills": latest}
        elif kind == "activeAssetCtx":
            data = {"coin": values[0], "ctx": self.world.coin(values[0]).context()}
        elif kind == "allDexsAssetCtxs":
            data = self._all()
        else:
            return
        await self.say({"channel": kind, "data": data}, [line])

    def _all(self):
        foreign = world.Coin("xyz:TSLA", mark=400.0).context()
        return {"ctxs": [["", [coin.context() for coin in self.world.coins]], ["xyz", [foreign]]]}

    def _exists(self, wanted):
        if wanted.get("type") == "candle" and wanted["interval"] not in world.STEPS_MS:
            return False
        return "coin" not in wanted or any(coin.name == wanted["coin"] for coin in self.world.coins)

    async def _push(self, kind, data, **values):
        key = (kind, *values.values())
        lines = [line for line in self.lines if key in line.topics]
        if not lines:
            return
        self._gathered.append(({"channel": kind, "data": data}, lines))
        if len(self._gathered) >= self.reorder:
            gathered, self._gathered = self._gathered, []
            for frame, to in reversed(gathered):
                await self.say(frame, to)


def _key(wanted):
    """Return what tells subscriptions apart; None for one that is none."""
    names = KEYS.get(wanted.get("type"))
    if names is None or not all(isinstance(wanted.get(name), str) for name in names):
        return None
    return (wanted["type"], *(wanted[n].lower() if n == "user" else wanted[n] for n in names))
