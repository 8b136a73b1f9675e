"""Books are brought side by side, tried again where that fails, and hold each other up in nothing."""

import asyncio
from itertools import pairwise

import pytest

from bot.live import upkeep as upkeep_module
from bot.live.upkeep import Upkeep
from engine.errors import SourceError


class Town:
    """A market of symbols that can be brought, or not."""

    def __init__(self, *symbols):
        self.wanted = list(symbols)
        self.has = []
        self.broken = {}
        self.slow = {}
        self.now = 0.0
        self.most = self.busy = 0
        self.tried = []

    def lacking(self):
        return [symbol for symbol in self.wanted if symbol not in self.has]

    async def bring(self, symbol):
        self.tried.append(symbol)
        self.busy += 1
        self.most = max(self.most, self.busy)
        try:
            await asyncio.sleep(self.slow.get(symbol, 0.01))
            if symbol in self.broken:
                raise self.broken[symbol]
            self.has.append(symbol)
        finally:
            self.busy -= 1


@pytest.fixture
def town():
    return Town(*"abcdefgh")


@pytest.fixture
def upkeep(town):
    return Upkeep(town, monotonic=lambda: town.now)


async def test_the_first_ones_are_there_when_the_start_goes_on(town, upkeep):
    await upkeep.first(5.0)
    assert sorted(town.has) == list("abcdefgh")
    assert town.most == upkeep_module.AT_ONCE
    await upkeep.first(5.0)
    assert len(town.tried) == 8


async def test_the_start_waits_for_nothing_for_long(town):
    real = Upkeep(town)
    town.slow["a"] = 30.0
    await asyncio.wait_for(real.first(0.2), 2.0)
    assert "a" not in town.has
    assert sorted(town.has) == list("bcdefgh")
    await real.stop()
    assert town.busy == 0


@pytest.mark.parametrize("error", [SourceError("no venue answers"), ValueError("a bug")])
async def test_what_fails_is_tried_again_later_and_later_and_delays_no_other(town, upkeep, error):
    town.broken["b"] = error
    await upkeep.first(5.0)
    assert sorted(town.has) == list("acdefgh")
    tries = []
    running = asyncio.create_task(upkeep.run())
    for _ in range(4000):
        town.now += 1.0
        upkeep.look()
        await asyncio.sleep(0)
        while town.busy:
            await asyncio.sleep(0.001)
        if len(tries) < town.tried.count("b"):
            tries.append(town.now)
    gaps = [later - earlier for earlier, later in pairwise(tries[1:])]
    assert gaps[0] <= gaps[1] <= gaps[2] <= upkeep_module.RETRY_MOST_S + 2
    assert gaps[-1] == pytest.approx(upkeep_module.RETRY_MOST_S, abs=3)
    del town.broken["b"]
    town.now += upkeep_module.RETRY_MOST_S + 1
    upkeep.look()
    async with asyncio.timeout(2.0):
        while "b" not in town.has:
            await asyncio.sleep(0.005)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_new_symbol_is_brought_at_once_and_stopping_leaves_nothing(town, upkeep):
    await upkeep.first(5.0)
    running = asyncio.create_task(upkeep.run())
    await asyncio.sleep(0)
    town.wanted.append("z")
    town.slow["y"] = 30.0
    upkeep.look()
    async with asyncio.timeout(2.0):
        while "z" not in town.has:
            await asyncio.sleep(0.005)
    town.wanted.append("y")
    upkeep.look()
    await asyncio.sleep(0.05)
    assert town.busy == 1
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert town.busy == 0
