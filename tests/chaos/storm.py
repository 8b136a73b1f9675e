"""Four local venues in a storm: what happens on them, what goes wrong, and what of it had to be heard."""

import asyncio
import random
import time
from collections import Counter, deque
from dataclasses import dataclass, field

from adapters.hyperliquid.fills import LIQUIDATORS

STEP = 300_000
SYMBOLS = ("BTCUSDT", "ETHUSDT")
SETTLED_S = 0.6
"""A frame that was sent on a connection that still stands so much later was heard."""
CALM_S = 1.5
"""A venue without trouble for so long is expected to be quick."""


@dataclass
class Ledger:
    """What was said: liquidations by (venue, symbol, hundredths of a coin), prices by when they were sent.

    `said` counts every liquidation that ever happened, `due` those that could be heard.
    """

    said: Counter = field(default_factory=Counter)
    due: Counter = field(default_factory=Counter)
    waiting: deque = field(default_factory=deque)
    prices: dict = field(default_factory=dict)

    def forced(self, side, symbol, number, copies, lines):
        key = (side.name, symbol, number)
        self.said[key] = copies
        self.waiting.append((time.monotonic(), side, key, copies, lines))

    def settle(self, *, everything=False):
        """Find out which liquidations could be heard: a line that carried them still stands."""
        while self.waiting and (everything or self.waiting[0][0] < time.monotonic() - SETTLED_S):
            _, side, key, copies, lines = self.waiting.popleft()
            if any(side.alive(line) for line in lines):
                self.due[key] = copies


class Trouble:
    """When each venue was last in trouble, and what was done to it."""

    def __init__(self):
        self.until_s = {}
        self.done = Counter()

    def note(self, name, what):
        self.done[what] += 1
        self.until_s[name] = time.monotonic()

    def calm(self, name, at_s):
        return at_s - self.until_s.get(name, -1e9) > CALM_S


class Storm:
    """Drive some venues until told to stop; `seed` decides what goes wrong.

    `reads` says of which venues a symbol is read: of one that was listed anew that takes a while.
    """

    def __init__(self, sides, seed):
        self.sides = sides
        self.reads = lambda symbol: ()
        self.ledger = Ledger()
        self.trouble = Trouble()
        self.begun = asyncio.Event()
        self.raging = True
        self.over = False
        self._seed = seed
        self._number = 0

    def run(self):
        """Return the work to be done at the same time."""
        work = [self._settle()]
        for side in self.sides:
            work += [self._trade(side, random.Random(f"{self._seed} market {side.name}"))]
            work += [self._rage(side, random.Random(f"{self._seed} faults {side.name}"))]
        return work

    async def _settle(self):
        while not self.over:
            self.ledger.settle()
            await asyncio.sleep(0.1)

    # the markets

    async def _trade(self, side, dice):
        """Let prices move, candles form and close, and people be liquidated."""
        bar, beat = side.now_ms // STEP * STEP, 0
        while not self.over:
            beat += 1
            now_bar = side.now_ms // STEP * STEP
            if now_bar > bar:
                await self._close(side, bar, dice)
                bar = now_bar
            for symbol in SYMBOLS:
                if side.trading(symbol):
                    await self._beat(side, symbol, bar, beat, dice)
            await asyncio.sleep(0.04)

    async def _close(self, side, bar, dice):
        if hasattr(side, "over"):
            side.over(bar)
        for symbol in SYMBOLS:
            if side.trading(symbol) and (not self.raging or dice.random() < 0.8):
                await side.close(symbol, bar)

    async def _beat(self, side, symbol, bar, beat, dice):
        price = round((60_000 if symbol == "BTCUSDT" else 3_000) + beat % 40_000 * 0.01, 2)
        self.ledger.prices[side.name, symbol, price] = time.monotonic()
        await side.tick(symbol, price)
        await side.states(symbol)
        if beat % 10 == 0:
            await side.forming(symbol, bar)
        if dice.random() < 0.2:
            await self._force(side, symbol, dice)

    async def _force(self, side, symbol, dice):
        self._number += 1
        number = self._number
        times = 2 if self.raging and dice.random() < 0.2 else 1
        more = {"ago_ms": dice.choice([0, 0, 4_000])} if side.name == "bybit" else {}
        equal = 2 if side.name in ("bybit", "okx") and dice.random() < 0.1 else 1
        lines, copies = await side.force(symbol, number / 100, 59_000, times=times, equal=equal, **more)
        if side.trading(symbol):
            read = side.name in self.reads(symbol)
            self.ledger.forced(side, symbol, number, copies, lines if read else [])

    # what goes wrong

    async def _rage(self, side, dice):
        acts = (self._cut, self._tear, self._leave, self._mute, self._refuse, self._garble, self._odd,
                self._half, self._rest, self._rest, self._skew, self._delist, self._die)  # fmt: skip
        await self.begun.wait()
        while self.raging:
            await asyncio.sleep(dice.uniform(0.4, 2.5))
            if self.raging:
                act = dice.choice(acts)
                self.trouble.note(side.name, act.__name__.strip("_"))
                await act(side, dice)
                self.trouble.until_s[side.name] = time.monotonic()

    async def _cut(self, side, dice):
        side.cut(inside=False)

    async def _tear(self, side, dice):
        side.cut(inside=True)

    async def _leave(self, side, dice):
        await side.leave()

    async def _mute(self, side, dice):
        side.mute(True)
        await asyncio.sleep(dice.uniform(0.2, 1.5))
        side.mute(False)

    async def _refuse(self, side, dice):
        side.refuse(dice.choice([503, 429, 403, 500]))
        side.cut(inside=False)
        await asyncio.sleep(dice.uniform(0.1, 1.0))
        side.refuse(None)

    async def _garble(self, side, dice):
        await side.garbage()

    async def _odd(self, side, dice):
        side.odd(True)
        await asyncio.sleep(0.5)
        side.odd(False)

    async def _half(self, side, dice):
        side.half(True)
        side.cut(inside=False)
        await asyncio.sleep(dice.uniform(0.2, 0.8))
        side.half(False)

    async def _rest(self, side, dice):
        kind = dice.choice(["slow down", "ban", "refused", "broken", "nonsense", "stall", "cut"])
        self.trouble.done[kind] += 1
        side.rest(kind, dice.randint(1, 3))

    async def _skew(self, side, dice):
        side.skew(dice.randint(-3_000, 3_000))

    async def _delist(self, side, dice):
        side.delist("ETHUSDT")
        await asyncio.sleep(dice.uniform(1.0, 3.0))
        side.relist("ETHUSDT")

    async def _die(self, side, dice):
        """Be gone for a while: nothing is answered, by any way."""
        side.refuse(503)
        side.rest("stall", 50)
        side.cut(inside=dice.random() < 0.5)
        began_s, until_s = time.monotonic(), time.monotonic() + dice.uniform(1.0, 4.0)
        while time.monotonic() < until_s and self.raging:
            self.trouble.until_s[side.name] = time.monotonic()
            await asyncio.sleep(0.1)
        self.trouble.done["dead seconds"] += round(time.monotonic() - began_s)
        side.calm()
        side.refuse(None)

    def calm(self):
        """Let nothing go wrong from now on."""
        self.raging = False

    def all_well(self):
        """Take back whatever was still to go wrong."""
        for side in self.sides:
            side.calm()
            side.refuse(None)
            side.mute(False)
            side.half(False)
            side.odd(False)
            if not side.trading("ETHUSDT"):
                side.relist("ETHUSDT")

    def told_again(self):
        """Say which liquidations a venue tells to whoever subscribes anew: they all had to be heard."""
        for side in self.sides:
            if side.name == "hyperliquid":
                rows = side.peer.world.fills.get(LIQUIDATORS[0], ())
                names = {"BTC": "BTCUSDT", "ETH": "ETHUSDT"}
                for row in rows:
                    key = (side.name, names[row["coin"]], round(float(row["sz"]) * 100))
                    self.ledger.due[key] = 1
