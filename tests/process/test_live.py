"""A whole process on four local venues over real sockets: only their addresses differ from the real ones."""

import asyncio
import importlib.util
import json
import sys
from pathlib import Path

import duckdb
import pytest
import websockets

pytestmark = [pytest.mark.process, pytest.mark.timeout(240)]

PATH = Path(__file__).parents[1] / "peers" / "four_venues.py"
LIVE = ("--source", "live", "--symbols", "BTCUSDT")
ALL = ("binance", "bybit", "okx", "hyperliquid")


def load(name, path):
    """Load a module by its path: tests are no package."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


four = load("peers_four_venues", PATH)


@pytest.fixture
async def world():
    venues = await four.FourVenues().start()
    yield venues
    await venues.stop()
    assert venues.exceeded == []


@pytest.fixture
def run(launch, world):
    """Start a process that reads the local venues."""

    async def go(*flags, env=None):
        return await launch(
            *LIVE, *flags, extra_env={**world.environ(), "LIQWATCH_HISTORY_DAYS": "4", **(env or {})}
        )

    return go


async def reply_of(panel, line, condition, timeout_s=40):
    """Say a line until its reply is as wanted, and return that."""
    async with asyncio.timeout(timeout_s):
        while True:
            reply = await panel.say(line)
            if condition(reply):
                return reply
            await asyncio.sleep(0.3)


async def everyone_moves(world, price):
    for name in ALL:
        await world.price(name, price)


async def test_four_live_venues_are_one_market(run, world, tmp_path):
    process = await run()
    panel = await process.panel()
    assert any("live: BTCUSDT" in line for line in process.lines)
    await everyone_moves(world, 60_321.5)
    market = await reply_of(panel, "/market btc", lambda r: r["price"] == 60_321.5)
    assert all(name in str(market).lower() for name in ALL), market
    picture = await panel.say("/heatmap btc 12h")
    assert not picture["error"], picture
    assert picture["images"]
    assert "REPLAY" not in picture["notice"]
    status = await reply_of(panel, "/status", lambda r: all(name in str(r).lower() for name in ALL))
    assert status["source"] == "live"
    for name in ALL:
        await world.liquidate(name, times=2)
    await asyncio.sleep(2.5)
    assert await process.terminate() == 0
    with duckdb.connect(str(tmp_path / "data" / "live" / "market.duckdb"), read_only=True) as store:
        rows = store.execute("SELECT exchange, side, quantity FROM liquidations ORDER BY exchange").fetchall()
        candles = dict(store.execute("SELECT venue, count(*) FROM candles GROUP BY venue").fetchall())
    assert rows == [(name, "long", 1.5) for name in sorted(ALL)]
    assert set(candles) == set(ALL)
    assert candles["binance"] >= 4 * 288 - 2


async def nearest_zone(panel):
    """Return the edges of the zone of longs that is nearest to the price."""
    reply = await panel.say("/zones btc side=long")
    spans = [row[1].replace(",", "").split(" – ") for row in reply["table"]["rows"]]
    low, high = max(spans, key=lambda span: float(span[1]))
    return float(low), float(high)


async def test_an_alert_fires_on_live_prices_also_when_the_first_venue_is_silent(run, world):
    process = await run()
    panel = await process.panel()
    await everyone_moves(world, 60_000)
    await reply_of(panel, "/market btc", lambda r: r["price"] == 60_000)
    assert not (await panel.say("/watch btc min=1k"))["error"]  # however few dollars it has
    low, high = await nearest_zone(panel)
    await world.price("bybit", round(high * 1.002, 1))  # a second opinion of one price is not a price
    await asyncio.sleep(1.0)
    assert (await panel.say("/market btc"))["price"] == 60_000
    async with asyncio.timeout(40):  # the first venue is silent from now on, until the next one stands for it
        while (await panel.say("/market btc"))["price"] == 60_000:
            await world.price("bybit", round(high * 1.08, 1))
            await asyncio.sleep(0.5)
    for price in (high * 1.08, high * 1.02, high * 1.004, (low + high) / 2):  # away from it, and into it
        await world.price("bybit", round(price, 1))
        await asyncio.sleep(0.5)
    await panel.until(lambda: panel.alerts, 40)
    assert "BTC" in str(next(iter(panel.alerts.values())))


async def test_a_venue_that_is_down_at_the_start_joins_when_it_is_up(run, world):
    world.bybit.fail("*", status=503, times=100_000)
    world.okx.block(451)
    process = await run()
    panel = await process.panel()
    await world.price("binance", 60_111)
    market = await reply_of(panel, "/market btc", lambda r: r["price"] == 60_111)
    assert "bybit" not in str(market["table"]).lower()
    status = await panel.say("/exchanges")
    assert "does not serve this country" in str(status)
    world.bybit.faults.clear()
    joined = await reply_of(panel, "/market btc", lambda r: "bybit" in str(r["table"]).lower(), 90)
    assert "okx" not in str(joined["table"]).lower()
    assert (await process.get("/readyz"))[0] == 200


async def test_a_symbol_that_somebody_asks_for_is_read_from_then_on(run, world):
    process = await run()
    panel = await process.panel()
    await world.binance.trade("ETHUSDT", 99.5)
    asked = await panel.say("/market eth")
    assert not asked["error"], asked
    await world.binance.trade("ETHUSDT", 99.25)
    await reply_of(panel, "/market eth", lambda r: r["price"] == 99.25)
    assert "ETH" in str((await panel.say("/symbols"))["table"])
    unknown = await panel.say("/market nosuchcoin")
    assert "nosuchcoin" in unknown["error"]
    assert not (await panel.say("/watch eth"))["error"]
    assert await process.terminate() == 0
    process = await run()  # an alert is on it: it is read from the start
    assert any("ETHUSDT" in line for line in process.lines)


async def test_killed_and_started_again_it_goes_on_from_what_it_kept(run, world):
    process = await run()
    panel = await process.panel()
    await everyone_moves(world, 60_001)
    await reply_of(panel, "/market btc", lambda r: r["price"] == 60_001)
    asked = {name: world.asked(name) for name in ALL}
    assert all(asked.values())
    await process.kill()
    process = await run()
    panel = await process.panel()
    await everyone_moves(world, 60_002)
    reply = await reply_of(panel, "/zones btc", lambda r: not r["error"])
    assert reply["source"] == "live"
    again = {name: world.asked(name) - asked[name] for name in ALL}
    assert all(count <= 6 for count in again.values()), (asked, again)
    code, body = await process.get("/healthz")
    assert code == 200, body
    assert json.loads(body)


def by_type(text):
    """Return a message of the stream under its type."""
    message = json.loads(text)
    return {message["type"]: message}


async def test_an_alert_on_liquidations_goes_from_a_venue_to_the_page(run, world):
    process = await run()
    panel = await process.panel()
    await everyone_moves(world, 60_321.5)
    made = "/alert add btc single liquidation above 1k severity=critical save=yes"
    await panel.say(made)
    told = {}
    async with websockets.connect(f"ws://127.0.0.1:{process.port}/ws/heatmap") as stream, asyncio.timeout(90):
        await stream.send(json.dumps({"type": "subscribe", "channels": ["liquidations:BTCUSDT", "alerts"]}))
        while not {"liquidations", "alerts"} <= told.keys():
            told |= by_type(await stream.recv())
        for name in ("bybit", "okx"):
            await world.liquidate(name, times=1)
        while not {"liquidated", "alert"} <= told.keys():
            told |= by_type(await stream.recv())
    assert told["liquidated"]["liquidations"][0][1] in ("bybit", "okx")
    await panel.until(lambda: panel.alerts, 60)
    alert = next(iter(panel.alerts.values()))
    assert " in BTC was liquidated at " in told["alert"]["title"]
    assert " position of $" in alert["title"]
    assert " in BTC was liquidated at " in alert["title"]
