"""The WebSocket half of the local Binance: paths, commands, limits, deliveries, and how lines go bad.

The path says what may flow. A request for something else, or for nothing that exists, is accepted like any
other; then nothing comes.
"""

import asyncio
import json
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field

from aiohttp import WSMsgType, web

PUBLIC = ("depth", "rpiDepth", "bookTicker", "trade")
MARKET = (
    "aggTrade", "kline", "continuousKline", "markPrice", "ticker", "miniTicker", "forceOrder", "contractInfo",
    "compositeIndex", "assetIndex", "tradingSession",
)  # fmt: skip
METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
BAD_ID = "Invalid request: request ID must be an unsigned integer"
CLASSES = {"public": PUBLIC, "market": MARKET, "private": (), "": PUBLIC}


def kind(stream):
    """Return what a stream carries: btcusdt@kline_5m is a kline, !forceOrder@arr a forceOrder."""
    name = stream[1:] if stream.startswith("!") else stream.partition("@")[2]
    return name.split("@")[0].split("_")[0].rstrip("0123456789") or name


@dataclass(eq=False)
class Line:
    """One connection: its socket, the class its path gives, its topics, and when messages came."""

    ws: web.WebSocketResponse
    request: web.Request
    group: str
    combined: bool
    topics: dict = field(default_factory=dict)
    came: deque = field(default_factory=deque)
    pong_s: float = 0.0
    commands: list = field(default_factory=list)

    def carries(self, stream):
        return stream in self.topics and kind(stream) in CLASSES[self.group]


@dataclass
class Lines:
    """Serve the sockets. Times are seconds of the venue's clock; `exceeded` is shared with REST.

    `hurry` is how many of them pass in one second of the machine's.
    """

    exceeded: list
    hurry: float = 1.0
    wrapped_errors: bool = False
    ping_every_s: float = 180.0
    pong_within_s: float = 600.0
    life_s: float = 86_400.0
    messages_per_s: int = 10
    most_topics: int = 1024
    refuse_status: int | None = None
    deaf: bool = False  # connections are accepted, commands are not answered
    stalled: bool = False  # nothing is delivered
    reorder: int = 0  # so many events are gathered, and delivered the newest first
    noise: dict = field(default_factory=dict)  # fields that nobody ever heard of, put into every event
    open: list = field(default_factory=list)
    ever: list = field(default_factory=list)
    gathered: list = field(default_factory=list)

    def now_s(self):
        return time.monotonic() * self.hurry

    async def handle(self, request):
        """Serve one connection until either side ends it."""
        if self.refuse_status is not None:
            said = {"code": 0, "msg": "Service unavailable from a restricted location according to 'b. ...'"}
            return web.json_response(said, status=self.refuse_status)
        line = self._line(request)
        await line.ws.prepare(request)
        self.open.append(line)
        self.ever.append(line)
        watch = asyncio.create_task(self._watch(line))
        try:
            async for message in line.ws:
                await self._message(line, message)
        finally:
            watch.cancel()
            self.open.remove(line)
        return line.ws

    def _line(self, request):
        """Return a line for a path: /ws/<s>, /stream?streams=<s>, each below /public, /market or nothing."""
        parts = request.path.strip("/").split("/")
        group = parts.pop(0) if parts[0] in ("public", "market", "private") else ""
        combined = parts[:1] == ["stream"]
        streams = request.query.get("streams", "").split("/") if combined else parts[1:]
        ws = web.WebSocketResponse(autoping=False, max_msg_size=1 << 20)
        line = Line(ws, request, group, combined, pong_s=self.now_s())
        line.topics = dict.fromkeys(s for s in streams if s)
        return line

    async def _watch(self, line):
        """Ping; cut who does not answer, and whoever has been there too long."""
        ends_s = self.now_s() + self.life_s
        with suppress(ConnectionError):
            while self.now_s() < ends_s:
                await asyncio.sleep(min(self.ping_every_s, ends_s - self.now_s()) / self.hurry)
                if self.now_s() - line.pong_s > self.pong_within_s:
                    self.exceeded.append("no pong")
                    break
                await line.ws.ping(str(time.time_ns()).encode())
            await line.ws.close(code=1001, message=b"")

    async def _message(self, line, message):
        line.came.append(self.now_s())
        while line.came[0] < line.came[-1] - 1.0:
            line.came.popleft()
        if len(line.came) > self.messages_per_s:
            self.exceeded.append("messages a second")
            await line.ws.close(code=1008, message=b"Too many requests")
        elif message.type is WSMsgType.PONG:
            line.pong_s = self.now_s()
        elif message.type is WSMsgType.PING:
            await line.ws.pong(message.data)
        elif message.type is WSMsgType.BINARY:
            await line.ws.close(code=1008, message=b"Invalid request")
        elif message.type is WSMsgType.TEXT and not self.deaf:
            await line.ws.send_str(json.dumps(await self._command(line, message.data)))

    async def _command(self, line, text):
        """Return the answer to a command."""
        try:
            said = json.loads(text)
        except ValueError as error:
            return self._error(3, f"Invalid JSON: {error}", None)
        if not isinstance(said, dict) or "method" not in said:
            return self._error(2, "Invalid request: missing field `method` at line 1 column 2", None)
        line.commands.append(said)
        number, method, params = said.get("id"), said["method"], said.get("params", [])
        if type(number) is not int or number < 0:
            return self._error(2, BAD_ID, None)
        if method not in METHODS:
            return self._error(2, f"Invalid request: unknown variant {method}", number)
        return {"result": self._obey(line, method, params), "id": number}

    def _obey(self, line, method, params):
        if method == "SUBSCRIBE":
            line.topics |= dict.fromkeys(params)
            if len(line.topics) > self.most_topics:
                self.exceeded.append("topics of a connection")
        elif method == "UNSUBSCRIBE":
            line.topics = {topic: None for topic in line.topics if topic not in params}
        elif method == "LIST_SUBSCRIPTIONS":
            return list(line.topics)
        elif method == "SET_PROPERTY":
            line.combined = bool(params[1])
        else:
            return line.combined
        return None

    def _error(self, code, msg, number):
        error = {"code": code, "msg": msg}
        return {"error": error, "id": number} if self.wrapped_errors else error

    async def send(self, stream, data, *, times=1):
        """Deliver an event to whoever asked for its stream at a path that carries it; return to how many."""
        if self.stalled:
            return 0
        listening = [line for line in self.open if line.carries(stream)]
        self.gathered += [(line, frame(line, stream, self._noisy(data)), times) for line in listening]
        if len(self.gathered) >= self.reorder:
            gathered, self.gathered = self.gathered, []
            for each in reversed(gathered) if self.reorder else gathered:
                await self._deliver(*each)
        return len(listening)

    def _noisy(self, data):
        return [self._noisy(each) for each in data] if isinstance(data, list) else data | self.noise

    async def _deliver(self, line, text, times):
        with suppress(ConnectionError):
            for _ in range(times):
                await line.ws.send_str(text)

    async def garbage(self, *texts):
        """Send texts or bytes as they are to everybody."""
        for line in list(self.open):
            for text in texts:
                with suppress(ConnectionError):
                    await (line.ws.send_bytes(text) if isinstance(text, bytes) else line.ws.send_str(text))

    def cut(self, *, inside=False):
        """Break every line without a word, in the middle of a frame if asked to."""
        for line in list(self.open):
            if inside:
                line.request.transport.write(b"\x81\x7e\x01\x00" + b'{"stream":"btcusdt@aggTrade","da')
                asyncio.get_running_loop().call_later(0.05, line.request.transport.abort)
            else:
                line.request.transport.abort()


def frame(line, stream, data):
    """Return an event as a line gets it: wrapped, or as it is."""
    said = {"stream": stream, "data": data} if line.combined else data
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))
