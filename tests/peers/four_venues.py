"""All four local venues at once, driven alike: what one symbol does on each of them, in coins and dollars.

Every method that lets something happen takes the venue's name. The symbol is BTCUSDT everywhere.
"""

import asyncio
import importlib.util
import sys
import time
from pathlib import Path

from adapters.hyperliquid.fills import LIQUIDATORS
from adapters.kits import BinanceKit, BybitKit, HyperliquidKit, OkxKit

STEP = 300_000
SWAP = "BTC-USDT-SWAP"
TRADER = "0x" + "ab" * 20
VENUES = ("binance", "bybit", "okx", "hyperliquid")


def peer(name):
    """Load a file beside this one: tests are no package."""
    known = f"peers_{name}"
    if known not in sys.modules:
        spec = importlib.util.spec_from_file_location(known, Path(__file__).with_name(f"{name}.py"))
        module = sys.modules[known] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[known]


def now_ms():
    return time.time_ns() // 1_000_000


class Present(peer("bybit").market.Market):
    """Bybit's market on the machine's clock."""

    @property
    def now_ms(self):
        return now_ms()

    @now_ms.setter
    def now_ms(self, _):
        """Leave the clock alone."""


class FourVenues:
    """The venues, each with its own kit; `base` is the open of the candle that forms."""

    async def start(self):
        self.base = now_ms() // STEP * STEP
        self.binance = await peer("binance").Binance().start()
        self.bybit = await peer("bybit").Bybit(there=Present()).start()
        self.okx = await peer("okx").Okx().start()
        self.hyperliquid = await peer("hyperliquid").Hyperliquid().start()
        self.frames = self.okx.frames
        self.okx.list(self.frames.contract("BTC", ct_val="0.01"))
        coin = peer("hyperliquid").world.Coin
        self.hyperliquid.world.coins = [coin("BTC", mark=60_000.0, mid=60_000.5, decimals=5)]
        self.okx_bars(range(self.base - 60 * STEP, self.base, STEP))
        return self

    def okx_bars(self, times):
        """Let OKX have candles and open interest of these times."""
        rows = [self.frames.candle(ts, 60_000 + ts // STEP % 97, 500) for ts in times]
        self.okx.world.candles[SWAP, "5m"] = rows
        past = [[str(ts), "200000", "2000", "120000000"] for ts in times]
        self.okx.world.open_interest_history[SWAP, "5m"] = past

    async def stop(self):
        await asyncio.gather(*(self.of(name).stop() for name in VENUES))

    def of(self, name):
        return getattr(self, name)

    def kits(self, *names):
        """Return the kits of some venues, or of all."""
        made = {
            "binance": lambda v: BinanceKit(rest_url=v.url, stream_url=v.ws_url + "/market/stream"),
            "bybit": lambda v: BybitKit(rest_url=v.url, stream_url=v.ws_url),
            "okx": lambda v: OkxKit(rest_url=v.url, stream_url=v.ws_url),
            "hyperliquid": lambda v: HyperliquidKit(rest_url=v.url, stream_url=v.ws_url),
        }
        return [made[name](self.of(name)) for name in names or VENUES]

    def environ(self):
        """Return the settings that point a process at these venues."""
        path = {"binance": "/market/stream"}
        return {
            f"LIQWATCH_{name.upper()}_{kind}_URL": url
            for name in VENUES
            for kind, url in (("REST", self.of(name).url), ("WS", self.of(name).ws_url + path.get(name, "")))
        }

    @property
    def exceeded(self):
        """Every limit that was ever passed, of every venue."""
        lists = (self.binance.exceeded, self.bybit.exceeded, self.okx.faults, self.hyperliquid.excess)
        return [each for found in lists for each in found]

    def asked(self, name):
        """Return how many calls for candles a venue was sent."""
        if name == "binance":
            return sum(path.endswith("/klines") for path, _ in self.binance.calls)
        if name == "bybit":
            return sum(path == "kline" for path, _ in self.bybit.calls)
        if name == "okx":
            return self.okx.calls["market/candles"] + self.okx.calls["market/history-candles"]
        return sum(body["type"] == "candleSnapshot" for body in self.hyperliquid.asked)

    def gone(self, ts):
        """Let no venue but Binance, which has every candle, have the one of a time."""
        self.bybit.there.holes.add(ts)
        self.hyperliquid.world.holes.add(("BTC", ts))
        kept = [row for row in self.okx.world.candles[SWAP, "5m"] if int(row[0]) != ts]
        self.okx.world.candles[SWAP, "5m"] = kept

    # what happens

    async def price(self, name, price, at_ms=None):
        """Let the price move, at a time where the venue tells one."""
        at_ms = now_ms() if at_ms is None else at_ms
        if name == "binance":
            await self.binance.trade("BTCUSDT", price, at_ms=at_ms)
        elif name == "bybit":
            await self.bybit.ticker("BTCUSDT", lastPrice=str(price), markPrice=str(price))
        elif name == "okx":
            await self.okx.push(self.frames.data("mark-price", SWAP, [self.frames.mark(SWAP, price, at_ms)]))
        else:
            await self.hyperliquid.price("BTC", price)

    async def close(self, name, ts):
        """Let the candle that opened at a time close; return its close in dollars a coin."""
        if name == "binance":
            await self.binance.bar("BTCUSDT", ts=ts)
            return float(self.binance.market.bar("BTCUSDT", STEP, ts)[4])
        if name == "bybit":
            await self.bybit.candle("BTCUSDT", ts, confirm=True)
            return float(self.bybit.there.bar(ts)[4])
        if name == "okx":
            price = 60_000 + ts // STEP % 97
            row = self.frames.candle(ts, price, 500)
            await self.okx.push(self.frames.data("candle5m", SWAP, [row]))
            return float(price)
        row = await self.hyperliquid.bar("BTC", ts)
        await self.hyperliquid.bar("BTC", ts + STEP)
        return float(row["c"])

    async def liquidate(self, name, times=1):
        """Close somebody's long of 1.5 coins by force, at 59000 dollars; say it so many times."""
        if name == "binance":
            await self.binance.forced("BTCUSDT", "SELL", "1.5", "59000", limit="58800", times=times)
        elif name == "bybit":
            await self.bybit.liquidate("BTCUSDT", ("Buy", "1.5", "59000", 0), twice=times > 1)
        elif name == "okx":
            self.okx.twice = times > 1
            await self.okx_liquidation()
            self.okx.twice = False
        else:
            await self.hyperliquid.liquidate(TRADER, "BTC", "A", 59_000.0, 1.5, by=LIQUIDATORS[0])
            for _ in range(times - 1):
                await self.hyperliquid.repeat()

    async def okx_liquidation(self, contracts=150):
        row = self.frames.forced_row(SWAP, self.frames.forced("sell", 59_000, contracts, now_ms()))
        await self.okx.push(self.frames.data("liquidation-orders", "SWAP", [row], key="instType"))

    async def states(self):
        """Let OKX and Binance say what the others say with their prices: open interest, funding."""
        now = now_ms()
        await self.binance.mark("BTCUSDT")
        interest = self.frames.interest(SWAP, 200_000, 2_000, now)
        await self.okx.push(self.frames.data("open-interest", SWAP, [interest]))
        due = (now // 28_800_000 + 1) * 28_800_000
        funding = self.frames.funding(SWAP, "0.0001", due, now)
        await self.okx.push(self.frames.data("funding-rate", SWAP, [funding]))
