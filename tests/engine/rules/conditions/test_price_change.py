"""When price change is true, and when it is not."""


def test_up_and_down_are_not_each_other(rule):
    falls, rises, moves = (
        rule("btc falls 3% in 15m"),
        rule("btc rises 3% in 15m"),
        rule("btc moves 3% in 15m"),
    )
    assert falls.after(price_change=-0.03) == []
    assert falls.after(price_change=-0.0301) == [0]
    assert falls.after(price_change=0.2) == []
    assert rises.after(price_change=0.0301) == [0]
    assert rises.after(price_change=-0.2) == []
    assert moves.after(price_change=0.0301) == [0]
    assert moves.after(price_change=-0.0301) == [1]
    assert {f.window_ms for f in falls.features} == {900_000}
    assert falls.sentence.startswith("When BTC falls 3 % within 15 minutes: sent as a warning,")


def test_it_is_new_again_once_a_fifth_is_given_back(rule):
    falls = rule("btc falls 3% in 15m")
    falls.after(price_change=-0.04)
    assert falls.after(price_change=-0.0241) == [0]
    assert falls.after(price_change=-0.0239) == []


def test_one_venue(rule):
    falls = rule("btc falls 3% in 15m on okx")
    assert {f.venue for f in falls.features} == {"okx"}
    assert "on okx" in falls.sentence


def test_what_cannot_be(refused):
    assert "by 95 % is out of range: 0.05 % to 90 %" in refused("price_change", by=0.95)
    assert "window 30 seconds is out of range" in refused("price_change", window_ms=30_000)
    assert "has no widow" in refused("price_change", widow_ms=60_000)
