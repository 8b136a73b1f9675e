"""When volume spike is true, and when it is not."""


def test_only_more_than_so_many_times(rule):
    spike = rule("btc volume above 5x over 1d")
    assert spike.after(volume_multiple=5.0) == []
    assert spike.after(volume_multiple=5.1) == [0]
    assert spike.after(volume_multiple=3.1) == [0]
    assert spike.after(volume_multiple=2.9) == []
    assert "trades 5 times its usual volume of 1 day" in spike.sentence


def test_what_cannot_be(refused):
    assert "times 1 times is out of range" in refused("volume_spike", times=1.0)
