"""When oi change is true, and when it is not."""


def test_up_and_down_are_not_each_other(rule):
    falls, rises, moves = (
        rule("btc oi drops 2% in 1h"),
        rule("btc oi rises 2% in 1h"),
        rule("btc oi moves 2% in 1h"),
    )
    assert falls.after(open_interest_change=-0.02) == []
    assert falls.after(open_interest_change=-0.021) == [0]
    assert falls.after(open_interest_change=0.5) == []
    assert rises.after(open_interest_change=0.021) == [0]
    assert rises.after(open_interest_change=-0.5) == []
    assert moves.after(open_interest_change=0.021) == [0]
    assert moves.after(open_interest_change=-0.021) == [1]
    assert {f.metric.value for f in falls.features} == {"open_interest_change"}
    assert {f.window_ms for f in falls.features} == {3_600_000}


def test_what_cannot_be(refused):
    assert "out of range" in refused("oi_change", by=0.0)


def test_it_is_new_again_once_a_fifth_is_given_back(rule):
    falls, rises = rule("btc oi drops 2% in 1h"), rule("btc oi rises 2% in 1h")
    falls.after(open_interest_change=-0.021)
    assert falls.after(open_interest_change=-0.0161) == [0]
    assert falls.after(open_interest_change=-0.0159) == []
    rises.after(open_interest_change=0.021)
    assert rises.after(open_interest_change=0.0161) == [0]
    assert rises.after(open_interest_change=0.0159) == []
