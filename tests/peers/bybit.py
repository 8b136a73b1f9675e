"""A faithful local Bybit over real sockets: REST and the public linear stream, held to the venue's limits.

Every limit that was ever exceeded is in `exceeded`. It fails, stalls, drops and talks nonsense when told to.
"""

import asyncio
import importlib.util
import json
import struct
import sys
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path

from aiohttp import WSMsgType, web


def _sibling(name):
    """Load a file beside this one: tests are no package."""
    known = f"peers_{name}"
    if known not in sys.modules:
        spec = importlib.util.spec_from_file_location(known, Path(__file__).with_name(f"{name}.py"))
        module = sys.modules[known] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[known]


market = _sibling("bybit_market")
rest = _sibling("bybit_rest")

REQUESTS, WINDOW_S, BAN_S = 600, 5.0, 600.0
CONNECTS, CONNECTS_S = 500, 300.0
ARGS_CHARS = 21_000
IDLE_S = 600.0
TOPICS = ("allLiquidation.", "tickers.", "kline.", "publicTrade.")
TOO_FREQUENT = "403, access too frequent"
FORBIDDEN = (
    "<html><body><h1>403 ERROR</h1>The distribution is configured to block your country.</body></html>"
)


@dataclass
class Fault:
    """What happens to the next calls of a path ("*" for any), or to the next handshakes (path "ws")."""

    path: str
    status: int = 200
    code: int = 0
    words: str = ""
    body: str | None = None
    headers: dict = field(default_factory=dict)
    stall_s: float = 0.0
    drop: bool = False
    times: int = 1


class Client:
    """One socket of a reader: its topics, and how it is to be treated."""

    def __init__(self, socket, request, number, now_s):
        self.socket = socket
        self.request = request
        self.number = number
        self.topics = set()
        self.chars = 0
        self.sent = []
        self.heard_s = now_s


@dataclass
class Bybit:
    """The server. `monotonic` may be a test's own clock; `there` is the market."""

    monotonic: object = time.monotonic
    there: object = field(default_factory=market.Market)
    idle_s: float = IDLE_S
    whole_batches: bool = True  # one bad topic fails its whole message
    mute: bool = False  # accept everything, and say nothing any more
    deaf: bool = False  # no answer to pings
    extra: dict = field(default_factory=dict)  # fields that nobody ever heard of, put into every frame
    calls: list = field(default_factory=list)
    exceeded: list = field(default_factory=list)
    faults: list = field(default_factory=list)
    clients: list = field(default_factory=list)
    pings: int = 0
    handshakes: int = 0
    _asked: deque = field(default_factory=deque)
    _opened: deque = field(default_factory=deque)
    _banned_s: float = 0.0

    async def start(self, port=0):
        """Listen on a port of this machine."""
        app = web.Application()
        app.router.add_get("/v5/public/linear", self._stream)
        app.router.add_get("/v5/market/{path:.+}", self._handle)
        app.on_response_prepare.append(self._date)
        self._runner = web.AppRunner(app, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.ws_url = f"ws://127.0.0.1:{self.port}/v5/public/linear"
        return self

    async def stop(self):
        """Go away."""
        for client in list(self.clients):
            client.request.transport and client.request.transport.abort()
        await self._runner.cleanup()

    # what tests tell it

    def fail(self, path="*", **what):
        """Let the next calls of a path go wrong; `what` as in Fault."""
        self.faults.append(Fault(path, **what))

    def too_many_visits(self, path="*", *, reset_ms=1000, times=1):
        """Refuse for asking too often, until a moment of the venue's clock."""
        headers = {
            "X-Bapi-Limit": "50",
            "X-Bapi-Limit-Status": "0",
            "X-Bapi-Limit-Reset-Timestamp": str(self.there.now_ms + reset_ms),
        }
        words = "Too many visits. Exceeded the API Rate Limit."
        self.fail(path, code=10006, words=words, headers=headers, times=times)

    def block(self, times=1_000_000):
        """Be in a country that is not served."""
        self.fail("*", status=403, body=FORBIDDEN, times=times)

    # REST

    async def _date(self, _, response):
        """Say the venue's time in every answer's Date."""
        response.headers["Date"] = formatdate(self.there.now_ms / 1000, usegmt=True)

    async def _handle(self, request):
        path = request.match_info["path"]
        self.calls.append((path, dict(request.query)))
        if self._is_banned() or request.can_read_body:
            return web.Response(status=403, text=TOO_FREQUENT)
        fault = self._planned(path)
        if fault is not None and (response := await self._suffer(fault, request)) is not None:
            return response
        if path not in rest.RULES:
            return web.Response(status=404, text="404 page not found")
        answers = rest.Answers(self.there, market.PERIODS, market.STEPS)
        try:
            return self._envelope(answers.answer(path, request.query))
        except rest.Refused as refused:
            return self._envelope({}, code=refused.code, words=str(refused))

    def _is_banned(self):
        """Count a request; say whether its address is shut out."""
        now_s = self.monotonic()
        self._asked.append(now_s)
        while self._asked[0] <= now_s - WINDOW_S:
            self._asked.popleft()
        if len(self._asked) > REQUESTS:
            self.exceeded.append(("requests", len(self._asked)))
            self._banned_s = now_s + BAN_S
        return now_s < self._banned_s

    def _planned(self, path):
        for fault in self.faults:
            if fault.path in (path, "*" if path != "ws" else "ws"):
                fault.times -= 1
                if fault.times <= 0:
                    self.faults.remove(fault)
                return fault
        return None

    async def _suffer(self, fault, request):
        """Return what goes wrong, None where it is only late."""
        await asyncio.sleep(fault.stall_s)
        if fault.drop:
            request.transport.abort()
            raise asyncio.CancelledError
        if fault.body is not None or fault.status != 200:
            return web.Response(status=fault.status, text=fault.body or "", headers=fault.headers)
        if fault.code:
            return self._envelope({}, code=fault.code, words=fault.words, headers=fault.headers)
        return None

    def _envelope(self, result, *, code=0, words="OK", headers=None):
        body = {
            "retCode": code,
            "retMsg": words,
            "result": result,
            "retExtInfo": {},
            "time": self.there.now_ms,
        }
        return web.json_response(body, headers=headers)

    # the stream

    async def _stream(self, request):
        self.handshakes += 1
        now_s = self.monotonic()
        self._opened.append(now_s)
        while self._opened[0] <= now_s - CONNECTS_S:
            self._opened.popleft()
        if len(self._opened) > CONNECTS:
            self.exceeded.append(("connects", len(self._opened)))
            return web.Response(status=403, text=TOO_FREQUENT)
        fault = self._planned("ws")
        if fault is not None and (response := await self._suffer(fault, request)) is not None:
            return response
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        client = Client(socket, request, self.handshakes, now_s)
        self.clients.append(client)
        try:
            await self._listen(client)
        finally:
            self.clients.remove(client)
        return socket

    async def _listen(self, client):
        async for message in client.socket:
            client.heard_s = self.monotonic()
            if message.type is WSMsgType.TEXT and not self.mute:
                await self._obey(client, message.data)

    async def _obey(self, client, text):
        try:
            asked = json.loads(text)
            op, args = asked["op"], asked.get("args", [])
        except (ValueError, KeyError, TypeError):
            self.exceeded.append(("not understood", text))
            return
        number = asked.get("req_id", "")
        if op == "ping":
            self.pings += 1
            if not self.deaf:
                await self._answer(client, number, "ping", words="pong")
        elif op == "subscribe":
            await self._subscribe(client, number, args)
        elif op == "unsubscribe":
            client.topics -= set(args)
            await self._answer(client, number, op)
        else:
            self.exceeded.append(("unknown op", op))

    async def _subscribe(self, client, number, args):
        client.chars += sum(len(topic) for topic in args)
        if client.chars > ARGS_CHARS:
            self.exceeded.append(("args", client.chars))
            await self._answer(client, number, "subscribe", ok=False, words="args too long")
            return
        good, words = [], ""
        for topic in args:
            wrong = self._wrong(client, topic)
            words = words or wrong
            if not wrong:
                good.append(topic)
        if words and self.whole_batches:
            good = []
        client.topics |= set(good)
        await self._answer(client, number, "subscribe", ok=not words, words=words)
        for topic in good:
            if topic.startswith("tickers."):
                await self.ticker(topic.removeprefix("tickers."), only=client)

    def _wrong(self, client, topic):
        """Return in which words a topic is refused; "" for a good one."""
        symbol = topic.rpartition(".")[2]
        if not topic.startswith(TOPICS):
            return f"Invalid topic: {topic}"
        if topic.startswith("kline.") and topic.split(".")[1] not in market.STEPS:
            return f"Invalid topic: {topic}"
        if not self.there.has(symbol):
            return f"error:handler not found,topic:{topic}"
        return f"error:already subscribed,topic:{topic}" if topic in client.topics else ""

    async def _answer(self, client, number, op, *, ok=True, words=""):
        answer = {
            "success": ok,
            "ret_msg": words,
            "conn_id": f"c-{client.number}",
            "req_id": number,
            "op": op,
        }
        await self._say(client, json.dumps(answer))

    async def _say(self, client, text):
        if not self.mute and not client.socket.closed:
            client.sent.append(text)
            with suppress(ConnectionError):
                await client.socket.send_str(text)

    # market events

    async def push(self, topic, data, *, kind="snapshot", only=None, twice=False, **more):
        """Send a frame to whoever asked for its topic."""
        frame = {"topic": topic, "type": kind, "ts": self.there.now_ms, "data": data, **more, **self.extra}
        for client in [only] if only else [c for c in self.clients if topic in c.topics]:
            for _ in range(2 if twice else 1):
                await self._say(client, json.dumps(frame))

    async def liquidate(self, symbol, *rows, **how):
        """Push liquidations: rows of (position's side, quantity, bankruptcy price, ms before now)."""
        now = self.there.now_ms
        data = [
            {"T": now - ago, "s": symbol, "S": side, "v": quantity, "p": price}
            for side, quantity, price, ago in rows
        ]
        await self.push(f"allLiquidation.{symbol}", data, **how)

    async def ticker(self, symbol, *, only=None, **changed):
        """Push a snapshot, or, of what changed, a delta."""
        standing = self.there.ticker(symbol)
        standing.update(changed)
        data = {"symbol": symbol, **changed} if changed else standing
        kind = "delta" if changed else "snapshot"
        await self.push(f"tickers.{symbol}", data, kind=kind, only=only, cs=24987956059)

    async def candle(self, symbol, at, *, interval="5", confirm=False, **how):
        """Push a bar."""
        bar = self.there.candle(at, confirm=confirm, interval=interval)
        await self.push(f"kline.{interval}.{symbol}", [bar], **how)

    async def play(self, script):
        """Act out a script: rows of (what, symbol, arguments, options), one after the other."""
        for what, symbol, arguments, options in script:
            await getattr(self, what)(symbol, *arguments, **options)

    # misbehaviour

    async def garbage(self, text="{nonsense"):
        """Say something that is no message to everybody."""
        for client in list(self.clients):
            await self._say(client, text)

    async def repeat(self, count=2):
        """Send the last frames again, in the other order."""
        for client in list(self.clients):
            for text in reversed(client.sent[-count:]):
                with suppress(ConnectionError):
                    await client.socket.send_str(text)

    def drop(self, *, mid_frame=True):
        """Break every line, in the middle of a frame if told so."""
        for client in list(self.clients):
            transport = client.request.transport
            if transport is not None:
                if mid_frame:
                    transport.write(b"\x81\x7e" + struct.pack("!H", 500) + b'{"topic":"allLiq')
                transport.close()

    async def cut_idle(self):
        """Close what has not said anything for too long, as the venue does."""
        for client in list(self.clients):
            if self.monotonic() - client.heard_s >= self.idle_s:
                await client.socket.close()
