"""Buckets and places."""

import pytest

from bot.web.limits import Full, Places, TokenBucket


def test_a_bucket_gives_a_burst_then_its_rate():
    now_s = 0.0
    bucket = TokenBucket(2.0, 3, clock=lambda: now_s)
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]
    assert bucket.wait_s == pytest.approx(0.5)
    now_s = 0.5
    assert bucket.take()
    assert not bucket.take()
    now_s = 100.0
    assert sum(bucket.take() for _ in range(10)) == 3


def test_places_are_given_back():
    places = Places(1)
    with places.one(), pytest.raises(Full), places.one():
        pass
    with places.one():
        assert places.taken == 1
    assert places.taken == 0
