"""When liq volume is true, and when it is not."""


def test_sides_are_not_each_other(rule):
    longs = rule("btc long liquidations above 10M in 15m")
    shorts = rule("btc shorts liquidated above 10M in 15m")
    both = rule("btc liquidations above 10M in 15m")
    values = {"liquidated_long_usd": 1.1e7, "liquidated_short_usd": 9e6, "liquidated_usd": 2e7}
    assert longs.after(**values) == both.after(**values) == [0]
    assert shorts.after(**values) == []
    assert shorts.after(liquidated_short_usd=1.0001e7) == [0]
    assert longs.after(liquidated_long_usd=5.1e6) == [0]
    assert longs.after(liquidated_long_usd=5e6) == []
    assert "more than $10M of long positions in BTC" in longs.sentence
    assert "short positions" in shorts.sentence


def test_what_cannot_be(refused):
    assert "usd $1 is out of range: $1k to $100B" in refused("liq_volume", usd=1.0)
    assert "long, short" in refused("liq_volume", side="both")
