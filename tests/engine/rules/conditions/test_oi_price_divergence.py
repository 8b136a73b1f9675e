"""When oi price divergence is true, and when it is not."""


def test_apart_is_not_together(rule):
    up = rule("btc price up 1% while oi down 2% in 4h")
    assert up.after(price_change=0.011, open_interest_change=0.021) == []
    assert up.after(open_interest_change=-0.021) == [0]
    assert up.after(price_change=-0.05) == []
    down = rule("btc price down 1% while oi up 2% in 4h")
    assert down.after(price_change=0.011, open_interest_change=-0.021) == []
    assert down.after(price_change=-0.011, open_interest_change=0.021) == [0]
    either = rule("btc oi divergence")
    assert either.after(price_change=0.011, open_interest_change=-0.021) == [0]
    assert either.after(price_change=-0.011, open_interest_change=0.021) == [1]
    assert "rises 1 % while open interest falls 2 %" in up.sentence
    assert "falls 1 % while open interest rises 2 %" in down.sentence


def test_each_number_is_its_own(rule):
    up = rule("btc price up 1% while oi down 2% in 4h")
    assert up.after(price_change=0.009, open_interest_change=-0.5) == []
    again = rule("btc price up 1% while oi down 2% in 4h")
    assert again.after(price_change=0.5, open_interest_change=-0.019) == []


def test_what_cannot_be(refused):
    assert "price_by" in refused("oi_price_divergence", price_by=0.0)


def test_either_leg_the_wrong_way_is_nothing(rule):
    for line, right in (
        ("btc price up 1% while oi down 2% in 4h", (0.5, -0.5)),
        ("btc price down 1% while oi up 2% in 4h", (-0.5, 0.5)),
    ):
        for price in (-0.5, -0.005, 0.005, 0.5):
            for held in (-0.5, -0.005, 0.005, 0.5):
                got = rule(line).after(price_change=price, open_interest_change=held)
                assert got == ([0] if (price, held) == right else [])
