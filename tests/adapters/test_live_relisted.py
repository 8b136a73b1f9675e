"""A symbol that a venue takes off its list and puts back is read as before."""

import asyncio
import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from adapters.live import LiveSource
from adapters.live_archive import Held
from adapters.live_venue import Pace
from engine.errors import SourceError
from engine.model import STEP_MS, Candles

PATH = Path(__file__).parents[1] / "peers" / "four_venues.py"
QUICK = Pace(open_s=10.0, others_s=1.0, retry_s=0.1, retry_most_s=0.4, poll_s=0.2, renew_s=0.2, hold_s=0.3)
BTC = "BTCUSDT"


def load(name, path):
    """Load a module by its path: tests are no package."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


four = load("peers_four_venues", PATH)


class Nothing:
    """An archive that has nothing and takes everything."""

    async def candles(self, symbol, venue, since_ms, until_ms):
        return Candles.empty()

    async def add_candles(self, symbol, venue, candles):
        return

    async def absences(self, symbol, venue):
        return ()

    async def add_absences(self, symbol, venue, absent):
        return

    async def add_events(self, events):
        return

    async def held(self, symbol, venue, series, since_ms, until_ms):
        return Held(times=np.empty(0, np.int64))

    async def fill(self, symbol, venue, series, rows, absent):
        return


async def until(condition):
    async with asyncio.timeout(10.0):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("name", ["okx", "bybit"])
async def test_history_of_a_symbol_that_is_listed_again_is_asked_for_again(name):
    world = await four.FourVenues().start()
    rows, contracts = world.okx.world.instruments, world.bybit.there.contracts
    source = LiveSource(world.kits(name), (BTC,), Nothing(), pace=QUICK)
    try:
        await source.open()
        until_ms = world.base - STEP_MS  # a candle that has just closed may still change, and is not given
        first = until_ms - 5 * STEP_MS
        world.okx.world.instruments = rows[:0]
        world.bybit.there.delist(BTC)
        with pytest.raises(SourceError, match="does not have"):  # not on the list any more, and not known yet
            await source.history(BTC, since_ms=first, until_ms=until_ms)
        world.okx.world.instruments, world.bybit.there.contracts = rows, contracts
        await until(lambda: source.venues_of(BTC) == (name,) and not source._venues[name].rest.final)
        bars = await source.history(BTC, since_ms=first, until_ms=until_ms)
        assert len(bars) == 5
    finally:
        await source.aclose()
        await world.stop()
    assert world.exceeded == []
