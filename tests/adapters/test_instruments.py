"""Names and units: bundles and contracts become coins, and nothing that only looks like a bundle does."""

import pytest

from adapters.instruments import Instrument, Instruments, Status
from config.tiers import TierBook
from engine.symbols import NAMESAKES, bundle_of, canonical, unbundled


@pytest.mark.parametrize(
    ("base", "coin", "coins"),
    [
        ("BTC", "BTC", 1.0),
        ("1000PEPE", "PEPE", 1_000.0),
        ("10000SATS", "SATS", 10_000.0),
        ("1000000MOG", "MOG", 1_000_000.0),
        ("1MBABYDOGE", "BABYDOGE", 1_000_000.0),
        ("SHIB1000", "SHIB", 1_000.0),
        ("1000X", "X", 1_000.0),
        ("1INCH", "1INCH", 1.0),
        ("C98", "C98", 1.0),
        ("币安人生", "币安人生", 1.0),
    ],
)
def test_bundles_are_named_by_their_coin(base, coin, coins):
    assert unbundled(base) == (coin, coins)


def test_units_become_coins():
    bundle = Instrument(
        venue="v", native="1000PEPEUSDT", symbol="PEPEUSDT", base="PEPE", quote="USDT", coins=1e3, priced=1e3
    )
    assert bundle.price(0.0123) == pytest.approx(0.0000123)
    assert bundle.quantity(5.0) == 5_000.0
    contract = Instrument(
        venue="v", native="BTC-USDT-SWAP", symbol="BTCUSDT", base="BTC", quote="USDT", coins=0.01
    )
    assert (contract.price(60_000.0), contract.quantity(13.0)) == (60_000.0, 0.13)


def test_instruments_are_found_by_both_names():
    known = Instruments(
        Instrument(venue="v", native=native, symbol=symbol, base="B", quote="USDT")
        for native, symbol in (("BTC-USDT-SWAP", "BTCUSDT"), ("ETH-USDT-SWAP", "ETHUSDT"))
    )
    assert len(known) == 2
    assert known.native("BTC-USDT-SWAP").symbol == "BTCUSDT"
    assert known.symbol("ETHUSDT").native == "ETH-USDT-SWAP"
    assert (known.native("x"), known.symbol("x")) == (None, None)
    assert [each.symbol for each in known.all] == ["BTCUSDT", "ETHUSDT"]


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("BTCUSDT", "BTCUSDT"),
        ("1000PEPEUSDT", "PEPEUSDT"),
        ("KPEPEUSDT", "PEPEUSDT"),
        ("SHIB1000USDT", "SHIBUSDT"),
        ("1000PEPEUSDC", "PEPEUSDC"),
        ("1INCHUSDT", "1INCHUSDT"),
        ("KAVAUSDT", "KAVAUSDT"),
        ("USDT", "USDT"),
        ("PEPEUSDT", "PEPEUSDT"),
        ("1000000BOBUSDT", "1000000BOBUSDT"),
        ("1MBOBUSDT", "1000000BOBUSDT"),
        ("BOBUSDT", "BOBUSDT"),
    ],
)
def test_a_market_has_one_name(name, symbol):
    assert canonical(name) == symbol
    assert canonical(symbol) == symbol


@pytest.mark.parametrize(
    ("name", "coins"),
    [
        ("1000PEPEUSDT", 1e3),
        ("SHIB1000USDT", 1e3),
        ("KPEPEUSDT", 1e3),
        ("1000000BOBUSDT", 1e6),
        ("KAVAUSDT", 1),
    ],
)
def test_a_name_says_how_many_coins_a_unit_holds(name, coins):
    assert bundle_of(name) == coins


def test_the_coins_that_share_a_name_are_those_of_the_tables_that_ship():
    book = TierBook()
    listed = [{s.removesuffix("USDT") for s in book.venue(name).tables} for name in book.venues]
    found = {s for symbols in listed for s in symbols if unbundled(s)[1] != 1 and unbundled(s)[0] in symbols}
    assert found == NAMESAKES


def test_a_bundle_that_is_another_coin_is_one_also_where_that_coin_is_not_traded():
    (alone,) = Instruments([contract("1000000BOBUSDT", "BOBUSDT", 1e6)]).all
    assert alone.symbol == "1000000BOBUSDT"


def contract(native, symbol, bundle=1.0, status=Status.TRADING):
    return Instrument(
        venue="v",
        native=native,
        symbol=symbol,
        base=symbol.removesuffix("USDT"),
        quote="USDT",
        coins=bundle,
        priced=bundle,
        status=status,
    )


def test_a_bundle_is_not_taken_for_another_coin_of_its_name():
    known = Instruments([contract("1000000BOBUSDT", "BOBUSDT", 1e6), contract("BOBUSDT", "BOBUSDT")])
    assert [each.symbol for each in known.all] == ["1000000BOBUSDT", "BOBUSDT"]
    assert known.symbol("BOBUSDT").priced == 1.0
    assert known.symbol("1000000BOBUSDT").native == "1000000BOBUSDT"
    again = Instruments(known.all)
    assert again.all == known.all


def test_a_symbol_finds_what_is_traded_before_what_was_delisted():
    gone = contract("PEPE1000USDT", "PEPEUSDT", 1e3, Status.DELISTED)
    here = contract("1000PEPEUSDT", "PEPEUSDT", 1e3)
    assert Instruments([gone, here]).symbol("PEPEUSDT") == here
    assert Instruments([here, gone]).symbol("PEPEUSDT") == here
    assert Instruments([gone]).symbol("PEPEUSDT") == gone
