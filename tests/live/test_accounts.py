"""What addresses hold, asked of the local Hyperliquid over its own client: true, fresh, within its limits."""

import importlib.util
import sys
from pathlib import Path

import pytest

from adapters.kits import HyperliquidKit
from adapters.rest.client import RestClient
from bot.live.accounts import FORGET_S, FRESH_S, Accounts
from engine.errors import UserError
from engine.model import Side

PEER = Path(__file__).parents[1] / "peers" / "hyperliquid.py"
USER, OTHER = "0x" + "ab" * 20, "0x" + "cd" * 20


def load(name, path):
    """Load a module by its path: tests are no package."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


peer = load("peers_hyperliquid", PEER)


def position(coin="BTC", size="0.5", **changes):
    return {
        "coin": coin,
        "szi": size,
        "entryPx": "60000.0",
        "leverage": {"type": "cross", "value": 20},
        "liquidationPx": "55000.0",
        "marginUsed": "1500.0",
        "positionValue": "31000.0",
        "unrealizedPnl": "1000.0",
    } | changes


@pytest.fixture
async def venue():
    server = peer.Hyperliquid()
    coin = peer.world.Coin
    server.world.coins = [coin("BTC", mark=62_000.0, decimals=5), coin("kPEPE", mark=0.0123, decimals=0)]
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def line(venue):
    kit = HyperliquidKit(rest_url=venue.url, stream_url=venue.ws_url)
    async with RestClient(kit.site) as rest:
        yield rest, await kit.instruments(rest)


def asked(venue):
    return [body["user"] for body in venue.asked if body["type"] == "clearinghouseState"]


async def test_positions_are_the_venues_own(venue, line):
    pepe = position("kPEPE", "-100.0", entryPx="0.0120", positionValue="1.23", liquidationPx=None)
    venue.world.accounts[USER] = [position(), pepe]
    found = await Accounts(lambda: line).account(f" {USER.upper().replace('0X', '0x')} ")
    btc, coin = found.positions
    assert (found.user, found.value_usd) == (USER, 1000.0)
    assert (btc.side, btc.quantity, btc.liquidation, btc.pnl_usd) == (Side.LONG, 0.5, 55_000.0, 1000.0)
    assert btc.mark == 62_000.0
    assert btc.distance == pytest.approx(55 / 62 - 1)
    assert (coin.symbol, coin.side, coin.quantity) == ("PEPEUSDT", Side.SHORT, 100_000.0)
    assert (coin.entry, coin.mark) == (pytest.approx(0.000012), pytest.approx(0.0000123))
    assert (coin.liquidation, coin.distance) == (None, None)


async def test_the_same_address_is_asked_for_once_in_a_moment(venue, line):
    now = [100.0]
    mine = Accounts(lambda: line, clock=lambda: now[0])
    await mine.account(USER)
    await mine.account(USER)
    assert asked(venue) == [USER]
    now[0] += FRESH_S
    await mine.account(USER)
    await mine.account(OTHER)
    assert asked(venue) == [USER, USER, OTHER]


@pytest.mark.parametrize("text", ["", "0x12", "btc", "ab" * 20, "0x" + "zz" * 20, f"{USER}0"])
async def test_what_is_no_address_is_never_sent(venue, line, text):
    with pytest.raises(UserError, match="no Hyperliquid address") as caught:
        await Accounts(lambda: line).account(text)
    assert caught.value.example
    assert asked(venue) == []


async def test_a_venue_that_is_not_open_or_does_not_answer_is_said_to_be_so(venue, line):
    with pytest.raises(UserError, match="not open yet"):
        await Accounts(lambda: None).account(USER)
    venue.refuse(422, "Failed to deserialize", kind="clearinghouseState")
    with pytest.raises(UserError, match=r"did not understand the request \(HTTP 422\).*try again"):
        await Accounts(lambda: line).account(USER)


async def test_addresses_of_the_settings_are_polled_and_forgotten_once_they_are_old(venue, line):
    now = [100.0]
    mine = Accounts(lambda: line, [USER, OTHER, USER], clock=lambda: now[0])
    venue.world.accounts[USER] = [position()]
    venue.world.accounts[OTHER] = [position("kPEPE")]
    assert mine.held == ()
    await mine.poll()
    assert asked(venue) == [USER, OTHER]
    assert [each.user for each in mine.positions("BTCUSDT")] == [USER]
    assert [each.user for each in mine.positions("PEPEUSDT")] == [OTHER]
    venue.refuse(422, "no", kind="clearinghouseState", times=10)
    now[0] += FORGET_S - 1
    await mine.poll()
    assert len(mine.held) == 2
    now[0] += 2
    await mine.poll()
    assert mine.held == ()


async def test_a_hundred_addresses_a_minute_stay_within_the_limits(venue, line):
    named = [f"0x{number:040x}" for number in range(100)]
    mine = Accounts(lambda: line, named)
    await mine.poll()
    assert len(mine.held) == 100
    assert venue.excess == []
    assert venue.weight.used <= 300
