"""Buckets and places."""

import resource

import pytest

from bot.web import files
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


@pytest.mark.parametrize(
    ("soft", "hard", "fit", "set_to"),
    [
        (1024, 100_000, 10_000, 10_000 + files.OTHERS),
        (1024, resource.RLIM_INFINITY, 10_000, 10_000 + files.OTHERS),
        (1024, 4096, 4096 - files.OTHERS, 4096),
        (4096, 4096, 4096 - files.OTHERS, None),
        (100_000, 100_000, 10_000, None),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, 10_000, None),
    ],
)
def test_as_many_files_are_allowed_as_the_system_lets(monkeypatch, soft, hard, fit, set_to):
    asked = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, both: asked.append(both))
    assert files.allow(10_000) == fit
    assert asked == ([] if set_to is None else [(set_to, hard)])
