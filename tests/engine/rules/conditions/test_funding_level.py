"""When funding level is true, and when it is not."""


def test_above_and_below_are_not_each_other(rule):
    above, below = rule("btc funding above 0.05%"), rule("btc funding below -0.02%")
    assert above.after(funding_rate=0.0005) == []
    assert above.after(funding_rate=0.00051) == [0]
    assert above.after(funding_rate=0.00041) == [0]
    assert above.after(funding_rate=0.00039) == []
    assert below.after(funding_rate=-0.00019) == []
    assert below.after(funding_rate=-0.00021) == [0]
    assert below.after(funding_rate=-0.00015) == []
    assert "below -0.02 % for eight hours" in below.sentence


def test_what_cannot_be(refused):
    assert "out of range: -5 % to 5 %" in refused("funding_level", value=0.5)
    assert "above or below" in refused("funding_level", direction="either")
