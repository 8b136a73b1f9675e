"""From settings to answers, over four local venues: tiers renewed, accounts read, addresses followed."""

import asyncio
import importlib.util
import sys
from pathlib import Path

import pytest

from adapters.replay import Replay
from bot.inquiries import Inquiries, key_of
from bot.sources import open_live
from config.settings import load as load_settings
from engine.model import Side
from storage.market import MarketStore

PEERS = Path(__file__).parents[1] / "peers"
USER = "0x" + "ab" * 20


def load(name):
    """Load a peer by its name: tests are no package."""
    known = f"peers_{name}"
    if known not in sys.modules:
        spec = importlib.util.spec_from_file_location(known, PEERS / f"{name}.py")
        module = sys.modules[known] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[known]


@pytest.fixture
async def world():
    venues = await load("four_venues").FourVenues().start()
    venues.okx.world.tiers = [
        {"instType": "SWAP", "instFamily": "BTC-USDT", "uly": "BTC-USDT", "instId": "", "tier": "1"}
        | {"minSz": "0", "maxSz": "1940000", "mmr": "0.004", "imr": "0.01", "maxLever": "100"}
    ]
    venues.hyperliquid.world.accounts[USER] = [
        {
            "coin": "BTC",
            "szi": "-2.0",
            "entryPx": "61000.0",
            "leverage": {"type": "isolated", "value": 10},
            "liquidationPx": "66000.0",
            "marginUsed": "12000.0",
            "positionValue": "120000.0",
            "unrealizedPnl": "2000.0",
        }
    ]
    yield venues
    await venues.stop()


@pytest.fixture
async def store(tmp_path):
    opened = await MarketStore.open(tmp_path / "market.duckdb")
    yield opened
    await opened.close()


@pytest.fixture
def settings(world, tmp_path):
    environ = {
        "BINANCE_REST_URL": world.binance.url,
        "BINANCE_WS_URL": world.binance.ws_url + "/market/stream",
        "BYBIT_REST_URL": world.bybit.url,
        "BYBIT_WS_URL": world.bybit.ws_url,
        "OKX_REST_URL": world.okx.url,
        "OKX_WS_URL": world.okx.ws_url,
        "HYPERLIQUID_REST_URL": world.hyperliquid.url,
        "HYPERLIQUID_WS_URL": world.hyperliquid.ws_url,
        "HYPERLIQUID_ADDRESSES": USER,
        "SYMBOLS": "BTCUSDT",
    }
    return load_settings(environ={f"LIQWATCH_{n}": text for n, text in environ.items()}, directory=tmp_path)


async def test_a_live_installation_knows_the_venues_tiers_and_the_positions_of_named_addresses(
    world, store, settings
):
    source = await open_live(settings, store, ["BTCUSDT"])
    try:
        async with asyncio.timeout(10):
            while len(source.venues_of("BTCUSDT")) < 4:
                await asyncio.sleep(0.02)
        asked = await Inquiries.open(source, store, settings)
        await asked.tiers.refresh()
        tables = {venue: asked.book.table(venue, "BTCUSDT") for venue in asked.book.venues}
        read = {venue for venue, table in tables.items() if "read from the venue" in table.source}
        assert read == {"bybit", "okx", "hyperliquid"}, "Binance's want a key"
        assert tables["okx"].largest == 19_400
        await asked.accounts.poll()
        (held,) = asked.accounts.positions("BTCUSDT")
        assert (held.side, held.quantity, held.liquidation) == (Side.SHORT, 2.0, 66_000.0)
        async with asyncio.timeout(10):
            while not any(USER in str(topics) for topics in followed(world)):
                await asyncio.sleep(0.02)
        again = await Inquiries.open(source, store, settings)
        assert again.book.table("okx", "BTCUSDT") == tables["okx"], "known from the store at the next start"
        assert world.exceeded == []
    finally:
        await source.aclose()


def followed(world):
    return [line.topics for line in world.hyperliquid.lines]


async def test_a_replay_asks_nobody(store, settings):
    replay = Replay()
    try:
        asked = await Inquiries.open(replay, store, settings)
    finally:
        await replay.aclose()
    assert (asked.tiers, asked.accounts) == (None, None)
    assert asked.book.table("binance", "BTCUSDT") is not None


def test_a_key_is_only_one_with_its_secret(tmp_path):
    both = {"LIQWATCH_BINANCE_API_KEY": "name", "LIQWATCH_BINANCE_API_SECRET": "word"}
    key = key_of(load_settings(environ=both, directory=tmp_path))
    assert (key.name, key.secret) == ("name", "word")
    assert key_of(load_settings(environ={}, directory=tmp_path)) is None
