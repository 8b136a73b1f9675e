"""When funding spread is true, and when it is not."""

import pytest

from engine.errors import UserError


def test_only_a_wide_spread_counts(rule):
    spread = rule("btc funding spread above 0.03%")
    assert spread.after(funding_spread=0.0003) == []
    assert spread.after(funding_spread=0.00031) == [0]
    assert spread.after(funding_spread=0.00025) == [0]
    assert spread.after(funding_spread=0.00023) == []
    assert {f.venue for f in spread.features} == {""}


def test_there_is_none_of_one_venue(rule):
    with pytest.raises(UserError, match="all venues together"):
        rule("btc funding spread above 0.03% on okx")


def test_what_cannot_be(refused):
    assert "out of range" in refused("funding_spread", value=0.0)
