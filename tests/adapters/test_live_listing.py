"""Symbols that a venue opens, pauses, ends or takes off its list: read or not, and said to be so."""

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.instruments import Instrument, Instruments, Status
from adapters.kits import HyperliquidKit
from adapters.live_listing import SOON_MS, Listed
from adapters.rest.client import RestClient

PEERS = Path(__file__).parents[1] / "peers"
NOW = 1_795_000_000_000
BTC = Instrument(venue="v", native="BTCUSDT", symbol="BTCUSDT", base="BTC", quote="USDT")


def load(name):
    """Load a peer by its name: tests are no package."""
    known = f"peers_{name}"
    if known not in sys.modules:
        spec = importlib.util.spec_from_file_location(known, PEERS / f"{name}.py")
        module = sys.modules[known] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[known]


four = load("four_venues")


def chosen(listed, *known):
    return list(listed.choose(Instruments(known), ["BTCUSDT"], NOW))


@pytest.mark.parametrize(
    ("status", "note"),
    [
        (Status.PAUSED, "has paused BTCUSDT"),
        (Status.PENDING, "does not trade BTCUSDT yet"),
        (Status.DELISTED, "has delisted BTCUSDT"),
    ],
)
def test_what_is_not_traded_is_not_read_and_said_until_it_is(status, note):
    listed = Listed("v")
    assert chosen(listed, replace(BTC, status=status)) == []
    assert listed.notes == (note,)
    assert chosen(listed, BTC) == ["BTCUSDT"]
    assert listed.notes == ()


def test_what_vanishes_is_missed_only_where_it_was_traded():
    listed = Listed("v")
    assert chosen(listed) == []
    assert listed.notes == ()
    chosen(listed, BTC)
    assert chosen(listed) == []
    assert listed.notes == ("no longer lists BTCUSDT",)


def test_an_end_that_is_near_is_told_while_it_is_read_on():
    listed = Listed("v")
    assert chosen(listed, replace(BTC, delist_ms=NOW + SOON_MS + 1)) == ["BTCUSDT"]
    assert listed.notes == ()
    assert chosen(listed, replace(BTC, delist_ms=NOW + 86_400_000)) == ["BTCUSDT"]
    assert listed.notes == ("ends BTCUSDT on 2026-11-19 11:06 UTC",)


def test_each_venues_words_for_a_contract_that_does_not_trade(binance, bybit, okx, hyperliquid):
    assert binance == {
        "TRADING": Status.TRADING,
        "PENDING_TRADING": Status.PENDING,
        "SETTLING": Status.DELISTED,
        "PRE_DELIVERING": Status.DELISTED,
        "SOMETHING_NEW": Status.PAUSED,
    }
    assert bybit == {
        "Trading": Status.TRADING,
        "PreLaunch": Status.PENDING,
        "Settling": Status.PAUSED,
        "Delivering": Status.DELISTED,
        "Closed": Status.DELISTED,
    }
    assert okx == {
        "live": Status.TRADING,
        "preopen": Status.PENDING,
        "suspend": Status.PAUSED,
        "rebase": Status.PAUSED,
        "expired": Status.DELISTED,
    }
    assert hyperliquid == {False: Status.TRADING, True: Status.DELISTED}


@pytest.fixture
def binance():
    from adapters.binance.answers import read_instruments

    words = ("TRADING", "PENDING_TRADING", "SETTLING", "PRE_DELIVERING", "SOMETHING_NEW")
    rows = load("binance").market.listed
    found = {word: read_instruments({"symbols": [rows("BTCUSDT", "BTC", status=word)]})[0] for word in words}
    return {word: each.symbol("BTCUSDT").status for word, each in found.items()}


@pytest.fixture
def bybit():
    from adapters.bybit.listing import read_listing

    rows = load("bybit").market.contract
    words = ("Trading", "PreLaunch", "Settling", "Delivering", "Closed")
    answers = {
        word: {"retCode": 0, "result": {"list": [rows("BTCUSDT", "BTC", status=word)], "nextPageCursor": ""}}
        for word in words
    }
    return {word: read_listing(answer).instruments[0].status for word, answer in answers.items()}


@pytest.fixture
def okx():
    from adapters.okx.answers import contracts

    rows = load("okx_frames").contract
    words = ("live", "preopen", "suspend", "rebase", "expired")
    found = {
        word: contracts({"code": "0", "data": [rows("BTC", ct_val="0.01", state=word)]}) for word in words
    }
    return {word: each.instruments.symbol("BTCUSDT").status for word, each in found.items()}


@pytest.fixture
def hyperliquid():
    from adapters.hyperliquid.answers import listed

    coin = load("hyperliquid").world.Coin
    found = {gone: listed({"universe": [coin("BTC", delisted=gone).entry()]}) for gone in (False, True)}
    return {gone: each.instruments.symbol("BTCUSDT").status for gone, each in found.items()}


async def test_vaults_that_hyperliquid_names_anew_are_its_own_and_followed_where_there_is_room():
    child, mine = "0x" + "c" * 40, "0x" + "a" * 40
    server = load("hyperliquid").Hyperliquid()
    server.world.coins = [load("hyperliquid").world.Coin("BTC")]
    server.world.children = [child.upper().replace("0X", "0x")]
    await server.start()
    kit = HyperliquidKit(rest_url=server.url, stream_url=server.ws_url, users=(mine,))
    try:
        async with RestClient(kit.site) as rest:
            assert child not in kit.vaults()
            await kit.instruments(rest)
            assert child in kit.vaults()
            topics = {channel.topic for channel in kit.channels(())}
            assert {f"userFills:{child}", f"userFills:{mine}"} <= topics
            assert len(topics) == 10
            server.refuse(422, "no", kind="vaultDetails", times=5)
            assert len(await kit.instruments(rest)) == 1, "coins are listed all the same"
            assert child in kit.vaults()
    finally:
        await server.stop()
