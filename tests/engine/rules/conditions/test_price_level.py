"""When price level is true, and when it is not."""


def test_above_and_below_are_not_each_other(rule):
    above, below = rule("btc above 60000"), rule("price btc below 60000")
    assert above.after(price=60_000.0) == below.after(price=60_000.0) == []
    assert above.after(price=60_000.1) == [0]
    assert below.after(price=60_000.1) == []
    assert below.after(price=59_999.9) == [0]
    assert "BTC is below 60,000" in below.sentence


def test_it_is_new_again_past_a_quarter_percent(rule):
    above = rule("btc above 60000")
    above.after(price=60_001.0)
    assert above.after(price=59_851.0) == [0]
    assert above.after(price=59_849.0) == []
    wide = rule("btc above 60000 hysteresis=10%")
    wide.after(price=60_001.0)
    assert wide.after(price=54_001.0) == [0]
    assert wide.after(price=54_000.0) == []


def test_a_crossing_makes_one_of_two_branches_true(rule):
    crosses = rule("btc crosses 60000")
    assert crosses.after(price=60_100.0) == [0]
    assert crosses.after(price=59_000.0) == [1]


def test_what_cannot_be(refused):
    assert "out of range" in refused("price_level", value=0)
    assert "wants value" in refused("price_level")
    assert "above, below, either" in refused("price_level", value=1.0, direction="up")
