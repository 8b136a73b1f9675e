"""When liq single is true, and when it is not."""

from dataclasses import replace

from engine.model import Liquidation, PriceKind, Side
from engine.rules.atom import Seen

ONE = Liquidation(
    venue="okx",
    symbol="BTCUSDT",
    side=Side.LONG,
    price=100.0,
    price_kind=PriceKind.FILL,
    quantity=1e4,
    notional_usd=1e6,
    ts=0,
    received_ms=0,
)


def matches(made, **changed):
    ((atom,),) = made.branches
    return atom.matches(Seen(event=replace(ONE, **changed), known_ms=0, price=100.0))


def test_size_side_venue_and_market_count(rule):
    either, longs = rule("btc single liquidation above 1M"), rule("btc single long liquidation above 1M")
    shorts, okx = rule("btc short liquidated for 1M"), rule("btc single liquidation above 1M on okx")
    assert matches(either)
    assert not matches(either, notional_usd=999_999.0)
    assert not matches(either, symbol="ETHUSDT")
    assert matches(longs)
    assert not matches(longs, side=Side.SHORT)
    assert matches(either, side=Side.SHORT)
    assert matches(shorts, side=Side.SHORT)
    assert not matches(shorts)
    assert matches(okx)
    assert not matches(okx, venue="bybit")
    assert "a single short position in BTC of $1M or more" in shorts.sentence


def test_what_cannot_be(refused):
    assert "out of range" in refused("liq_single", usd=1.0)
