"""ccxt's markets as instruments."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.ccxt.client import only_swaps
from adapters.ccxt.known import MEANINGS, PLAIN, meaning
from adapters.ccxt.listing import read_listing
from adapters.ccxt.topics import arguments, channels
from adapters.instruments import Status
from adapters.parsed import Dropped
from adapters.venue import Feed


def listed(*rows, venue="gate"):
    return read_listing({str(nth): row for nth, row in enumerate(rows)}, venue, meaning(venue))


@pytest.mark.parametrize(
    ("base", "symbol", "coins", "priced"),
    [
        ("BTC", "BTCUSDT", 0.5, 1.0),
        ("1000PEPE", "PEPEUSDT", 500.0, 1000.0),
        ("kPEPE", "PEPEUSDT", 500.0, 1000.0),
        ("KPEPE", "PEPEUSDT", 500.0, 1000.0),
        ("KAS", "KASUSDT", 0.5, 1.0),
        ("SHIB1000", "SHIBUSDT", 500.0, 1000.0),
        ("1INCH", "1INCHUSDT", 0.5, 1.0),
    ],
)
def test_contracts_and_bundles_become_coins(make_market, base, symbol, coins, priced):
    (known,) = listed(make_market(base, contractSize=0.5)).instruments.all
    assert (known.symbol, known.coins, known.priced) == (symbol, coins, priced)
    assert (known.native, known.tick, known.step) == (f"{base}/USDT:USDT", 0.1, 0.001)


def test_only_linear_swaps_in_dollars_are_read(make_market):
    listing = listed(
        make_market(),
        make_market(quote="USDC"),
        make_market(swap=False, spot=True),
        make_market(linear=False),
        make_market(quote="USD"),
        make_market(settle="BTC"),
        make_market("ETH", active=False),
        make_market("SOL", contractSize=None),
        make_market("X/Y"),
    )
    found = {each.symbol: each.status for each in listing.instruments.all}
    assert found == {"BTCUSDT": Status.TRADING, "BTCUSDC": Status.TRADING, "ETHUSDT": Status.PAUSED}
    assert listing.dropped == Counter({Dropped.NOT_LINEAR: 3, Dropped.MALFORMED: 2})


def test_a_contract_of_several_coins_is_left_out_where_nobody_says_what_volume_is(make_market):
    rows = (make_market(), make_market("ETH", contractSize=0.01))
    listing = listed(*rows, venue="unheard-of")
    assert [each.symbol for each in listing.instruments.all] == ["BTCUSDT"]
    assert listing.dropped == Counter({Dropped.UNKNOWN: 1})


def test_a_coin_and_a_bundle_of_one_name_stay_apart(make_market):
    found = listed(make_market("BOB"), make_market("1000000BOB")).instruments
    assert sorted(each.symbol for each in found.all) == ["1000000BOBUSDT", "BOBUSDT"]


@given(
    st.dictionaries(st.text(max_size=3), st.none() | st.integers() | st.dictionaries(st.text(), st.text()))
)
def test_nonsense_is_no_market(markets):
    assert len(read_listing(markets, "gate", PLAIN).instruments) == 0


def test_topics_are_those_that_the_venue_has(make_known):
    def topics(name, *has):
        found = channels([make_known()], lambda method: method in has, meaning(name))
        return {each.topic.partition(" ")[0]: each.feed for each in found}

    assert topics("gate") == {"fetch_ohlcv": Feed.CANDLES}
    every = ("watchOHLCV", "watchTicker", "watchLiquidations")
    assert topics("binanceusdm", *every) == {
        "watch_ohlcv": Feed.CANDLES,
        "watch_ticker": Feed.PRICES,
        "watch_liquidations": Feed.LIQUIDATIONS,
    }
    assert Feed.LIQUIDATIONS not in topics("bitmex", *every).values()
    assert "fetch_ohlcv" in topics("kucoin", *every)  # the volume of its stream is wrong
    assert "watch_liquidations_for_symbols" in topics("x", "watchLiquidationsForSymbols")
    assert arguments("watch_liquidations_for_symbols A/B:B")[1] == {"symbols": ["A/B:B"]}


def test_ccxt_is_asked_for_swaps_alone_where_that_can_be_said():
    assert only_swaps({"fetchMarkets": ["spot", "linear", "inverse"]})["fetchMarkets"] == ["linear"]
    nested = only_swaps({"fetchMarkets": {"types": ["spot", "swap"], "more": 1}})
    assert nested["fetchMarkets"] == {"types": ["swap"]}
    for plain in ({}, {"fetchMarkets": {"types": {"spot": True}}}, None):
        assert only_swaps(plain) == {"defaultType": "swap"}


def test_what_is_known_is_of_venues_that_ccxt_reads(library):
    from adapters.ccxt.names import names

    assert set(MEANINGS) <= set(names())
