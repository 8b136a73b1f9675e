"""A local OKX over real sockets: REST and WebSockets with its shapes, acks, limits and moods.

It counts every limit and keeps each excess in `faults`; it refuses, stalls, drops and lies when told to.
"""

import asyncio
import importlib.util
import json
import sys
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path

from aiohttp import web


def _sibling(name):
    """Load a file beside this one: tests are no package."""
    known = f"peers_{name}"
    if known not in sys.modules:
        spec = importlib.util.spec_from_file_location(known, Path(__file__).with_name(f"{name}.py"))
        module = sys.modules[known] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[known]


frames = _sibling("okx_frames")
rest = _sibling("okx_rest")
sockets = _sibling("okx_socket")


@dataclass
class World:
    """What there is to be known; tests write it, endpoints read it."""

    skew_ms: int = 0
    wall_ms: object = lambda: int(time.time() * 1000)
    bars: dict = field(default_factory=lambda: dict(frames.BARS))
    instruments: list = field(default_factory=list)
    candles: dict = field(default_factory=lambda: defaultdict(list))
    open_interest: dict = field(default_factory=dict)
    open_interest_history: dict = field(default_factory=lambda: defaultdict(list))
    ratios: dict = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    funding: dict = field(default_factory=dict)
    funding_history: dict = field(default_factory=lambda: defaultdict(list))
    tiers: list = field(default_factory=list)
    liquidations: list = field(default_factory=list)
    lists_liquidations: bool = True
    funding_any: bool = True
    refusal_status: int = 200
    faults: list = field(default_factory=list)

    def now_ms(self):
        return self.wall_ms() + self.skew_ms


@dataclass
class Plan:
    """What happens to the next requests of a path, "" for any."""

    path: str
    status: int = 200
    body: object = None
    headers: dict = field(default_factory=dict)
    stall_s: float = 0.0
    drop: bool = False
    times: int = 1


class Okx:
    """The server. `faults` holds every limit that was exceeded and every mistake of whoever asks."""

    frames = frames

    def __init__(self, *, clock=time.monotonic, idle_s=30.0):
        self.world = World()
        self.meter = rest.Meter(clock)
        self.idle_s = idle_s
        self.plans = []
        self.mangle = {}
        self.calls = Counter()
        self.connections = []
        self.stale = []
        self.twice = False
        self.silent = False
        self.stalled = False
        self.batches_fail = False
        self.counts_topics = False
        self.forgets_acks = False
        self.says_moved = True
        self.limited_status = 429
        self.extra = {}

    @property
    def faults(self):
        return [*self.meter.exceeded, *self.world.faults]

    async def start(self, port=0):
        """Listen on a port of this machine."""
        app = web.Application()
        app.router.add_get("/api/v5/{path:.*}", self._answer)
        app.router.add_get("/ws/v5/{path}", self._connect)
        app.on_response_prepare.append(self._date)
        self._runner = web.AppRunner(app, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]
        self.url, self.ws_url = f"http://127.0.0.1:{self.port}", f"ws://127.0.0.1:{self.port}"
        return self

    async def stop(self):
        """Go away, and cut every line."""
        for each in self.standing:
            each.cut()
        await self._runner.cleanup()

    # what tests tell it

    def list(self, *rows):
        """Trade these contracts."""
        self.world.instruments = [*self.world.instruments, *rows]

    def delist(self, inst):
        """Trade a contract no more: neither path knows it from now on."""
        self.world.instruments = [row for row in self.world.instruments if row["instId"] != inst]

    def refuse(self, path, status, body=None, *, times=1, **headers):
        """Answer the next requests with a status; a body that is text is sent as HTML."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.plans.append(Plan(path, status, body, named, times=times))

    def stall(self, path, seconds, *, times=1):
        """Take long over the next requests."""
        self.plans.append(Plan(path, stall_s=seconds, times=times))

    def drop(self, path, *, times=1):
        """Break the line at the next requests."""
        self.plans.append(Plan(path, drop=True, times=times))

    def block(self, status=403):
        """Serve this country no more, by either path."""
        words = "<html><body>Not available in your region</body></html>"
        self.plans.insert(0, Plan("", status, words, times=1 << 30))

    @property
    def standing(self):
        return [each for each in self.connections if not each.socket.closed]

    async def push(self, text):
        """Send a frame of data to whoever asked for its topic; return to how many."""
        if self.stalled:
            return 0
        arg = json.loads(text)["arg"]
        if self.extra:
            text = frames.packed({**json.loads(text), **self.extra})
        asked = [each for each in self.standing if arg in each.args]
        for each in asked:
            for _ in range(2 if self.twice else 1):
                await each.send(text)
        return len(asked)

    async def push_all(self, texts, *, reverse=False):
        """Send frames in their order, or in the opposite one."""
        for text in reversed(texts) if reverse else texts:
            await self.push(text)

    async def garble(self, text='{"arg":{"chan'):
        """Send everybody what nobody understands."""
        for each in self.standing:
            await each.send(text)

    async def notice(self):
        """Say that every connection is about to be closed."""
        for each in self.standing:
            await each.send(frames.notice(each.name))

    async def close(self, code, words=""):
        """Close every connection."""
        for each in self.standing:
            await each.close(code, words)

    def cut(self, text=""):
        """Break every line, in the middle of a frame where a text is given."""
        for each in self.standing:
            each.cut(text)

    async def until(self, condition, timeout_s=5.0):
        """Wait until a condition holds, and return what it gave."""
        async with asyncio.timeout(timeout_s):
            while not (found := condition()):
                await asyncio.sleep(0.005)
        return found

    # REST

    async def _date(self, _, response):
        """Say the venue's time in every answer's Date."""
        response.headers["Date"] = formatdate(self.world.now_ms() / 1000, usegmt=True)

    async def _answer(self, request):
        path = request.match_info["path"]
        self.calls[path] += 1
        if planned := await self._planned(request, path):
            return planned
        budget, each = rest.LIMITS.get(path, (1 << 30, False))
        key = request.query.get("instId", "") if each else ""
        if not self.meter.count(path, budget, rest.WINDOW_S, key):
            words = "Too Many Requests" if self.limited_status == 429 else "Rate limit reached."
            return web.json_response(frames.refusal("50011", words), status=self.limited_status)
        try:
            rows = rest.respond(self.world, path, dict(request.query))
        except rest.Refusal as refusal:
            return web.json_response(frames.refusal(refusal.code, refusal.words), status=refusal.status)
        return web.json_response(frames.answer(self.mangle.get(path, lambda found: found)(rows)))

    async def _planned(self, request, path):
        """Do what was planned for a request; return an answer where one was."""
        plan = next((each for each in self.plans if path.startswith(each.path)), None)
        if plan is None:
            return None
        plan.times -= 1
        if not plan.times:
            self.plans.remove(plan)
        if plan.stall_s:
            await asyncio.sleep(plan.stall_s)
            return None
        if plan.drop:
            request.transport.abort()
            return web.Response()
        if isinstance(plan.body, dict):
            return web.json_response(plan.body, status=plan.status, headers=plan.headers)
        text = plan.body if plan.body is not None else "<html><body>error</body></html>"
        return web.Response(text=text, status=plan.status, headers=plan.headers, content_type="text/html")

    # WebSockets

    async def _connect(self, request):
        if planned := await self._planned(request, "ws"):
            return planned
        if not self.meter.count("connects", 3, 1.0):
            return web.Response(status=429)
        socket = web.WebSocketResponse(autoping=True)
        await socket.prepare(request)
        connection = sockets.Connection(self, request, socket, len(self.connections))
        self.connections.append(connection)
        await connection.run()
        return socket
