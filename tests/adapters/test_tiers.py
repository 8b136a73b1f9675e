"""Margin tiers over real sockets, from every venue: what comes back, what is refused, what is signed."""

import importlib.util
import sys
from pathlib import Path

import pytest

from adapters.binance.brackets import Key, brackets, read_brackets
from adapters.instruments import Instrument, Instruments
from adapters.kits import BinanceKit
from adapters.parsed import Dropped
from adapters.rest.calls import CallFailed
from adapters.rest.client import RestClient
from adapters.tiers import readers
from engine.margin.tiers import TierUnit

PEERS = Path(__file__).parents[1] / "peers"


def load(name):
    """Load a peer by its name: tests are no package."""
    known = f"peers_{name}"
    if known not in sys.modules:
        spec = importlib.util.spec_from_file_location(known, PEERS / f"{name}.py")
        module = sys.modules[known] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[known]


four = load("four_venues")
signed = load("binance_signed")
KEY = Key(name=signed.KEY, secret=signed.SECRET)


def bundle(native, symbol, coins=1.0):
    base = symbol.removesuffix("USDT")
    return Instrument(
        venue="binance", native=native, symbol=symbol, base=base, quote="USDT", coins=coins, priced=coins
    )


BTC, PEPE = bundle("BTCUSDT", "BTCUSDT"), bundle("1000PEPEUSDT", "PEPEUSDT", 1e3)


def okx_tier(family, number, low, high, mmr, leverage):
    return {
        "instType": "SWAP",
        "instFamily": family,
        "uly": family,
        "instId": "",
        "tier": str(number),
        "minSz": low,
        "maxSz": high,
        "mmr": mmr,
        "imr": str(1 / float(leverage)),
        "maxLever": leverage,
    }


@pytest.fixture
async def world():
    venues = await four.FourVenues().start()
    coin = four.peer("hyperliquid").world.Coin
    venues.okx.list(
        venues.frames.contract("BTC", ct_val="0.01"), venues.frames.contract("PEPE", ct_val="10000000")
    )
    venues.okx.world.tiers = [
        okx_tier("BTC-USDT", 1, "0", "1000", "0.004", "100"),
        okx_tier("BTC-USDT", 2, "1000", "5000", "0.005", "66.66"),
        okx_tier("PEPE-USDT", 1, "0", "2000", "0.01", "50"),
    ]
    venues.hyperliquid.world.coins = [
        coin("BTC", mark=60_000.0, decimals=5, leverage=40, table=56),
        coin("kPEPE", mark=0.0123, decimals=0, leverage=10, table=10),
    ]
    yield venues
    await venues.stop()


@pytest.mark.parametrize("name", ["bybit", "okx", "hyperliquid"])
async def test_public_tiers_of_a_coin_and_of_a_bundle_are_read_from_the_venue(world, name):
    (kit,) = world.kits(name)
    async with RestClient(kit.site) as rest:
        listed = await kit.instruments(rest)
        known = [listed.symbol("BTCUSDT"), listed.symbol("PEPEUSDT")]
        found = await readers()[name](rest, known)
    assert not found.missing(known)
    assert not found.odd
    tables = {table.symbol: table for table in found.tables}
    assert set(tables) == {"BTCUSDT", "PEPEUSDT"}
    assert all(table.venue == name and "read from the venue" in table.source for table in found.tables)
    assert all(len(table.as_of) == 10 for table in found.tables)
    if name == "bybit":
        assert [(t.cap, t.rate, t.amount) for t in tables["PEPEUSDT"].tiers] == [
            (2_000_000, 0.005, 0),
            (4_000_000, 0.01, 10_000),
        ]
    elif name == "okx":
        assert tables["BTCUSDT"].unit is TierUnit.COINS
        assert [(t.cap, t.rate) for t in tables["BTCUSDT"].tiers] == [(10, 0.004), (50, 0.005)]
        assert tables["PEPEUSDT"].largest == 2000 * 1e7, "contracts become coins"
    else:
        assert [(t.floor, t.rate) for t in tables["BTCUSDT"].tiers] == [(0, 1 / 80), (150e6, 1 / 40)]
        assert tables["PEPEUSDT"].max_leverage == 10
    assert world.exceeded == []


async def test_every_venue_calls_the_same_coin_the_same_and_counts_in_coins(world):
    seen = {}
    for kit in world.kits():
        async with RestClient(kit.site) as rest:
            listed = await kit.instruments(rest)
        seen[kit.venue] = listed.symbol("PEPEUSDT")
    assert {venue: each.native for venue, each in seen.items()} == {
        "binance": "1000PEPEUSDT",
        "bybit": "1000PEPEUSDT",
        "okx": "PEPE-USDT-SWAP",
        "hyperliquid": "kPEPE",
    }
    per_coin = {venue: each.price(0.0123 if venue != "okx" else 0.0000123) for venue, each in seen.items()}
    assert per_coin == dict.fromkeys(per_coin, pytest.approx(0.0000123))
    dollars = {
        venue: each.quantity(1.0) * each.price(0.0123 if venue != "okx" else 0.0000123)
        for venue, each in seen.items()
    }
    assert dollars.pop("okx") == pytest.approx(123.0), "a contract of ten million coins"
    assert dollars == dict.fromkeys(dollars, pytest.approx(0.0123)), "a bundle of a thousand"


@pytest.fixture
async def binance():
    peer = await signed.Signed().start()
    yield peer
    await peer.stop()


async def test_binance_gives_its_tiers_to_whoever_has_the_key(binance):
    async with RestClient(BinanceKit(rest_url=binance.url).site) as rest:
        found = await readers(KEY)["binance"](rest, [BTC, PEPE])
    assert [table.symbol for table in found.tables] == ["BTCUSDT", "PEPEUSDT"]
    assert found.tables[0].source == "Binance leverage brackets, read from the venue"
    assert [(t.floor, t.cap, t.amount) for t in found.tables[0].tiers] == [
        (0, 300_000, 0),
        (300_000, 800_000, 300),
    ]
    assert binance.refused == []
    assert "binance" not in readers()


@pytest.mark.parametrize("ahead_ms", [-3_600_000, 3_600_000])
async def test_a_clock_that_is_wrong_by_an_hour_does_not_matter(binance, ahead_ms):
    binance.ahead_ms = ahead_ms
    async with RestClient(BinanceKit(rest_url=binance.url).site) as rest:
        found = await readers(KEY)["binance"](rest, [BTC])
    assert len(found.tables) == 1
    assert binance.refused == []


async def test_clocks_that_come_apart_later_are_compared_anew(binance):
    async with RestClient(BinanceKit(rest_url=binance.url).site) as rest:
        await rest.measure_skew()
        assert rest.skew_ms
        binance.ahead_ms = 600_000
        found = await readers(KEY)["binance"](rest, [BTC])
    assert len(found.tables) == 1
    assert binance.refused == [-1021]


@pytest.mark.parametrize(
    ("key", "why"),
    [
        (Key(name="wrong", secret=signed.SECRET), r"does not take the API key.*\(-2015\)"),
        (Key(name=signed.KEY, secret="wrong"), r"does not take the API secret \(-1022\)"),
    ],
)
async def test_a_key_that_is_refused_is_said_to_be_and_asked_with_once(binance, key, why):
    async with RestClient(BinanceKit(rest_url=binance.url).site) as rest:
        with pytest.raises(CallFailed, match=why):
            await readers(key)["binance"](rest, [BTC])
    assert len(binance.refused) == 1


def test_neither_key_nor_secret_is_shown():
    call = brackets(KEY, 1_700_000_000_000)
    assert signed.KEY not in repr(call) + repr(KEY)
    assert signed.SECRET not in repr(call) + repr(KEY) + str(call.query)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"symbol": "BTCUSDT", "brackets": []}, Dropped.MALFORMED),
        ({"symbol": "BTCUSDT", "brackets": [{"notionalFloor": 0}]}, Dropped.MALFORMED),
        ({"symbol": "BTCUSDT", "notionalCoef": 1.5, "brackets": signed.BTC}, Dropped.INTERNAL),
        ({"symbol": "BTCUSDT", "brackets": signed.BTC[1:]}, Dropped.CONTRADICTORY),
        ({"symbol": "XYZUSDT", "brackets": signed.BTC}, Dropped.NO_INSTRUMENT),
        (7, Dropped.MALFORMED),
    ],
)
def test_brackets_that_cannot_be_used_are_counted(row, reason):
    tables, dropped = read_brackets([row], Instruments([BTC]), "2026-11-20")
    assert (tables, dropped) == ({}, {reason: 1})


def test_one_symbol_may_come_without_a_list():
    tables, dropped = read_brackets({"symbol": "BTCUSDT", "brackets": signed.BTC}, Instruments([BTC]), "d")
    assert (list(tables), dropped) == (["BTCUSDT"], {})
