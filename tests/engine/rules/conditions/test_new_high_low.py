"""When new high low is true, and when it is not."""


def test_highs_and_lows_are_not_each_other(rule):
    high, low, both = (
        rule("btc makes a new 24h high"),
        rule("btc new low of 24h"),
        rule("btc makes 24h extreme"),
    )
    assert high.after(range_high=0.0, range_low=0.5) == []
    assert high.after(range_high=0.0001) == [0]
    assert low.after(range_low=0.0, range_high=0.5) == []
    assert low.after(range_low=0.0001) == [0]
    assert both.after(range_high=0.1) == [0]
    assert both.after(range_high=-0.1, range_low=0.1) == [1]
    assert {f.window_ms for f in high.features} == {86_400_000}


def test_it_is_new_again_once_price_fell_back_by_half_a_percent(rule):
    high = rule("btc makes a new 24h high")
    high.after(range_high=0.001)
    assert high.after(range_high=-0.0049) == [0]
    assert high.after(range_high=-0.0051) == []


def test_what_cannot_be(refused):
    assert "window" in refused("new_high_low", window_ms=60_000)
