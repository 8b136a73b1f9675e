"""Each local venue as a storm sees it: what happens on its market, and every way in which it goes wrong.

Time runs faster here than outside: `Clock` says how much. Symbols are canonical, quantities are coins.
"""

import asyncio
import importlib.util
import struct
import sys
import time
from contextlib import suppress
from pathlib import Path

from adapters.hyperliquid.fills import LIQUIDATORS
from adapters.kits import BinanceKit, BybitKit, HyperliquidKit, OkxKit

STEP = 300_000
COINS = {"BTCUSDT": "BTC", "ETHUSDT": "ETH"}
TRADER = "0x" + "ab" * 20


def peer(name):
    """Load a local venue by its path: tests are no package."""
    known = f"peers_{name}"
    if known not in sys.modules:
        path = Path(__file__).parents[1] / "peers" / f"{name}.py"
        spec = importlib.util.spec_from_file_location(known, path)
        module = sys.modules[known] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[known]


class Clock:
    """A clock on which `speed` seconds pass in one of the machine's."""

    def __init__(self, speed):
        self.speed = speed
        self._began_s = time.monotonic()
        self._base_ms = time.time_ns() // 1_000_000

    def monotonic(self):
        return 5_000.0 + (time.monotonic() - self._began_s) * self.speed

    def wall_ms(self):
        return self._base_ms + round((time.monotonic() - self._began_s) * self.speed * 1000)

    async def wait(self, event, timeout_s):
        with suppress(TimeoutError):
            async with asyncio.timeout(None if timeout_s is None else timeout_s / self.speed):
                await event.wait()


class Side:
    """What all have in common. `lag_ms` is how far the venue's clock is ahead."""

    name = ""

    def __init__(self, clock):
        self.clock = clock
        self.muted = False

    @property
    def now_ms(self):
        return self.clock.wall_ms()

    def alive(self, line):
        """Say whether a line still stands."""
        transport = line.request.transport
        return transport is not None and not transport.is_closing()

    def tear(self, lines, *, inside):
        """Break lines, in the middle of a frame if told so."""
        for line in list(lines):
            transport = line.request.transport
            if transport is None:
                continue
            if inside:
                transport.write(b"\x81\x7e" + struct.pack("!H", 900) + b'{"stream":"btcusdt@agg')
                transport.close()
            else:
                transport.abort()


class BinanceSide(Side):
    """Binance: its connections are cut after twenty-four minutes instead of hours."""

    name = "binance"
    LIFE_S = 1440.0

    async def start(self):
        module = peer("binance")
        self.peer = module.Binance(wall_ms=self.clock.wall_ms, hurry=self.clock.speed)
        self.peer.market.prices["ETHUSDT"] = 3_000.0
        self.peer.lines.life_s = self.LIFE_S
        await self.peer.start()
        stream_url = self.peer.ws_url + "/market/stream"
        life_s = self.LIFE_S * 23 / 24
        self.kit = BinanceKit(rest_url=self.peer.url, stream_url=stream_url, life_s=life_s)

    @property
    def now_ms(self):
        return self.peer.now_ms()

    @property
    def exceeded(self):
        return self.peer.exceeded

    async def tick(self, symbol, price):
        await self.peer.trade(symbol, price)

    async def states(self, symbol):
        await self.peer.mark(symbol)

    async def forming(self, symbol, ts):
        await self.peer.bar(symbol, ts=ts, closed=False)

    async def close(self, symbol, ts):
        while self.now_ms < ts + STEP:  # its clock has been set back: it closes nothing before its time
            await asyncio.sleep(0.01)
        await self.peer.bar(symbol, ts=ts)

    def close_of(self, symbol, ts):
        return float(self.peer.market.bar(symbol, STEP, ts)[4])

    def carriers(self, symbol):
        open_now = self.peer.lines.open
        return [line for line in open_now if any("forceOrder" in topic for topic in line.topics)]

    async def force(self, symbol, quantity, price, *, times=1, **_):
        told = [] if self.muted or not self.trading(symbol) else self.carriers(symbol)
        await self.peer.forced(symbol, "SELL", f"{quantity:.2f}", str(price), times=times)
        return told, 1

    def trading(self, symbol):
        return self.peer.market.trading(symbol)

    def cut(self, *, inside):
        self.tear(self.peer.lines.open, inside=inside)

    async def leave(self):
        for line in list(self.peer.lines.open):
            await line.ws.close(code=1001, message=b"")

    def mute(self, on):
        self.muted = self.peer.lines.stalled = on

    def refuse(self, status):
        self.peer.lines.refuse_status = status

    def half(self, on):
        self.peer.lines.deaf = on

    def odd(self, on):
        self.peer.lines.noise = {"aNewField": {"x": [1, None]}} if on else {}

    async def garbage(self):
        await self.peer.lines.garbage(
            "{nonsense", b"\x00\x01", "[]", '{"stream":7,"data":{"e":"forceOrder"}}'
        )

    def rest(self, kind, times):
        what = {
            "slow down": {"status": 429, "headers": {"Retry-After": "7"}},
            "ban": {"status": 418, "headers": {"Retry-After": "20"}},
            "refused": {"status": 403, "body": "<html>403</html>"},
            "broken": {"status": 503, "body": "<html>503</html>"},
            "nonsense": {"status": 200, "body": "[[15"},
            "stall": {"stall_s": 1.0},
            "cut": {"cut": True},
        }
        self.peer.fail("", times=times, **what[kind])

    def calm(self):
        self.peer.faults.clear()

    def skew(self, ms):
        self.peer.skew_ms = ms

    def delist(self, symbol):
        self.peer.market.delist(symbol)

    def relist(self, symbol):
        self.peer.market.row(symbol)["status"] = "TRADING"
        self.peer.market.row(symbol)["deliveryDate"] = peer("binance").market.NEVER_MS

    def trim(self):
        self.peer.calls.clear()
        self.peer.lines.ever = list(self.peer.lines.open)
        for line in self.peer.lines.open:
            line.commands.clear()

    async def stop(self):
        await self.peer.stop()


class BybitSide(Side):
    name = "bybit"

    async def start(self):
        module, clock = peer("bybit"), self.clock

        class Present(module.market.Market):
            skew_ms = 0

            @property
            def now_ms(self):
                return clock.wall_ms() + self.skew_ms

            @now_ms.setter
            def now_ms(self, _):
                """Leave the clock alone."""

        self.there = Present()
        self.peer = await module.Bybit(monotonic=clock.monotonic, there=self.there).start()
        self.kit = BybitKit(rest_url=self.peer.url, stream_url=self.peer.ws_url)

    @property
    def now_ms(self):
        return self.there.now_ms

    @property
    def exceeded(self):
        return self.peer.exceeded

    async def tick(self, symbol, price):
        await self.peer.ticker(symbol, lastPrice=str(price), markPrice=str(price))

    async def states(self, symbol):
        """Do nothing: the ticker says it all."""

    async def forming(self, symbol, ts):
        await self.peer.candle(symbol, ts)

    async def close(self, symbol, ts):
        await self.peer.candle(symbol, ts, confirm=True)

    def close_of(self, symbol, ts):
        return float(self.there.bar(ts)[4])

    def carriers(self, symbol):
        return [c for c in self.peer.clients if f"allLiquidation.{symbol}" in c.topics]

    async def force(self, symbol, quantity, price, *, times=1, equal=1, ago_ms=0):
        told = [] if self.muted or not self.trading(symbol) else self.carriers(symbol)
        rows = [("Buy", f"{quantity:.2f}", str(price), ago_ms)] * equal
        await self.peer.liquidate(symbol, *rows, twice=times > 1)
        return told, equal

    def trading(self, symbol):
        return self.there.has(symbol)

    def cut(self, *, inside):
        self.tear(self.peer.clients, inside=inside)

    async def leave(self):
        for client in list(self.peer.clients):
            await client.socket.close(code=1001)

    def mute(self, on):
        self.muted = self.peer.mute = on

    def refuse(self, status):
        self.peer.faults = [each for each in self.peer.faults if each.path != "ws"]
        if status:
            self.peer.fail("ws", status=status, times=1 << 30)

    def half(self, on):
        self.peer.whole_batches, self.peer.deaf = not on, on

    def odd(self, on):
        self.peer.extra = {"aNewField": {"x": [1, None]}} if on else {}

    async def garbage(self):
        await self.peer.garbage()
        await self.peer.garbage('{"topic":"allLiquidation.BTCUSDT","type":"snapshot","data":[{}]}')
        if not self.muted:
            await self.peer.repeat(2)

    def rest(self, kind, times):
        if kind == "slow down":
            self.peer.too_many_visits(reset_ms=7_000, times=times)
            return
        what = {
            "ban": {"status": 403, "body": peer("bybit").TOO_FREQUENT},
            "refused": {"status": 429},
            "broken": {"status": 502, "body": "<html>502</html>"},
            "nonsense": {"body": "[[15"},
            "stall": {"stall_s": 1.0},
            "cut": {"drop": True},
        }
        self.peer.fail("*", times=times, **what[kind])

    def calm(self):
        self.peer.faults.clear()

    def skew(self, ms):
        self.there.skew_ms = ms

    def delist(self, symbol):
        self.there.delist(symbol)

    def relist(self, symbol):
        self.there.contracts = [peer("bybit").market.contract(symbol, COINS[symbol]), *self.there.contracts]

    def trim(self):
        self.peer.calls.clear()
        for client in self.peer.clients:
            del client.sent[:-10]

    async def stop(self):
        await self.peer.stop()


class OkxSide(Side):
    """OKX: what was liquidated lately is said again to whoever subscribes."""

    name = "okx"

    async def start(self):
        module = peer("okx")
        idle_s = 90.0 / self.clock.speed  # three times what the venue allows: machines that are busy stall
        self.peer = module.Okx(clock=self.clock.monotonic, idle_s=idle_s)
        self.frames, self.world = module.frames, self.peer.world
        self.world.wall_ms = self.clock.wall_ms
        for coin in COINS.values():
            self.peer.list(self.frames.contract(coin, ct_val="0.01"))
            swap = f"{coin}-USDT-SWAP"
            base = self.world.now_ms() // STEP * STEP
            for ts in range(base - 60 * STEP, base, STEP):
                self._known(swap, ts)
        await self.peer.start()
        self.kit = OkxKit(rest_url=self.peer.url, stream_url=self.peer.ws_url)

    def _known(self, swap, ts):
        rows = self.world.candles[swap, "5m"]
        if not rows or int(rows[-1][0]) < ts:
            rows.append(self._row(ts))
            self.world.open_interest_history[swap, "5m"].append([str(ts), "200000", "2000", "120000000"])

    def _row(self, ts):
        return self.frames.candle(ts, 60_000 + ts // STEP % 97, 500)

    @property
    def now_ms(self):
        return self.world.now_ms()

    @property
    def exceeded(self):
        return self.peer.faults

    async def tick(self, symbol, price):
        swap = f"{COINS[symbol]}-USDT-SWAP"
        mark = self.frames.mark(swap, price, self.now_ms)
        await self.peer.push(self.frames.data("mark-price", swap, [mark]))

    async def states(self, symbol):
        swap, now = f"{COINS[symbol]}-USDT-SWAP", self.now_ms
        interest = self.frames.interest(swap, 200_000, 2_000, now)
        await self.peer.push(self.frames.data("open-interest", swap, [interest]))
        funding = self.frames.funding(swap, "0.0001", (now // 28_800_000 + 1) * 28_800_000, now)
        await self.peer.push(self.frames.data("funding-rate", swap, [funding]))

    async def forming(self, symbol, ts):
        row = self.frames.candle(ts, 60_000, 10, confirm="0")
        swap = f"{COINS[symbol]}-USDT-SWAP"
        await self.peer.push(self.frames.data("candle5m", swap, [row]))

    async def close(self, symbol, ts):
        swap = f"{COINS[symbol]}-USDT-SWAP"
        await self.peer.push(self.frames.data("candle5m", swap, [self._row(ts)]))

    def close_of(self, symbol, ts):
        return float(60_000 + ts // STEP % 97)

    def over(self, ts):
        """Let everybody who asks have the candle of a time."""
        for coin in COINS.values():
            self._known(f"{coin}-USDT-SWAP", ts)

    def carriers(self, symbol):
        found = [c for c in self.peer.standing if any(a["channel"] == "liquidation-orders" for a in c.args)]
        return found if self.trading(symbol) else []

    async def force(self, symbol, quantity, price, *, times=1, equal=1, **_):
        swap = f"{COINS[symbol]}-USDT-SWAP"
        told = [] if self.muted else self.carriers(symbol)
        detail = self.frames.forced("sell", price, round(quantity * 100), self.now_ms)
        row = self.frames.forced_row(swap, *[detail] * equal)
        self.peer.twice = times > 1
        if self.trading(symbol):
            await self.peer.push(self.frames.data("liquidation-orders", "SWAP", [row], key="instType"))
            if told:
                self.peer.stale = [*self.peer.stale[-9:], row]
        self.peer.twice = False
        return told, equal

    def trading(self, symbol):
        return any(row["instId"] == f"{COINS[symbol]}-USDT-SWAP" for row in self.world.instruments)

    def cut(self, *, inside):
        self.tear(self.peer.standing, inside=inside)

    async def leave(self):
        await self.peer.notice()
        await asyncio.sleep(30.0 / self.clock.speed)
        await self.peer.close(1001, "upgrade")

    def mute(self, on):
        self.muted = self.peer.stalled = on

    def refuse(self, status):
        self.peer.plans = [each for each in self.peer.plans if each.path != "ws"]
        if status:
            self.peer.refuse("ws", status, times=1 << 30)

    def half(self, on):
        self.peer.batches_fail = self.peer.forgets_acks = on

    def odd(self, on):
        self.peer.extra = {"aNewField": {"x": [1, None]}} if on else {}

    async def garbage(self):
        await self.peer.garble()
        await self.peer.garble('{"arg":{"channel":"liquidation-orders","instType":"SWAP"},"data":[{}]}')

    def rest(self, kind, times):
        if kind == "cut":
            self.peer.drop("", times=times)
        elif kind == "stall":
            self.peer.stall("", 1.0, times=times)
        else:
            status = {"slow down": 429, "ban": 418, "refused": 429, "broken": 503, "nonsense": 200}[kind]
            self.peer.refuse("", status, times=times)

    def calm(self):
        self.peer.plans.clear()

    def skew(self, ms):
        self.world.skew_ms = ms

    def delist(self, symbol):
        self.peer.delist(f"{COINS[symbol]}-USDT-SWAP")

    def relist(self, symbol):
        self.peer.list(self.frames.contract(COINS[symbol], ct_val="0.01"))

    def trim(self):
        self.peer.connections = self.peer.standing
        for each in self.peer.connections:
            each.asked.clear()

    async def stop(self):
        await self.peer.stop()


class HyperliquidSide(Side):
    """Hyperliquid: the fills of the time that was not heard come again with the next subscription."""

    name = "hyperliquid"

    async def start(self):
        module = peer("hyperliquid")

        class Anchored(module.world.Coin):
            """A coin whose candles do not follow the price that is set."""

            def price(self, t):
                anchor = {"BTC": 60_000.0, "ETH": 3_000.0}[self.name]
                return module.world.Coin(self.name, mark=anchor).price(t)

        self.peer = module.Hyperliquid(now_ms=self.clock.wall_ms, clock=self.clock.monotonic)
        self.peer.world.coins = [
            Anchored(coin, mark=60_000.0, mid=60_000.5, decimals=5) for coin in COINS.values()
        ]
        await self.peer.start()
        self.kit = HyperliquidKit(rest_url=self.peer.url, stream_url=self.peer.ws_url)

    @property
    def now_ms(self):
        return self.peer.now_ms()

    @property
    def exceeded(self):
        return self.peer.excess

    async def tick(self, symbol, price):
        await self.peer.price(COINS[symbol], price)

    async def states(self, symbol):
        """Do nothing: the context says it all."""

    async def forming(self, symbol, ts):
        if self.trading(symbol):
            await self.peer.bar(COINS[symbol], ts)

    async def close(self, symbol, ts):
        await self.forming(symbol, ts)
        await self.forming(symbol, ts + STEP)

    def close_of(self, symbol, ts):
        coin = self.peer.world.coin(COINS[symbol])
        return float(self.peer.world.candle(coin, "5m", ts)["c"])

    def carriers(self, symbol):
        key = ("userFills", LIQUIDATORS[0])
        return [line for line in self.peer.lines if key in line.topics]

    async def force(self, symbol, quantity, price, *, times=1, **_):
        if not self.trading(symbol):
            return [], 1
        told = [] if self.muted else self.carriers(symbol)
        await self.peer.liquidate(TRADER, COINS[symbol], "A", float(price), quantity, by=LIQUIDATORS[0])
        for _ in range(times - 1):
            await self.peer.repeat()
        return told, 1

    def trading(self, symbol):
        return not self.peer.world.coin(COINS[symbol]).delisted

    def cut(self, *, inside):
        self.tear(self.peer.lines, inside=inside)

    async def leave(self):
        await self.peer.close(1000, "Expired")

    def mute(self, on):
        self.muted = self.peer.mute = on

    def refuse(self, status):
        self.peer.handshake = [status] * 1_000 if status else []

    def half(self, on):
        self.peer.greets = not on

    def odd(self, on):
        self.peer.odd_fields = on

    async def garbage(self):
        last = self.peer.last
        await self.peer.say("{nonsense")
        await self.peer.say('{"channel":"userFills","data":{"user":"0x","fills":[{}]}}')
        self.peer.last = last

    def rest(self, kind, times):
        if kind == "cut":
            self.peer.drop(times=times)
        elif kind == "stall":
            self.peer.stall(1.0, times=times)
        else:
            status = {"slow down": 429, "ban": 418, "refused": 403, "broken": 500, "nonsense": 502}[kind]
            self.peer.refuse(status, "null", times=times)

    def calm(self):
        self.peer.faults.clear()

    def skew(self, ms):
        self.peer.skew_ms = ms

    def delist(self, symbol):
        self.peer.world.coin(COINS[symbol]).delisted = True

    def relist(self, symbol):
        self.peer.world.coin(COINS[symbol]).delisted = False

    def trim(self):
        self.peer.asked.clear()
        for line in self.peer.lines:
            line.heard.clear()
        for known in (self.peer.world.trades, self.peer.world.fills):
            for rows in known.values():
                del rows[:-2_000]

    async def stop(self):
        self.cut(inside=False)
        await self.peer._runner.cleanup()


SIDES = (BinanceSide, BybitSide, OkxSide, HyperliquidSide)
