"""Read local venues as the product does, into an archive that only notes what it is given."""

import asyncio

import numpy as np

from adapters.live import LiveSource
from adapters.live_archive import Held
from adapters.live_venue import Pace
from adapters.venue import VenueState
from engine.model import Candles, Liquidation

BTC = "BTCUSDT"


async def until(condition, timeout_s=20.0):
    async with asyncio.timeout(timeout_s):
        while not (found := condition()):
            await asyncio.sleep(0.005)
    return found


class Shelf:
    """An archive that has nothing, and notes the liquidations that it is given."""

    def __init__(self):
        self.forced = []

    async def candles(self, symbol, venue, since_ms, until_ms):
        return Candles.empty()

    async def add_candles(self, symbol, venue, candles):
        return

    async def absences(self, symbol, venue):
        return ()

    async def add_absences(self, symbol, venue, absent):
        return

    async def add_events(self, events):
        self.forced += [event for event in events if isinstance(event, Liquidation)]

    async def held(self, symbol, venue, series, since_ms, until_ms):
        return Held(times=np.empty(0, np.int64))

    async def fill(self, symbol, venue, series, rows, absent):
        return


class Reading:
    """One venue that is read, with all that came out."""

    def __init__(self, kits, **more):
        self.shelf, self.seen = Shelf(), []
        pace = Pace(open_s=20.0, others_s=0.5, hold_s=2.0, late_s=250.0)
        self.source = LiveSource(kits, (BTC,), self.shelf, pace=pace, **more)

    async def __aenter__(self):
        await self.source.open()
        self.task = asyncio.create_task(self._read())
        await until(lambda: self.source.health()[0].state is VenueState.UP)
        return self

    async def __aexit__(self, *_):
        await self.source.aclose()
        await self.task

    async def _read(self):
        async for event in self.source.events():
            self.seen.append(event)

    def of(self, kind):
        return [event for event in self.seen if isinstance(event, kind)]
