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
    older = next(b for row in first.buttons for b in row if b.label == "Older")
    second = await fired.press(older.action)
    assert second.edits
    assert second.title == "History of alert 1, page 2"
    assert not set(second.table.rows) & set(first.table.rows[:1])
    newer = next(b for row in second.buttons for b in row if b.label == "Newer")
    assert (await fired.press(newer.action)).table == first.table
    assert (await fired.ok("/alert history page=900")).text == "Nothing on this page."


async def test_a_window_shows_what_became_true_within_it_and_pages_stay_in_it(fired):
    everything = await fired.alerting.history("local:owner", limit=100)
    now_ms = fired.market.at_ms
    young = [h for h in everything if h.market_ms >= now_ms - 3 * 3_600_000]
    assert 0 < len(young) < len(everything)
    reply = await fired.ok("/alert history window=3h")
    assert reply.title == "History, last 3 hours"
    assert len(reply.table.rows) == min(8, len(young))
    fired.market.at_ms += 2 * 86_400_000
    assert "Nothing in that time" in (await fired.ok("/alert history window=1d")).text
    older = next(
        b for r in (await fired.ok("/alert history window=7d")).buttons for b in r if b.label == "Older"
    )
    assert (await fired.press(older.action)).title == "History, last 7 days, page 2"


async def test_why(fired, other):
    happened = await fired.alerting.history("local:owner", limit=1)
    action = f"v1:alert:why:{happened[0].alert_id}"
    reply = await fired.press(action)
    assert reply.title == happened[0].headline
    assert reply.table.headings == ("When", "Step", "What was decided")
    assert [row[1] for row in reply.table.rows[:2]] == ["fired", "dedup"]
    assert reply.table.rows[0][2].startswith(happened[0].headline)
    assert all(row[2].endswith(".") for row in reply.table.rows)
    newest = (await fired.ok("/alert history")).buttons[0][0]
    assert newest.label.startswith("Why? ")
    assert (await fired.press(newest.action)).table == reply.table
    assert [b.label for b in reply.buttons[0]] == ["Alert 1", "Heatmap"]
    assert "not yours" in (await fired.press(action, other)).error


async def test_the_whole_way_of_what_was_sent_and_of_what_rode_along(fired):
    ways = {}
    for told in await fired.alerting.history("local:owner", limit=100):
        table = (await fired.press(f"v1:alert:why:{told.alert_id}")).table
        ways.setdefault(told.verdict, []).append([row[1] for row in table.rows])
    assert ways["sent"]
    assert all(way[-2:] == ["route", "to the app"] for way in ways["sent"])
    folded = ways["added to an earlier message"]
    assert folded
    assert all(way[0] == "fired" and "carried" in way and way[-1].startswith("to the app") for way in folded)


async def test_show_tells_what_became_of_the_last_fire(fired):
    shown = await fired.ok("/alert show 1")
    (last,) = await fired.alerting.history("local:owner", limit=1)
    assert shown.table == (await fired.press(f"v1:alert:why:{last.alert_id}")).table
    assert "Fired last " in shown.text
    assert last.verdict in shown.text


async def test_nothing_yet(desk):
    assert "Nothing yet" in (await desk.ok("/alert history")).text
