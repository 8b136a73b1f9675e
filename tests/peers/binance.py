"""A local Binance USD-M futures over real sockets: REST and streams to the sheet, its limits enforced.

A test drives it with events (`trade`, `bar`, `mark`, `forced`, or a script with `play`), tells it to go
wrong, and reads in `exceeded` every limit that was ever passed.
"""

import asyncio
import importlib.util
import sys
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path

from aiohttp import web


def _sibling(name):
    """Load a file beside this one: tests are no package."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


frames = _sibling("binance_frames")
market = _sibling("binance_market")
lines = _sibling("binance_lines")

BUDGETS = {"weight": (2400, 60.0), "funding": (500, 300.0), "statistics": (1000, 300.0)}
BLOCKED = {
    "code": 0,
    "msg": "Service unavailable from a restricted location according to 'b. Eligibility' in"
    " https://www.binance.com/en/terms. Please contact customer service if you believe you received this"
    " message in error.",
}
PATIENCE = 3
"""How many requests above a limit are answered 429 before the address is banned."""


@dataclass
class Fault:
    """What happens to the next calls of a path: a status, a body of its own, a stall, a cut line."""

    path: str
    times: int = 1
    status: int | None = None
    body: str | None = None
    headers: dict = field(default_factory=dict)
    stall_s: float = 0.0
    cut: bool = False


@dataclass
class Binance:
    """The venue. `skew_ms` is how far its clock is ahead of ours, `ban_s` how long a ban lasts.

    `wall_ms` is our clock; `hurry` is how many of its seconds pass in one of the machine's.
    """

    skew_ms: int = 0
    wall_ms: object = lambda: time.time_ns() // 1_000_000
    hurry: float = 1.0
    ban_s: float = 120.0
    budgets: dict = field(default_factory=lambda: dict(BUDGETS))
    blocked: bool = False
    faults: list = field(default_factory=list)
    calls: list = field(default_factory=list)
    answered: Counter = field(default_factory=Counter)
    exceeded: list = field(default_factory=list)
    _spent: dict = field(default_factory=dict)
    _above: int = 0
    _banned_until_ms: int = 0
    _trades: int = 0

    def __post_init__(self):
        self.market = market.Market(self.now_ms)
        self.lines = lines.Lines(self.exceeded, hurry=self.hurry)

    def now_ms(self):
        """Return the venue's clock."""
        return self.wall_ms() + self.skew_ms

    async def start(self, port=0):
        """Listen on a port of this machine."""
        app = web.Application()
        app.router.add_get("/{tail:.*}", self._handle)
        app.on_response_prepare.append(self._date)
        self._runner = web.AppRunner(app, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]
        self.url, self.ws_url = f"http://127.0.0.1:{self.port}", f"ws://127.0.0.1:{self.port}"
        return self

    async def stop(self):
        """Go away."""
        self.lines.cut()
        await self._runner.cleanup()

    def fail(self, path, **how):
        """Let the next calls of a path go wrong, as `Fault` says."""
        self.faults.append(Fault(path, **how))

    def block(self):
        """Refuse this country, over REST and at the handshake."""
        self.blocked, self.lines.refuse_status = True, 451

    async def until(self, condition, timeout_s=10.0):
        """Wait until a condition holds, and return what it gave."""
        async with asyncio.timeout(timeout_s):
            while not (found := condition()):
                await asyncio.sleep(0.005)
        return found

    # what happens in the market

    async def trade(self, symbol, price, quantity="0.1", *, at_ms=None, times=1, **other):
        """Let somebody trade; return how many connections were told."""
        self._trades += 1
        at_ms = self.now_ms() if at_ms is None else at_ms
        said = frames.TRADE | {"E": at_ms + 3, "a": self._trades, "s": symbol, "p": str(price), "T": at_ms}
        return await self._tell(f"{symbol.lower()}@aggTrade", said | {"q": str(quantity)} | other, times)

    async def bar(self, symbol, interval="5m", *, ts=None, closed=True, times=1):
        """Send a bar as the market has it, the last one that is over unless `ts` says which."""
        step = market.STEPS[interval]
        ts = self.now_ms() // step * step - step if ts is None else ts
        row = self.market.bar(symbol, step, ts)
        names = ("t", "o", "h", "l", "c", "v", "T", "q", "n", "V", "Q", "B")
        inner = dict(zip(names, row, strict=True)) | {"s": symbol, "i": interval, "x": closed}
        said = frames.KLINE | {"E": self.now_ms(), "s": symbol, "k": inner | {"f": 100, "L": 200}}
        return await self._tell(f"{symbol.lower()}@kline_{interval}", said, times)

    async def mark(self, symbol, rate="0.00010000", *, times=1):
        """Send a mark price with its funding."""
        return await self._tell(f"{symbol.lower()}@markPrice", self._marked(symbol, rate), times)

    async def mark_all(self):
        """Send all mark prices: coins and deliveries in one message, equities in another."""
        rows = self.market.symbols
        told = 0
        for equities in (False, True):
            names = [r["symbol"] for r in rows if (r["contractType"] == "TRADIFI_PERPETUAL") is equities]
            said = [self._marked(name, "" if name[-6:].isdigit() else "0.00010000") for name in names]
            told += await self.lines.send("!markPrice@arr", said)
        return told

    def _marked(self, symbol, rate):
        now = self.now_ms()
        due = (now // 28_800_000 + 1) * 28_800_000 if rate else 0
        price = f"{self.market.price(symbol, now):.8f}"
        return frames.MARK | {"E": now, "s": symbol, "p": price, "i": price, "P": price, "r": rate, "T": due}

    async def forced(self, symbol, order, quantity, price, *, limit=None, st=1, listed=False, times=1, **o):
        """Liquidate somebody: `order` is the order's side, so that SELL closes a long.

        It goes to the symbol's stream and to that of all; `listed` sends it in an array.
        """
        now = self.now_ms()
        inner = frames.FORCED["o"] | {
            "s": symbol, "S": order, "q": str(quantity), "z": str(quantity), "l": str(quantity),
            "p": str(price if limit is None else limit), "ap": str(price), "T": now,
        }  # fmt: skip
        said = frames.FORCED | {"E": now + 2, "st": st, "ps": symbol, "o": inner | o}
        body = [said] if listed else said
        one = await self._tell(f"{symbol.lower()}@forceOrder", body, times, symbol=symbol)
        return one + await self.lines.send("!forceOrder@arr", body, times=times)

    async def _tell(self, stream, said, times=1, *, symbol=None):
        """Deliver an event of a symbol that is traded; a delisted one goes silent."""
        symbol = symbol or said["s"]
        coin_margined = symbol.endswith("_PERP")
        if not coin_margined and not self.market.trading(symbol):
            return 0
        return await self.lines.send(stream, said, times=times)

    async def play(self, script):
        """Run a script: (seconds from its start, what to call, with what), each in its turn."""
        began_s = time.monotonic()
        for at_s, name, *given in script:
            await asyncio.sleep(max(0.0, began_s + at_s - time.monotonic()))
            await getattr(self, name)(*given)

    # the interface

    async def _date(self, _, response):
        """Say the venue's time in every answer's Date."""
        response.headers["Date"] = formatdate(self.now_ms() / 1000, usegmt=True)

    async def _handle(self, request):
        path = request.path
        if "upgrade" in request.headers.get("Connection", "").lower():
            return await self.lines.handle(request)
        self.calls.append((path, dict(request.query)))
        if self.blocked:
            return self._json(BLOCKED, 451)
        fault = next((f for f in self.faults if f.path in path and f.times), None)
        if fault:
            return await self._suffer(fault, request)
        return self._limited(path, dict(request.query)) or self._served(path, dict(request.query))

    async def _suffer(self, fault, request):
        fault.times -= 1
        await asyncio.sleep(fault.stall_s)
        if fault.cut:
            request.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n[[15")
            await asyncio.sleep(0.01)
            request.transport.abort()
        if fault.status is None and fault.body is None:
            return self._served(request.path, dict(request.query))
        self.answered[fault.status or 200] += 1
        return web.Response(status=fault.status or 200, text=fault.body or "", headers=fault.headers)

    def _limited(self, path, query):
        """Count a call; return the refusal of one above its limit, or of an address that is banned."""
        now_ms = self.now_ms()
        if now_ms < self._banned_until_ms:
            self.exceeded.append("asked while banned")
            return self._banned(now_ms)
        name, cost = market.weight(path, query)
        budget, window_s = self.budgets[name]
        if self._used(name, window_s, cost) <= budget:
            return None
        self.exceeded.append(name)
        self._above += 1
        if self._above > PATIENCE:
            self._banned_until_ms = now_ms + int(self.ban_s * 1000)
            return self._banned(now_ms)
        after_s = window_s - now_ms / 1000 % window_s if name == "weight" else window_s
        said = {"code": -1003, "msg": f"Too many requests; current limit is {budget} requests per window."}
        return self._json(said, 429, {"Retry-After": str(int(after_s) + 1)})

    def _used(self, name, window_s, cost):
        """Return what is used with this call: of the clock's minute for weight, else looking back."""
        now_s = self.now_ms() / 1000
        spent = self._spent.setdefault(name, deque())
        spent.append((now_s, cost))
        begins_s = now_s - now_s % window_s if name == "weight" else now_s - window_s
        while spent[0][0] < begins_s:
            spent.popleft()
        return sum(each for _, each in spent)

    def _banned(self, now_ms):
        after_s = (self._banned_until_ms - now_ms) / 1000
        text = f"Way too many requests; IP banned until {self._banned_until_ms}. Please use the websocket"
        said = {"code": -1003, "msg": text + " for live updates to avoid bans."}
        return self._json(said, 418, {"Retry-After": str(int(after_s) + 1)})

    def _served(self, path, query):
        used = sum(cost for _, cost in self._spent.get("weight", ()))
        headers = {} if path.startswith("/futures/data/") else {"X-MBX-USED-WEIGHT-1M": str(used)}
        try:
            return self._json(self.market.answer(path, query), 200, headers)
        except market.Refused as refused:
            return self._json(refused.body, refused.status, headers)

    def _json(self, said, status, headers=None):
        self.answered[status] += 1
        return web.json_response(said, status=status, headers=headers)
