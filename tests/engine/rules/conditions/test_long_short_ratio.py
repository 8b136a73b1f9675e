"""When long short ratio is true, and when it is not."""


def test_above_and_below_are_not_each_other(rule):
    above, below = rule("btc long short ratio above 2.5"), rule("btc long/short below 0.8")
    assert above.after(long_short_ratio=2.5) == []
    assert above.after(long_short_ratio=2.6) == [0]
    assert above.after(long_short_ratio=2.26) == [0]
    assert above.after(long_short_ratio=2.24) == []
    assert below.after(long_short_ratio=0.8) == below.after(long_short_ratio=5.0) == []
    assert below.after(long_short_ratio=0.79) == [0]
    assert "more than 2.5 long accounts" in above.sentence
    assert "fewer than 0.8" in below.sentence


def test_what_cannot_be(refused):
    assert "out of range" in refused("long_short_ratio", value=0.0)
    assert "above or below" in refused("long_short_ratio", direction="either")
