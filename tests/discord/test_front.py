"""Commands, suggestions and buttons in Discord: the real library against the local Discord."""

import asyncio
from dataclasses import replace

import pytest

from bot.supervisor import PartState
from engine.preset_file import MAX_MODELS, parse_presets
from engine.presets import PRESETS


def text_of(message):
    """Return what a message says in its embeds."""
    parts = [message["content"]]
    for embed in message["embeds"]:
        parts += [
            embed.get("title", ""),
            embed.get("description", ""),
            embed.get("footer", {}).get("text", ""),
        ]
    return "\n".join(filter(None, parts))


def hidden(message):
    """Say whether only the asker sees a message."""
    return bool(message["flags"] & 64)


def labels(message):
    return [b["label"] for row in message["components"] for b in row["components"]]


async def test_the_commands_are_sent_once_and_again_only_when_they_changed(make, api):
    first = make()
    await first.run()
    names = {c["name"] for c in api.commands}
    assert {"heatmap", "zones", "watch", "alert", "settings", "liqprice", "data"} <= names
    assert "replay" not in names
    assert api.syncs == 1
    await first.stop()
    second = make()
    await second.run()
    assert api.syncs == 1
    await second.stop()
    third = make()
    third.front._tree.remove_command("status")
    await third.run()
    assert api.syncs == 2


async def test_options_are_typed_and_suggested(stage, api, kit):
    watch = next(c for c in api.commands if c["name"] == "watch")
    symbol = next(o for o in watch["options"] if o["name"] == "symbol")
    assert symbol["required"]
    assert symbol["autocomplete"]
    check = next(c for c in api.commands if c["name"] == "check")
    assert [o["type"] for o in check["options"] if o["name"] == "price"] == [10]
    side = next(o for o in watch["options"] if o["name"] == "side")
    assert [c["value"] for c in side["choices"]] == ["both", "long", "short"]
    found = await api.suggest(kit.BOSS, "watch", "symbol", "et", channel=kit.DESK)
    assert found[0]["value"].upper().startswith("ETH")
    zones = await api.suggest(kit.BOSS, "settings set", "tz", "berl")
    assert zones[0]["value"] == "Europe/Berlin"


async def test_models_of_an_installation_are_choices_beside_the_shipped_ones(make, desk, api, kit):
    own = "".join(f"[models.own-{number}]\nbase = 'flow'\n" for number in range(MAX_MODELS))
    presets = PRESETS | parse_presets(own, name="models.toml")
    desk.services = replace(desk.services, presets=presets, usual_model="own-3")
    here = make()
    await here.run()
    heatmap = next(c for c in api.commands if c["name"] == "heatmap")
    model = next(o for o in heatmap["options"] if o["name"] == "model")
    assert [c["value"] for c in model["choices"]] == list(presets)
    assert len(model["choices"]) == 25
    asked = {"symbol": "btc", "model": "own-7"}
    (shown,) = await here.slash(kit.BOSS, "heatmap", asked, channel=kit.DESK)
    assert "Model own-7: expected liquidations" in shown["attachments"][0]["description"]
    (shown,) = await here.slash(kit.BOSS, "heatmap", {"symbol": "eth"}, channel=kit.DESK)
    assert "Model own-3: expected liquidations" in shown["attachments"][0]["description"]


async def test_a_heatmap_is_an_embed_with_its_picture_and_words_for_it(stage, kit):
    (shown,) = await stage.slash(kit.BOSS, "heatmap", {"symbol": "btc"}, channel=kit.DESK)
    assert hidden(shown)
    (picture,) = shown["attachments"]
    (embed,) = shown["embeds"]
    assert embed["image"]["url"] == f"attachment://{picture['filename']}"
    assert shown["_files"][picture["filename"]].startswith(b"\x89PNG")
    assert "BTC liquidation heatmap" in picture["description"]
    assert "REPLAY 2025-10-10 20:35 UTC" in text_of(shown)
    assert {"12h", "24h", "3d", "7d", "30d", "Refresh", "HD file"} <= set(labels(shown))


async def test_a_shared_answer_is_for_everybody_and_its_error_is_not(stage, api, kit):
    (shown,) = await stage.slash(kit.BOSS, "zones", {"symbol": "btc", "share": True}, channel=kit.DESK)
    assert not hidden(shown)
    (shown,) = await stage.slash(kit.BOSS, "heatmap", {"symbol": "btc", "share": True}, channel=kit.DESK)
    assert not hidden(shown)
    shown = await stage.slash(kit.BOSS, "heatmap", {"symbol": "doge", "share": True}, channel=kit.DESK)
    assert [hidden(m) for m in shown] == [True]
    assert "There is no market" in text_of(shown[0])
    assert len(api.there.shown(kit.DESK)) == 2


async def test_alone_with_the_bot_nothing_is_hidden(stage, kit):
    (shown,) = await stage.slash(kit.BOSS, "settings show")
    assert not hidden(shown)


@pytest.mark.parametrize("name", ["settings show", "data show", "alert list", "status"])
async def test_what_is_ones_own_is_hidden_in_a_server(stage, kit, name):
    (shown,) = await stage.slash(kit.BOSS, name, channel=kit.DESK)
    assert hidden(shown)


async def test_a_slow_picture_is_answered_in_time(stage, kit):
    stage.api.patience_s = 0.5
    stage.pictures.delay_s = 1.5
    (shown,) = await stage.slash(kit.BOSS, "heatmap", {"symbol": "btc"}, channel=kit.DESK)
    assert shown["attachments"]


async def test_a_slow_answer_without_a_picture_is_held_too(stage, kit, monkeypatch):
    monkeypatch.setattr("bot.discord.handler.AT_ONCE_S", 0.1)
    stage.api.patience_s = 0.6
    real = stage.front._handler._commands.call

    async def slow(*args):
        await asyncio.sleep(1.0)
        return await real(*args)

    stage.front._handler._commands.call = slow
    (shown,) = await stage.slash(kit.BOSS, "zones", {"symbol": "btc"}, channel=kit.DESK)
    assert "zones" in text_of(shown)


async def test_windows_and_refresh_change_the_message(stage, kit):
    (shown,) = await stage.slash(kit.BOSS, "heatmap", {"symbol": "btc"}, channel=kit.DESK)
    before = shown["attachments"][0]["filename"]
    assert await stage.press(kit.BOSS, shown, "3d") == []
    assert shown["attachments"][0]["filename"] != before
    assert "last 3d" in text_of(shown)
    stage.desk.market.at_ms += 300_000
    assert await stage.press(kit.BOSS, shown, "Refresh") == []
    assert len(shown["attachments"]) == 1


async def test_the_hd_file_comes_as_a_file(stage, kit):
    (shown,) = await stage.slash(kit.BOSS, "heatmap", {"symbol": "btc"}, channel=kit.DESK)
    (file,) = await stage.press(kit.BOSS, shown, "HD file")
    assert hidden(file)
    assert file["attachments"][0]["filename"].endswith(".png")


async def test_a_film_comes_as_a_file_that_moves(stage, kit):
    (shown,) = await stage.slash(kit.BOSS, "heatmap", {"symbol": "btc"}, channel=kit.DESK)
    (film,) = await stage.press(kit.BOSS, shown, "Film")
    assert film["attachments"][0]["filename"] == "liqwatch-BTCUSDT-24h.gif"
    assert "How the last 24h came to be, as a film." in text_of(film)


async def test_buttons_work_after_a_restart(make, kit):
    first = make()
    await first.run()
    (shown,) = await first.slash(kit.BOSS, "heatmap", {"symbol": "btc"}, channel=kit.DESK)
    await first.stop()
    second = make()
    await second.run()
    assert await second.press(kit.BOSS, shown, "7d") == []
    assert "last 7d" in text_of(shown)
    (watch,) = await second.press(kit.BOSS, shown, "Watch BTC")
    assert "BTC" in text_of(watch)
    assert hidden(watch)


async def test_a_button_of_another_version_is_told(stage, api, kit):
    (shown,) = await stage.slash(kit.BOSS, "heatmap", {"symbol": "btc"}, channel=kit.DESK)
    shown["components"][0]["components"][0]["custom_id"] = "v0:heatmap:-:btc"
    label = labels(shown)[0]
    (told,) = await stage.press(kit.BOSS, shown, label)
    assert "another version" in text_of(told)
    assert hidden(told)


async def test_near_misses_come_with_buttons(stage, kit):
    (shown,) = await stage.slash(kit.BOSS, "zones", {"symbol": "bitcion"}, channel=kit.DESK)
    assert "Did you mean" in text_of(shown)
    (zones,) = await stage.press(kit.BOSS, shown, "/zones")
    assert "zones" in text_of(zones)


async def test_marks_and_mentions_in_what_people_type_do_nothing(stage, kit):
    evil = "@everyone <@123456789012345678> [a](https://e.example)"
    (shown,) = await stage.slash(kit.BOSS, "heatmap", {"symbol": evil}, channel=kit.DESK)
    said = text_of(shown)
    assert "@everyone" not in said
    assert "<@123456789012345678>" not in said
    assert "](" not in said
    assert "https://" not in said


async def test_an_interaction_that_expired_harms_nobody(stage, api, kit):
    api.patience_s = 0.0
    asked = await api.begun(kit.BOSS, "zones", {"symbol": "btc"}, channel=kit.DESK)
    await api.until(lambda: [c for c in api.calls if c.status == 404])
    await stage.quiet()
    assert asked.shown == []
    api.patience_s = 3.0
    assert await stage.slash(kit.BOSS, "zones", {"symbol": "btc"}, channel=kit.DESK)


async def test_one_that_was_answered_already_harms_nobody(stage, api, kit):
    api.refuse("POST", r"/interactions/.*", 400, 40060, "already acknowledged")
    await api.begun(kit.BOSS, "zones", {"symbol": "btc"}, channel=kit.DESK)
    await api.until(lambda: [c for c in api.calls if c.status == 400])
    assert await stage.slash(kit.BOSS, "zones", {"symbol": "btc"}, channel=kit.DESK)


async def test_too_many_at_once_are_told_so(stage, api, kit):
    gate = asyncio.Event()
    real = stage.front._handler._commands.call

    async def held(*args):
        await gate.wait()
        return await real(*args)

    stage.front._handler._commands.call = held
    asked = [await api.begun(kit.BOSS, "zones", {"symbol": "btc"}, channel=kit.DESK) for _ in range(12)]
    await api.until(lambda: sum(api._answered(a) for a in asked) >= 3)
    gate.set()
    await api.until(lambda: all(api._answered(a) for a in asked), 20)
    said = [text_of(a.shown[0]) for a in asked]
    busy = sum("Still busy" in s for s in said)
    assert busy in (3, 4)  # eight wait, and one may be under way by then


async def test_an_upload_that_is_too_large_comes_without_its_picture(stage, api, kit):
    api.refuse("PATCH", r"/webhooks/.*", 413, 40005, "Request entity too large")
    (shown,) = await stage.slash(kit.BOSS, "heatmap", {"symbol": "btc"}, channel=kit.DESK)
    assert shown["attachments"] == []
    assert "heatmap" in text_of(shown)


async def test_server_errors_on_upload_are_tried_again(stage, api, kit):
    api.refuse("PATCH", r"/webhooks/.*", 502, body="<html>bad gateway</html>")
    (shown,) = await stage.slash(kit.BOSS, "heatmap", {"symbol": "btc"}, channel=kit.DESK)
    assert shown["attachments"]


async def test_a_full_bucket_is_waited_for(stage, api, kit):
    api.limit("PATCH", r"/webhooks/.*", 0.3)
    (shown,) = await stage.slash(kit.BOSS, "heatmap", {"symbol": "btc"}, channel=kit.DESK)
    assert shown["attachments"]


async def test_a_wrong_token_is_one_clear_line(make, api, caplog):
    here = make(token="not.the-token")
    await asyncio.wait_for(here.front.run(), 10)
    health = here.front.health()
    assert health.state is PartState.STOPPED
    assert "Reset Token" in health.advice
    assert "not.the-token" not in caplog.text


@pytest.mark.parametrize("code", [4004, 4014])
async def test_a_gateway_that_will_not_have_the_bot_is_one_clear_line(make, api, code):
    api.close_with = code
    here = make()
    await asyncio.wait_for(here.front.run(), 10)
    health = here.front.health()
    assert health.state is PartState.STOPPED
    assert "LIQWATCH_DISCORD_TOKEN" in health.advice


async def test_discord_down_at_the_start_is_waited_for(make, api):
    port = api.port
    await api.stop()
    here = make()
    here.task = asyncio.create_task(here.front.run())
    await api.until(lambda: "cannot be reached" in here.front.health().advice)
    await api.start(port)
    await api.until(here.post.client.is_ready, 20)
    assert here.front.health().state is PartState.RUNNING
    assert here.front.health().advice == ""


async def test_a_lost_connection_is_resumed(stage, api, kit):
    await api.hang_up(4000)
    await api.until(lambda: api.resumes)
    assert len(api.identifies) == 1
    await api.until(lambda: stage.front.health().advice == "")
    assert await stage.slash(kit.BOSS, "zones", {"symbol": "btc"}, channel=kit.DESK)


async def test_what_was_asked_while_away_is_answered_after_the_resume(stage, api, kit):
    api.there.nonces.clear()
    await api.ask_to_reconnect()
    asked = await api.begun(kit.BOSS, "zones", {"symbol": "btc"}, channel=kit.DESK)
    await api.until(lambda: api._answered(asked))


async def test_a_session_that_is_over_is_begun_anew(stage, api, kit):
    await api.invalidate()
    await api.until(lambda: len(api.identifies) == 2, 20)
    assert await stage.slash(kit.BOSS, "zones", {"symbol": "btc"}, channel=kit.DESK)


async def test_a_new_server_gets_a_word(stage, api, kit):
    await api.until(stage.post.client.is_ready)
    api.there.system_channel = kit.DESK
    guild = {**api.there.guild(), "id": "201"}
    await api.dispatch("GUILD_CREATE", guild)
    await api.until(lambda: api.there.shown(kit.DESK))
    (hello,) = api.there.shown(kit.DESK)
    assert "Hello, I am Liqwatch" in text_of(hello)
    await api.dispatch("GUILD_DELETE", {"id": "201"})
    assert await stage.slash(kit.BOSS, "zones", {"symbol": "btc"}, channel=kit.DESK)


async def test_a_command_that_changed_is_told(stage, api, kit):
    api.commands.append({"name": "gone", "options": []})
    shown = await stage.slash(kit.BOSS, "gone", channel=kit.DESK)
    assert "has changed" in text_of(shown[0])
    api.commands.pop()


async def test_the_invitation_names_what_the_bot_needs(stage, kit):
    assert "permissions=" in stage.front.invite
    assert f"client_id={kit.world.APP}" in stage.front.invite


async def test_examples_name_their_options_so_that_they_can_be_typed_as_they_stand(stage, kit):
    (refused,) = await stage.slash(
        kit.MEMBER, "report add", {"symbol": "btc", "to": "here"}, channel=kit.DESK
    )
    assert "`/report add symbol:btc every:4h to:dm`" in text_of(refused)
    (listed,) = await stage.slash(kit.MEMBER, "help")
    assert "$btc" not in text_of(listed), "nothing typed without a slash is heard"
    (empty,) = await stage.slash(kit.MEMBER, "report list")
    assert "/dashboard on symbol:btc" in text_of(empty)
