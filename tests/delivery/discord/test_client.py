"""The library's own book-keeping, which must not grow with the square of the people who are written to."""

from bot.delivery.discord import client as module
from bot.delivery.discord import make_client


async def test_limits_of_thousands_of_chats_are_not_looked_through_for_each(monkeypatch):
    now_s = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now_s[0])
    http = make_client().http
    looked = []
    for number in range(2_000):
        bucket = http.get_ratelimit(f"chat-{number}")
        monkeypatch.setattr(type(bucket), "is_inactive", lambda each: looked.append(each) or True)
    assert len(looked) <= 2_000
    assert len(http._buckets) > 1_000
    now_s[0] += module.SWEEP_S
    http.get_ratelimit("another")
    assert len(http._buckets) < 10
