"""When data stale is true, and when it is not."""


def test_only_old_prices_count(rule):
    stale = rule("btc no price for 60s")
    assert stale.after(data_age_s=60.0) == []
    assert stale.after(data_age_s=60.1) == [0]
    assert stale.after(data_age_s=31.0) == [0]
    assert stale.after(data_age_s=0.0) == []
    assert "no price of BTC for 1 minute" in stale.sentence


def test_what_cannot_be(refused):
    assert "age 1 second is out of range: 5 seconds to 1 hour" in refused("data_stale", age_ms=1_000)
