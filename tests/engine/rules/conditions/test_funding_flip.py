"""When funding flip is true, and when it is not."""


def test_positive_and_negative_are_not_each_other(rule):
    up, down, both = (
        rule("btc funding flips positive"),
        rule("btc funding flips negative"),
        rule("btc funding flips"),
    )
    assert up.after(funding_rate=0.0) == down.after(funding_rate=0.0) == []
    assert up.after(funding_rate=1e-7) == [0]
    assert up.after(funding_rate=-1.9e-5) == [0]
    assert up.after(funding_rate=-2.1e-5) == []
    assert down.after(funding_rate=-1e-7) == [0]
    assert down.after(funding_rate=2.1e-5) == []
    assert both.after(funding_rate=3e-5) == [0]
    assert both.after(funding_rate=-3e-5) == [1]
    assert "turns negative" in down.sentence


def test_what_cannot_be(refused):
    assert "up, down, either" in refused("funding_flip", direction="above")
