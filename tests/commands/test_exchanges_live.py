"""Venues' health from local venues over real sockets to the stored rows, the commands and the JSON answer."""

import asyncio
import importlib.util
import sys
from pathlib import Path

import pytest
from aiohttp import ClientSession, web

from adapters.kits import BinanceKit
from adapters.live import LiveSource
from adapters.live_venue import Pace
from adapters.venue import Feed, VenueState
from bot.live.archive import StoreArchive
from bot.live.health import HealthKeeper, body_of
from bot.web.exchanges import Exchanges
from engine.model import STEP_MS
from storage.venues import VenueStore

TESTS = Path(__file__).parents[1]
BTC = "BTCUSDT"
QUICK = Pace(open_s=10.0, others_s=1.0, retry_s=0.1, retry_most_s=0.4, poll_s=0.2, hold_s=0.1)
AHEAD_MS = 2_500


def load(name, path):
    """Load a module by its path: tests are no package."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


four = load("peers_four_venues", TESTS / "peers" / "four_venues.py")
sides = load("chaos_sides", TESTS / "chaos" / "sides.py")


async def until(condition, timeout_s=30.0):
    """Wait until a condition holds, and return what it gave."""
    async with asyncio.timeout(timeout_s):
        while not (found := condition()):
            await asyncio.sleep(0.01)
    return found


async def answered(market, past):
    """Return what GET /exchanges/health answers over HTTP."""
    app = web.Application()
    app.router.add_get("/exchanges/health", Exchanges(market, past).health)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]
    try:
        async with (
            ClientSession() as session,
            session.get(f"http://127.0.0.1:{port}/exchanges/health") as got,
        ):
            assert got.status == 200
            return await got.json()
    finally:
        await runner.cleanup()


@pytest.fixture
async def world():
    venues = await four.FourVenues().start()
    yield venues
    await venues.stop()
    assert venues.exceeded == []


@pytest.fixture
async def live(world, desk, store):
    """Read Binance and OKX with the product's source, and let the desk's market say how they are."""
    world.binance.skew_ms = AHEAD_MS
    source = LiveSource(world.kits("binance", "okx"), (BTC,), StoreArchive(store), pace=QUICK)
    await source.open()
    desk.market.source_kind, desk.market.snapshots = "live", source.snapshots
    desk.market.parts = {"binance": 0.7, "okx": 0.3}
    reading = asyncio.create_task(drained(source))
    yield source
    reading.cancel()
    await source.aclose()


async def drained(source):
    async for _ in source.events():
        pass


def shown(source, name="binance"):
    return next(each for each in source.snapshots() if each.venue == name)


async def went_through_everything(world, source):
    """Let Binance say everything, cut it once so that a candle is missed, and let it say some nonsense."""
    await until(lambda: all(each.state is VenueState.UP for each in source.snapshots()))
    first = world.base - 3 * STEP_MS
    await world.close("binance", first)
    await until(lambda: shown(source).ages_s[Feed.CANDLES] is not None)
    world.binance.lines.cut(inside=True)
    await until(lambda: shown(source).gaps_filled and shown(source).state is VenueState.UP)
    await world.price("binance", 60_000)
    await world.liquidate("binance")
    await world.states()
    await world.binance.lines.garbage("{nonsense")
    await until(lambda: shown(source).dropped and None not in shown(source).ages_s.values())


async def test_every_key_of_health_goes_from_the_socket_to_whoever_asks(
    world, live, desk, store, with_services, me
):
    await went_through_everything(world, live)
    past = VenueStore(store)
    keeper = HealthKeeper(live, past, live.now_ms)
    assert await keeper.sweep() == 2
    await store.flush()
    ((ts, state, body),) = await past.health("binance")
    assert abs(ts - live.now_ms()) < 60_000
    assert state == "up"
    feeds = {"prices", "candles", "liquidations", "open_interest", "funding"}
    assert body["ages_s"].keys() == feeds
    assert all(0 <= age < 60 for age in body["ages_s"].values())
    assert body["messages"] > 5
    assert body["messages_per_s"] > 0
    assert (body["lines"], body["lines_up"], body["reconnects"], body["gaps_filled"]) == (1, 1, 1, 1)
    used, budget = body["limits"]["weight"]
    assert 0 < used < budget == 2400
    assert abs(body["skew_ms"] - AHEAD_MS) < 2_000
    assert sum(body["dropped"].values()) == 1
    assert "the stream was closed" in body["last_error"]
    assert (body["refusals"], body["final"]) == (0, "")

    commands = with_services(venue_past=past.health)
    one = await commands.dispatch("/exchanges health binance", me)
    told = dict(one.fields)
    assert one.title == "Binance is up"
    assert all(f"{name} " in told["Newest data"] for name in ("prices", "candles", "liquidations", "funding"))
    assert "a second" in told["Messages"]
    assert told["Connections"] == "1 of 1 up, reconnected 1×"
    assert told["Gaps filled"] == "1"
    assert told["Its clock"].endswith("ms ahead of ours")
    assert "weight" in told["Limits used"]
    assert "of 2,400" in told["Limits used"]
    assert "the stream was closed" in told["Last error"]
    assert told["Last 24 hours"].startswith("up 100%") or told["Last 24 hours"] == "nothing kept"

    answer = await answered(desk.market, past.health)
    binance, okx = answer["venues"]
    assert (binance["state"], binance["ok"], okx["venue"]) == ("up", True, "okx")
    private = {"last_error"}
    assert body_of(shown(live)).keys() - private <= binance.keys()
    assert not private & binance.keys()
    for key in ("reconnects", "gaps_filled", "lines", "lines_up", "dropped", "refusals"):
        assert binance[key] == body[key], key
    assert binance["limits"]["weight"][1] == 2400
    assert abs(binance["skew_ms"] - AHEAD_MS) < 2_000
    assert binance["ages_s"].keys() == feeds
    assert binance["messages_per_s"] > 0

    status = dict((await desk.ok("/status exchange=binance")).fields)
    assert status["Binance"].startswith("up; prices")
    assert "reconnected 1×" in status["Binance"]
    assert status["Share of BTC"] == "Binance 70%"


async def test_a_path_that_takes_everything_and_says_nothing_is_not_up(desk, store, other):
    clock = sides.Clock(60.0)
    side = sides.BinanceSide(clock)
    await side.start()
    kit = BinanceKit(rest_url=side.peer.url, stream_url=side.peer.ws_url + "/stream")
    source = LiveSource((kit,), (BTC,), StoreArchive(store), pace=Pace(open_s=10, others_s=1), clock=clock)
    states, over = [], asyncio.Event()

    async def market():
        while not over.is_set():
            await side.tick(BTC, 60_000)
            await side.states(BTC)
            states.append(shown(source).state)
            await asyncio.sleep(0.01)

    await source.open()
    trading = asyncio.create_task(market())
    try:
        desk.market.source_kind, desk.market.snapshots = "live", source.snapshots
        await until(lambda: shown(source).reconnects >= 3)
        assert shown(source).ages_s[Feed.PRICES] is None
        silent_from = next(i for i, each in enumerate(states) if each in (VenueState.STALE, VenueState.DOWN))
        assert {*states[silent_from:]} <= {VenueState.STALE, VenueState.DOWN}
        status = await desk.ok("/status")
        said = "Binance takes connections and then says nothing; it is tried again until it does."
        assert said in status.text
        assert "nothing ever came: is LIQWATCH_BINANCE_WS_URL right?" in status.text
        told = dict(status.fields)["Binance"]
        assert told.startswith(("stale; prices none yet", "down; prices none yet"))
        theirs = await desk.ok("/exchanges", other)
        assert said in theirs.text
        assert "LIQWATCH" not in theirs.text
        assert theirs.title in ("Binance is the only venue", "0 of 1 venues are up")
        answer = await answered(desk.market, VenueStore(store).health)
        assert (answer["ok"], answer["venues"][0]["ok"]) == (False, False)
    finally:
        over.set()
        await trading
        await source.aclose()
        await side.stop()


async def test_a_stream_that_fell_silent_is_up_with_the_first_thing_that_comes(store):
    clock = sides.Clock(60.0)
    side = sides.BinanceSide(clock)
    await side.start()
    pace = Pace(open_s=10, others_s=1)
    source = LiveSource((side.kit,), (BTC,), StoreArchive(store), pace=pace, clock=clock)
    await source.open()
    try:
        await until(lambda: shown(source).state is VenueState.UP)
        await side.states(BTC)
        await until(lambda: shown(source).state is VenueState.STALE)
        assert shown(source).note == "binance is connected, but not everything asked for comes"
        async with asyncio.timeout(30):
            while shown(source).state is not VenueState.UP:
                await side.states(BTC)
                await asyncio.sleep(0.02)
    finally:
        await source.aclose()
        await side.stop()
