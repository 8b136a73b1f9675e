"""When liq cascade is true, and when it is not."""


def test_both_the_multiple_and_the_dollars_count(rule):
    cascade = rule("btc cascade of 10x in 5m")
    assert cascade.after(liquidated_multiple=11.0, liquidated_usd=9e5) == []
    assert cascade.after(liquidated_usd=1.1e6) == [0]
    assert cascade.after(liquidated_multiple=5.1) == [0]
    assert cascade.after(liquidated_multiple=5.0) == []
    assert rule("btc cascade").after(liquidated_multiple=9.9, liquidated_usd=1e9) == []
    assert "10 times the usual and $1M at least" in cascade.sentence


def test_what_cannot_be(refused):
    assert "times" in refused("liq_cascade", times=1.0)
    assert "window" in refused("liq_cascade", window_ms=86_400_000)
