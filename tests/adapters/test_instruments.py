"""Names and units: bundles and contracts become coins, and nothing that only looks like a bundle does."""

import pytest

from adapters.instruments import Instrument, Instruments, unbundled


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
