"""When price range exit is true, and when it is not."""


def test_each_end_is_a_way_out(rule):
    leaves = rule("btc leaves 60000 to 65000")
    assert leaves.after(price=60_000.0) == leaves.after(price=65_000.0) == []
    assert leaves.after(price=65_001.0) == [0]
    assert leaves.after(price=64_501.0) == [0]
    assert leaves.after(price=64_500.0) == []
    assert leaves.after(price=59_999.0) == [1]
    assert "60,000 to 65,000" in leaves.sentence


def test_what_cannot_be(refused):
    assert "the lower end comes first" in refused("price_range_exit", low=2.0, high=1.0)
    assert "wants high" in refused("price_range_exit", low=2.0)
