"""A small venue over real sockets that misbehaves when told to: what every venue has in common, and no more.

REST: `/time`, `/rows` (a time range in pages), and any path for which answers are planned. WebSocket: topics
are asked for by `{"op", "id", "topics"}` and acknowledged; events are pushed by the test.
"""

import asyncio
import json
import struct
from collections import defaultdict, deque
from dataclasses import dataclass, field
from email.utils import formatdate

from aiohttp import WSMsgType, web

STEP_MS = 60_000


@dataclass
class Plan:
    """What happens to one request: a status with a body, a wait before it, or a line that drops."""

    status: int = 200
    body: object = None
    headers: dict = field(default_factory=dict)
    stall_s: float = 0.0
    drop: bool = False
    raw: bytes | None = None


@dataclass
class Rows:
    """The rows that there are, and how they are served."""

    step_ms: int = STEP_MS
    times: list = field(default_factory=list)
    newest_first: bool = False
    most: int = 10  # rows an answer holds, whatever is asked for
    holes: set = field(default_factory=set)  # never served
    late: set = field(default_factory=set)  # left out of the first answer that should hold them
    repeat: bool = False  # every answer is the newest page, whatever is asked for
    stray: bool = False  # a row from before the range stands in every answer

    def page(self, first_ms, last_ms):
        known = [ts for ts in self.times if ts not in self.holes]
        asked = [ts for ts in known if first_ms <= ts <= last_ms]
        served = [ts for ts in asked if ts not in self.late]
        self.late -= set(asked)
        if self.repeat:
            served = known[-self.most :]
        served = served[-self.most :] if self.newest_first else served[: self.most]
        if self.stray:
            served = [first_ms - self.step_ms, *served]
        return served[::-1] if self.newest_first else served


class Peer:
    """One client's socket, as the venue sees it."""

    def __init__(self, socket):
        self.socket = socket
        self.topics = set()
        self.dumb = set()  # acknowledged, and never delivered here
        self.heard = []
        self.stalled = False

    async def send(self, value):
        if not self.socket.closed:
            await self.socket.send_str(value if isinstance(value, str) else json.dumps(value))

    def tear(self):
        """Drop the line in the middle of a frame."""
        transport = self.socket._req.transport
        transport.write(b"\x81\x7e" + struct.pack("!H", 4000) + b'{"event": "tick", "pri')
        transport.close()


class Venue:
    """The server. What a test wants to go wrong is set on it; what it saw is kept."""

    def __init__(self):
        self.rows = Rows()
        self.plans = defaultdict(deque)  # path -> what happens to its next requests
        self.always = {}  # path -> what happens to all of them
        self.calls = []
        self.skew_ms = 0.0
        self.wall_ms = lambda: 0
        self.under_way = 0
        self.most_under_way = 0
        self.headers = {}
        self.handshakes = deque()  # statuses with which the next ones are refused
        self.refused = {}  # topic -> words
        self.fail_whole = False  # a refused topic fails its request
        self.name_topics = True  # a refusal says which topic it is about
        self.half_ack = False  # after a refusal nothing more is said
        self.deaf = False  # requests are not answered
        self.dumb = set()  # topics that are acknowledged, and never delivered to anybody
        self.silent_pings = False
        self.greeting = ""
        self.peers = []
        self.opened = 0
        self._stopping = asyncio.Event()
        self._runner = None
        self.url = self.stream_url = ""

    async def start(self):
        app = web.Application()
        app.router.add_get("/ws", self._stream)
        app.router.add_get("/other", self._stream)
        app.router.add_route("*", "/{path:.*}", self._rest)
        self._runner = web.AppRunner(app, shutdown_timeout=0.05)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = site._server.sockets[0].getsockname()[1]
        self.url, self.stream_url = f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}/ws"
        return self

    async def stop(self):
        self._stopping.set()
        for peer in self.peers:
            if peer.socket._req is not None and peer.socket._req.transport is not None:
                peer.socket._req.transport.abort()
        await self._runner.cleanup()

    # REST

    async def _rest(self, request):
        path = request.path
        self.calls.append((request.method, path, dict(request.query), await request.text()))
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            return await self._answer(request, path)
        finally:
            self.under_way -= 1

    async def _answer(self, request, path):
        plan = self.plans[path].popleft() if self.plans[path] else self.always.get(path)
        if plan is not None:
            if plan.stall_s:
                await self._stall(plan.stall_s)
            if plan.drop:
                request.transport.abort()
                return web.Response()
            if plan.status != 200 or plan.body is not None or plan.raw is not None:
                raw = plan.raw if plan.raw is not None else json.dumps(plan.body).encode()
                return web.Response(status=plan.status, body=raw, headers={**self.headers, **plan.headers})
        if path == "/time":
            return self._good({"now": self.wall_ms() + self.skew_ms})
        if path == "/rows":
            first_ms, last_ms = int(request.query["first"]), int(request.query["last"])
            return self._good(self.rows.page(first_ms, last_ms))
        return self._good({"path": path})

    def _good(self, value):
        date = formatdate((self.wall_ms() + self.skew_ms) / 1000, usegmt=True)
        return web.json_response(value, headers={**self.headers, "Date": date})

    async def _stall(self, seconds):
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return

    # WebSocket

    async def _stream(self, request):
        if self.handshakes:
            plan = self.handshakes.popleft()
            if plan.stall_s:
                await self._stall(plan.stall_s)
            if plan.drop:
                request.transport.abort()
            return web.Response(status=plan.status, headers=plan.headers)
        socket = web.WebSocketResponse(autoping=True)
        await socket.prepare(request)
        self.opened += 1
        peer = Peer(socket)
        self.peers.append(peer)
        if self.greeting:
            await peer.send(self.greeting)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await self._heard(peer, json.loads(message.data))
        return socket

    async def _heard(self, peer, said):
        peer.heard.append(said)
        if said["op"] == "ping":
            if not self.silent_pings and not peer.stalled:
                await peer.send({"pong": said["id"]})
        elif not self.deaf:
            await self._asked(peer, said)

    async def _asked(self, peer, said):
        topics = said["topics"]
        if said["op"] == "unsubscribe":
            peer.topics -= set(topics)
            await peer.send({"ack": said["id"], "topics": topics})
            return
        bad = [topic for topic in topics if topic in self.refused]
        good = [] if bad and self.fail_whole else [topic for topic in topics if topic not in bad]
        for topic in bad[:1] if self.fail_whole else bad:
            about = {"topics": [topic]} if self.name_topics else {}
            await peer.send({"err": said["id"], "text": self.refused[topic], **about})
        peer.topics |= set(good)
        if good and not (bad and self.half_ack):
            await peer.send({"ack": said["id"], "topics": good})

    @property
    def open(self):
        """The sockets that stand."""
        return [peer for peer in self.peers if not peer.socket.closed]

    async def push(self, topic, *values):
        """Send one frame with events of a topic to whoever asked for it; return to how many."""
        told = [each for each in self.open if topic in each.topics - each.dumb - self.dumb]
        for peer in told:
            await peer.send({"events": list(values)})
        return len(told)
