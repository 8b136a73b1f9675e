"""What a machine that watches is told of venues."""

from dataclasses import replace

import pytest

from adapters.health import LimitUse, unmeasured
from adapters.venue import Feed, VenueHealth, VenueState
from bot.web import exchanges
from engine.errors import StorageError

SECRET = "https://me:hunter2@host/x?key=1 said no"


def venue(**changes):
    brief = VenueHealth(venue="okx", state=VenueState.UP, feeds=frozenset({Feed.PRICES, Feed.LIQUIDATIONS}))
    known = {
        "ages_s": {Feed.PRICES: 0.44, Feed.LIQUIDATIONS: None},
        "messages_per_s": 7.0,
        "limits": {"calls": LimitUse(used=3, budget=20)},
        "refused": {"trades:XYZ": "no such thing"},
        "silent": {"trades:ABC": 1_760_000_000_000},
        "last_error": SECRET,
    }
    return replace(unmeasured(brief), **(known | changes))


@pytest.mark.parametrize("path", ["/exchanges/health", "/api/exchanges"])
async def test_a_replay_is_one_venue_that_plays(site, path):
    async with site.get(path) as answer:
        assert answer.status == 200
        body = await answer.json()
    assert (body["source"], body["ok"], body["now_ms"]) == ("replay", True, site.market.clock_ms)
    (only,) = body["venues"]
    assert (only["venue"], only["state"], only["note"]) == ("binance", "up", "recorded candles")
    assert (only["liquidations"], only["ages_s"]["prices"]) == (None, None)
    assert only["last_24h"] == {
        "watched_s": 0,
        "uptime": None,
        "reconnects": 0,
        "gaps_filled": 0,
        "longest_silence_s": None,
    }


async def test_live_venues_tell_everything_but_errors_and_names_of_topics(serve):
    asked = []

    async def past(name, t0, t1):
        asked.append((name, t1 - t0))
        return [(t1 - 60_001, "up", {"reconnects": 1, "silent_s": 4.0})]

    site = await serve(venue_past=past)
    site.market.snapshots = lambda: [
        venue(),
        venue(venue="bybit", state=VenueState.DOWN, note="bybit is off"),
    ]
    for _ in range(3):
        async with site.get("/exchanges/health") as answer:
            text = await answer.text()
            body = await answer.json()
    assert body["ok"] is False
    okx, bybit = body["venues"]
    assert (okx["ages_s"], okx["messages_per_s"]) == ({"prices": 0.4, "liquidations": None}, 7.0)
    assert okx["limits"] == {"calls": [3, 20]}
    assert okx["silent_since_ms"] == {"trades:ABC": 1_760_000_000_000}
    assert okx["liquidations"]["coverage"] == "sampled"
    assert okx["last_24h"]["uptime"] == 1.0
    assert okx["last_24h"]["longest_silence_s"] == 4.0
    assert (bybit["state"], bybit["note"], bybit["ok"]) == ("down", "bybit is off", False)
    assert not [word for word in ("hunter2", "said no", "XYZ", "no such thing") if word in text]
    assert asked == [("okx", 86_400_001), ("bybit", 86_400_001)], "the store is asked once in a while"


async def test_a_store_that_cannot_be_read_costs_the_history_alone(serve, monkeypatch):
    calls = []

    async def past(name, t0, t1):
        calls.append(name)
        raise StorageError("the disk is gone")

    monkeypatch.setattr(exchanges, "KEPT_S", 0.0)
    site = await serve(venue_past=past)
    for _ in range(2):
        async with site.get("/api/exchanges") as answer:
            assert answer.status == 200
            (only,) = (await answer.json())["venues"]
            assert (only["state"], only["last_24h"]) == ("up", None)
    assert calls == ["binance", "binance"]
