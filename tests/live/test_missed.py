"""What was missed of open interest, funding and ratios while venues were away comes after them, and once.

Local venues over real sockets, the live source, the archive in a real store, and hours that pass at once.
"""

import asyncio
import importlib.util
import sys
from collections import Counter
from pathlib import Path

import pytest

from adapters.live import LiveSource
from adapters.live_venue import Pace
from adapters.series import Wanted, What
from adapters.venue import VenueState
from bot.live.archive import StoreArchive
from engine.model import HOUR_MS, STEP_MS
from storage.market import MarketStore
from storage.past import PastStore, Shelf

BTC = "BTCUSDT"
ALL = ("binance", "bybit", "okx", "hyperliquid")
PACE = Pace(open_s=20.0, others_s=10.0, retry_s=0.2, retry_most_s=1.0, hold_s=0.1)
KINDS = {What.OPEN_INTEREST: "", What.RATIOS: "accounts", What.FUNDING: ""}
AWAY_MS = 26 * HOUR_MS
LATE_MS = 600_000
DUE_MS = 8 * HOUR_MS


def load(name, path):
    """Load a module by its path: tests are no package."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


sides = load("chaos_sides", Path(__file__).parents[1] / "chaos" / "sides.py")


class Leaping(sides.Clock):
    """The machine's clock, with hours that pass at once; whoever waits notices."""

    def __init__(self):
        super().__init__(1.0)
        self.ahead_ms = 0

    def monotonic(self):
        return super().monotonic() + self.ahead_ms / 1000

    def wall_ms(self):
        return super().wall_ms() + self.ahead_ms

    async def wait(self, event, timeout_s):
        ends_s = None if timeout_s is None else self.monotonic() + timeout_s
        while not event.is_set() and (ends_s is None or self.monotonic() < ends_s):
            left_s = 0.05 if ends_s is None else min(0.05, ends_s - self.monotonic())
            await super().wait(event, max(left_s, 0.0))


class Noting(StoreArchive):
    """The product's archive, which remembers every row that was asked for."""

    def __init__(self, store):
        super().__init__(store)
        self.asked = Counter()

    async def fill(self, symbol, venue, series, rows, absent):
        self.asked.update((venue, symbol, series.what, each.ts) for each in rows)
        await super().fill(symbol, venue, series, rows, absent)

    @property
    def twice(self):
        return [key for key, times in self.asked.items() if times > 1]


class Street:
    """The four venues on one clock, and what is kept of them."""

    def __init__(self, store):
        self.clock = Leaping()
        self.sides = [side(self.clock) for side in sides.SIDES]
        self.archive, self.past = Noting(store), PastStore(store)
        self.store = store
        self.holes = set()

    async def start(self):
        for side in self.sides:
            await side.start()
        okx = next(side for side in self.sides if side.name == "okx")
        swap, now = "BTC-USDT-SWAP", self.clock.wall_ms()
        steps = range(now // STEP_MS * STEP_MS - 12 * STEP_MS, now + 3 * AWAY_MS, STEP_MS)
        okx.world.open_interest_history[swap, "5m"] = [[str(ts), "2", "2000", "1"] for ts in steps]
        okx.world.ratios["long-short-account-ratio-contract"][swap, "5m"] = [[str(ts), "1.5"] for ts in steps]
        paid = range(now // DUE_MS * DUE_MS, now + 3 * AWAY_MS, DUE_MS)
        okx.world.funding_history[swap] = [okx.frames.paid(swap, "0.0001", "0.0002", ts) for ts in paid]
        return self

    async def stop(self):
        await asyncio.gather(*(side.stop() for side in self.sides))

    async def open(self):
        source = LiveSource(
            [side.kit for side in self.sides], (BTC,), self.archive, pace=PACE, clock=self.clock
        )
        await source.open()
        return source

    async def talk(self, source):
        """Let every venue be heard, until what they say is kept."""

        async def said():
            for side in self.sides:
                await side.tick(BTC, 60_000)
                await side.states(BTC)
            await self.store.flush()
            known = [await self.archive.held(BTC, name, *_any(side)) for name, side in self._named()]
            return all(each.first_ms is not None for each in known)

        await until(lambda: all(each.state is VenueState.UP for each in source.health()))
        await until(said)

    def _named(self):
        return [(side.name, side) for side in self.sides]

    def hole(self, ts):
        """Let Binance never have its statistics of a time."""
        self.holes.add(ts)
        self.sides[0].peer.market.holes.add(ts)

    @property
    def asked_for_holes(self):
        """How often Binance was asked for what it does not have."""
        spans = [
            (int(query["startTime"]), int(query["endTime"]))
            for path, query in self.sides[0].peer.calls
            if path.startswith("/futures/data/")
        ]
        return sum(first <= ts <= last for first, last in spans for ts in self.holes)

    def away(self):
        for side in self.sides:
            side.refuse(503)
            side.rest("cut", 1 << 30)
            side.cut(inside=False)

    def back(self):
        for side in self.sides:
            side.calm()
            side.refuse(None)

    async def lacks(self, since_ms, until_ms):
        """Return how many rows each series lacks of a time."""
        lacking = {}
        for name in ALL:
            for what, kind in KINDS.items():
                step_ms = 0 if what is What.FUNDING else STEP_MS
                if name == "hyperliquid" and step_ms:
                    continue  # it publishes none of their past
                hours = 1 if name == "hyperliquid" else 8
                every_ms = step_ms or hours * HOUR_MS
                shelf = Shelf(venue=name, symbol=BTC, what=what, step_ms=step_ms, kind=kind)
                wanted = set(range(-(-since_ms // every_ms) * every_ms, until_ms, every_ms))
                wanted -= self.holes if name == "binance" and step_ms else set()
                told = await self.past.told(shelf, since_ms, until_ms)
                known = {int(ts) // every_ms * every_ms for ts in told}
                if wanted - known:
                    lacking[name, what.value] = len(wanted - known)
        return lacking


def _any(side):
    """Return what `held` is asked for to know whether a venue's funding is kept."""
    known = next(iter(side.kit_known.values()))
    wanted = Wanted(known=known, what=What.FUNDING, step_ms=STEP_MS, since_ms=0, now_ms=side.now_ms)
    return side.kit.past(wanted)[0], 0, 1 << 60


async def until(condition, timeout_s=60.0):
    """Wait until a condition holds."""
    async with asyncio.timeout(timeout_s):
        while True:
            found = condition()
            if await found if asyncio.iscoroutine(found) else found:
                return
            await asyncio.sleep(0.05)


@pytest.fixture
async def street(tmp_path):
    store = await MarketStore.open(tmp_path / "market.duckdb")
    street = await Street(store).start()
    yield street
    await street.stop()
    await store.close()
    assert [each for side in street.sides for each in side.exceeded] == []


async def test_what_venues_said_while_they_were_away_is_whole_after_it_and_asked_for_once(street):
    source = await street.open()
    try:
        for name, side in street._named():
            side.kit_known = source._venues[name].known
        await street.talk(source)
        gone_ms = street.clock.wall_ms()
        street.away()
        await until(lambda: not any(each.state is VenueState.UP for each in source.health()))
        street.clock.ahead_ms += AWAY_MS
        street.hole((gone_ms + AWAY_MS // 2) // STEP_MS * STEP_MS)
        back_ms = street.clock.wall_ms() - LATE_MS
        assert {name for name, _ in await street.lacks(gone_ms, back_ms)} == set(ALL)
        street.back()

        async def whole():
            return not await street.lacks(gone_ms, back_ms)

        try:
            await until(whole)
        except TimeoutError:
            pytest.fail(f"still lacking: {await street.lacks(gone_ms, back_ms)}")
        assert street.archive.twice == []
        asked = street.asked_for_holes
        assert asked >= 2, "open interest and ratios"
    finally:
        await source.aclose()

    street.clock.ahead_ms += AWAY_MS  # nobody reads meanwhile
    later_ms = street.clock.wall_ms() - LATE_MS
    source = await street.open()
    try:

        async def whole_again():
            return not await street.lacks(gone_ms, later_ms)

        await until(whole_again)
        assert street.archive.twice == []
        assert street.asked_for_holes == asked
    finally:
        await source.aclose()
