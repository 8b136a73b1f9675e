"""`/alert history` and Why? say what became of real fires, walked through the real pipeline."""

from dataclasses import replace

import pytest

from engine.model import Tick


@pytest.fixture
async def fired(desk, view_with):
    """Let prices come near a zone until alerts were decided."""
    await desk.ok("/watch btc min=1M")
    zones = view_with().zones
    at = desk.market.at_ms
    for step in range(12):
        for price in (113_204.5, 113_800.0, 112_500.0):
            at += 60_000
            desk.market.at_ms = at
            tick = Tick(venue="binance", symbol="BTCUSDT", ts=at, price=price, interpolated=True)
            await desk.alerting.on_tick(tick, replace(zones, ts=at, price=price))
        at += 2 * 3_600_000 if step % 3 == 2 else 0
    await desk.alerting.sweep(at)
    return desk


async def test_each_with_its_reason(fired):
    reply = await fired.ok("/alert history")
    assert reply.title == "History"
    assert reply.table.headings == ("When", "Alert", "What became of it", "Why")
    assert 0 < len(reply.table.rows) <= 8
    for row in reply.table.rows:
        assert "BTC" in row[1]
        assert row[2]
        assert row[3].endswith(".")
    assert reply.text.startswith("Messages today: ")
    assert reply.text.endswith("/50.")


async def test_pages_turn_and_stay_about_one_alert(fired):
    first = await fired.ok("/alert history id=1")
    older = next(b for b in first.buttons[0] if b.label == "Older")
    second = await fired.press(older.action)
    assert second.edits
    assert second.title == "History of alert 1, page 2"
    assert not set(second.table.rows) & set(first.table.rows[:1])
    newer = next(b for b in second.buttons[0] if b.label == "Newer")
    assert (await fired.press(newer.action)).table == first.table
    assert (await fired.ok("/alert history page=900")).text == "Nothing on this page."


async def test_why(fired, other):
    happened = await fired.alerting.history("local:owner", limit=1)
    action = f"v1:alert:why:{happened[0].alert_id}"
    reply = await fired.press(action)
    assert reply.title == happened[0].headline
    assert reply.table.rows[0][0] == "dedup"
    assert [b.label for b in reply.buttons[0]] == ["Alert 1", "Heatmap"]
    assert "not yours" in (await fired.press(action, other)).error


async def test_nothing_yet(desk):
    assert "Nothing yet" in (await desk.ok("/alert history")).text
