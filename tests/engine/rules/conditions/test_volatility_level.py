"""When volatility level is true, and when it is not."""


def test_restless_is_not_quiet(rule):
    restless, quiet = rule("btc volatility above 80% in 4h"), rule("btc volatility below 20% in 4h")
    assert restless.after(volatility=0.8) == []
    assert restless.after(volatility=0.81) == [0]
    assert restless.after(volatility=0.73) == [0]
    assert restless.after(volatility=0.71) == []
    assert quiet.after(volatility=0.2) == quiet.after(volatility=0.9) == []
    assert quiet.after(volatility=0.19) == [0]


def test_what_cannot_be(refused):
    assert "above or below" in refused("volatility_level", direction="either")
    assert "window" in refused("volatility_level", window_ms=600_000)
