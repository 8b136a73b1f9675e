"""Whatever is typed or pressed, there is an answer: labelled, safe, and with a way on."""

import asyncio
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bot.commands.limits import BURST
from bot.commands.reply import Front, Tone
from engine.errors import GridError, SourceError, StoreLocked


async def test_every_reply_is_labelled(desk):
    for line in ("/heatmap btc", "/help", "/nonsense", "/status", "/settings show", "/heatmap zzzzqq"):
        reply = await desk.say(line)
        assert reply.notice == "REPLAY 2025-10-10 20:35 UTC"
        assert reply.source == "replay"
        assert reply.now_ms == desk.market.now_ms()


async def test_a_typo_comes_with_a_button_that_runs_it(desk):
    reply = await desk.say("/heatmap bct 12h")
    assert reply.failed
    assert reply.ephemeral
    assert reply.tone is Tone.BAD
    [[button]] = reply.buttons
    assert button.label == "/heatmap btc 12h"
    answer = await desk.press(button.action)
    assert answer.title == "BTC heatmap, 12 hours"
    assert not answer.edits


async def test_an_unknown_zone_of_time_is_offered_by_button(desk):
    reply = await desk.say("/settings set tz=Europe/Berln")
    answer = await desk.press(reply.buttons[0][0].action)
    assert dict(answer.fields)["tz"].startswith("Europe/Berlin")


async def test_our_faults_are_told_by_a_number_and_nothing_else(desk):
    desk.market.fail = RuntimeError("user said hunter2 to /srv/secret/path")
    with capture_logs() as logs:
        reply = await desk.say("/heatmap btc")
    assert reply.failed
    [entry] = [log for log in logs if log["event"] == "command.failed"]
    assert entry["incident"] in reply.error
    assert entry["error"] == "RuntimeError"
    assert entry["command"] == "heatmap"
    assert any("heatmap.py" in frame for frame in entry["where"])
    assert "hunter2" not in repr(logs) + reply.error
    assert "secret" not in repr(logs) + reply.error
    assert "Traceback" not in reply.error


async def test_what_was_typed_is_never_logged(desk):
    with capture_logs() as logs:
        for line in ("/heatmap topsecret", "/topsecret", "/watch btc min=topsecret"):
            await desk.say(line)
        desk.market.fail = RuntimeError("x")
        await desk.say("/heatmap btc window=23h range=7% ")
    assert "topsecret" not in repr(logs)


async def test_a_store_that_does_not_answer_changes_nothing(desk, with_services):
    class Broken:
        async def run(self, fn):
            raise StoreLocked("/somewhere/state.db is held by process 7")

        read = run

    reply = await with_services(state=Broken()).dispatch("/watch btc", desk_caller())
    assert "Nothing was changed" in reply.error
    assert "somewhere" not in reply.error
    assert "Incident" in reply.error


def desk_caller():
    from bot.commands.reply import Caller
    from engine.model import UserId

    return Caller(user_id=UserId("local:owner"), front=Front.PANEL)


async def test_venues_that_do_not_answer_are_said_plainly(desk):
    desk.market.fail = SourceError("binance cannot be reached (10.0.0.7:443).")
    reply = await desk.say("/heatmap btc")
    assert reply.error == "The venues do not answer just now. Please try again in a moment."
    assert reply.example == "/status"


async def test_a_range_without_data_is_no_incident(desk):
    desk.market.fail = GridError("BTCUSDT: there is no data from 1 to 2")
    reply = await desk.say("/heatmap btc")
    assert reply.error == "There is nothing to draw there yet."


async def test_an_answer_that_takes_for_ever_is_given_up(desk, monkeypatch):
    monkeypatch.setattr("bot.commands.dispatch.ANSWER_TIMEOUT_S", 0.05)

    async def forever(*_, **__):
        await asyncio.sleep(60)

    desk.market.grid = forever
    with capture_logs() as logs:
        reply = await desk.say("/heatmap btc")
    assert "Incident" in reply.error
    assert logs[0]["error"] == "TimeoutError"


async def test_cancelling_is_not_swallowed(desk):
    started = asyncio.Event()

    async def forever(*_, **__):
        started.set()
        await asyncio.sleep(60)

    desk.market.grid = forever
    task = asyncio.create_task(desk.say("/heatmap btc"))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_haste_is_told_the_seconds(desk, me, other):
    for _ in range(BURST):
        assert not (await desk.commands.dispatch("/help", me)).failed
    reply = await desk.commands.dispatch("/help", me)
    assert reply.error == "That was a lot at once. Try again in 1 s."
    assert not (await desk.commands.dispatch("/help", other)).failed


@pytest.mark.parametrize(
    "action", ["", "v1", "x" * 200, "v1:nope:-", "v1:alert:nope:1", "v1:heatmap:-", "hello", "v1:a:b:c"]
)
async def test_unknown_buttons_are_answered(desk, action):
    reply = await desk.press(action)
    assert reply.error or not reply.failed
    assert not (reply.failed and reply.edits)


async def test_buttons_of_an_older_version(desk):
    assert "another version" in (await desk.press("v0:heatmap:-:BTCUSDT")).error


async def test_a_failed_press_never_replaces_the_message(desk):
    reply = await desk.press("v1:alert:pause!:99")
    assert reply.failed
    assert not reply.edits


async def test_a_front_can_hand_over_options(desk, other):
    reply = await desk.commands.call("watch", {"symbol": "btc", "min": "50M"}, other)
    assert dict(reply.fields)["Smallest zone"] == "$50,000,000"
    assert (await desk.commands.call("nope", {}, other)).failed


async def test_sharing_is_for_reads_that_ask_for_it(desk, other):
    assert (await desk.say("/heatmap btc", other)).ephemeral
    assert not (await desk.say("/heatmap btc share", other)).ephemeral
    assert not (await desk.say("/zones btc share=true", other)).ephemeral
    assert (await desk.say("/heatmap btc 99d share", other)).ephemeral
    assert (await desk.say("/settings show", other)).ephemeral


async def test_times_are_in_the_users_zone(desk, me):
    assert "20:35 UTC" in dict((await desk.ok("/status")).fields)["Market time"]
    await desk.ok("/settings set tz=Asia/Tokyo")
    assert dict((await desk.ok("/status")).fields)["Market time"] == "05:35 JST"
    elsewhere = replace(me, user_id="telegram:7", tz="America/New_York")
    assert dict((await desk.ok("/status", elsewhere)).fields)["Market time"] == "16:35 EDT"


async def test_live_prices_that_are_old_are_called_old(desk, view_with, with_services, me):
    desk.market.named = ""
    desk.market.source_kind = "live"
    desk.market.views["BTCUSDT"] = view_with(price_ts=desk.market.at_ms - 180_000)
    reply = await with_services(replay=None).dispatch("/zones btc", me)
    assert reply.notice == "The price is 3m old."
    assert reply.source == "live"


async def test_every_button_of_every_reply_fits_and_is_understood(desk):
    lines = [
        "/start",
        "/help",
        "/heatmap 1000pepe 30d short portrait range=12.5%",
        "/heatmap btc",
        "/zones btc",
        "/market btc",
    ]
    lines += [
        "/watch btc",
        "/alert list",
        "/alert show 1",
        "/alert history",
        "/status",
        "/symbols",
        "/data show",
    ]
    lines += ["/replay status", "/unwatch btc", "/alert list", "/heatmap bct", "/watch eth 50m"]
    for line in lines:
        reply = await desk.say(line)
        actions = [b.action for row in reply.buttons for b in row if b.action]
        assert len(actions) == len(set(actions)), "ids are unique in a message"
        for row in reply.buttons:
            assert 1 <= len(row) <= 5
        for action in actions:
            assert len(action.encode()) <= 64
            if "replay" not in action:
                assert "button" not in (await desk.press(action)).error


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=80))
async def test_any_text_typed_or_pressed_gets_an_answer(desk, text):
    for reply in (await desk.say(text), await desk.press(text), await desk.press(f"v1:{text}")):
        assert "Incident" not in reply.error
        assert reply.source
