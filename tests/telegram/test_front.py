"""What people write and press in a private chat, answered as commands.md says."""

import asyncio
import json
import time

from bot.commands.reply import Caller, Front
from engine.model import UserId
from storage.rules import list_rules


def labels(message):
    return [[b["text"] for b in row] for row in message["reply_markup"]["inline_keyboard"]]


async def rules_of(stage, user):
    return await stage.desk.state.read(lambda session: list_rules(session, f"telegram:{user}"))


async def test_a_heatmap_comes_as_a_photo_with_caption_and_buttons(stage):
    message = await stage.say("/heatmap btc 12h")
    assert message["photo"][-1]["width"] == 1080
    assert message["photo"][-1]["height"] == 1350, "portrait, for phones"
    assert message["caption"].splitlines() == [
        "BTC liquidation heatmap, last 12h",
        "Price $113,204 (−3.47% in 24 h).",
        "Shorts above: $38M at +0.70% (114,000 to 114,400), $12M at +2.5% (116,000 to 116,200).",
        "Longs below: $62M at −0.80% (111,800 to 112,300).",
        "REPLAY 2025-10-10 20:35 UTC.",
        "Binance, 20:35 UTC; estimate, not advice.",
    ]
    assert message["_marks"] == [("b", 0, 33)]
    windows = ["12h", "24h", "3d", "7d", "30d"]
    assert labels(message) == [windows, ["Refresh", "HD file"], ["Film", "Watch BTC"]]
    assert message["_reply_to"] is None, "nobody else is there"


async def test_what_people_type_is_understood(stage):
    for line in ("/hm ETH-PERP", "$eth", "/heatmap@LiqwatchBot eth", "/HEATMAP eth/usdt 24h", "heatmap eth"):
        message = await stage.say(line)
        assert message["caption"].startswith("ETH liquidation heatmap, last 24h"), line
    message = await stage.say("/alert_list")
    assert message["text"].startswith("No alerts yet")


async def test_a_name_alone_offers_what_was_probably_meant(stage):
    message = await stage.say("btc")
    assert message["text"].startswith("⚠️ BTC is a market. Did you mean /heatmap btc?")
    assert labels(message) == [["/heatmap btc"]]
    answers = await stage.press(message, "/heatmap btc")
    assert len(answers) == 1
    assert "text" not in answers[0]
    shown = stage.api.shown(42)
    assert len(shown) == 2
    assert shown[0]["text"].startswith("⚠️"), "what offered it stays"
    assert "photo" in shown[1]


async def test_window_buttons_and_refresh_change_the_message(stage):
    message = await stage.say("/heatmap btc")
    before = message["photo"][-1]["file_id"]
    await stage.press(message, "7d")
    assert stage.api.shown(42) == [message], "no second message"
    assert message["caption"].startswith("BTC liquidation heatmap, last 7d")
    assert message["photo"][-1]["file_id"] != before
    await stage.press(message, "24h")
    assert message["photo"][-1]["file_id"] == before
    assert stage.api.uploads == 2, "a picture that Telegram has is not sent again"


async def test_a_refresh_that_changes_nothing_is_no_error(stage):
    message = await stage.say("/heatmap btc")
    answers = await stage.press(message, "Refresh")
    assert len(answers) == 1
    assert "text" not in answers[0]
    assert len(stage.api.shown(42)) == 1
    assert stage.api.calls[-1].refused.startswith("Bad Request: message is not modified")


async def test_hd_comes_as_a_file(stage):
    message = await stage.say("/heatmap btc")
    await stage.press(message, "HD file")
    document = stage.api.shown(42)[-1]
    assert document["document"]["file_name"].endswith(".png")
    assert document["caption"].startswith("BTC heatmap, 24 hours, 2160×2700")


async def test_a_film_plays_by_itself_and_is_uploaded_once(stage):
    message = await stage.say("/heatmap btc")
    await stage.press(message, "Film")
    (call,) = stage.api.of("sendAnimation")
    assert call.files["animation"][1].startswith(b"GIF8")
    shown = stage.api.shown(42)[-1]
    assert shown["animation"]["file_name"] == "liqwatch-BTCUSDT-24h.gif"
    assert shown["caption"].startswith("BTC heatmap, 24 hours, as a film\nHow the last 24h came to be")
    await stage.press(message, "Film")
    assert not stage.api.of("sendAnimation")[-1].files


async def test_a_watch_is_the_persons_own_and_its_card_changes_in_place(stage):
    card = await stage.say("/watch btc")
    assert card["text"].startswith("Watching BTC\n")
    assert "Goes to: Telegram, a direct message" in card["text"]
    (rule,) = await rules_of(stage, 42)
    assert (rule.to_channel, rule.to_place) == ("telegram", "")
    await stage.press(card, "Pause")
    assert (await rules_of(stage, 42))[0].paused
    assert len(stage.api.shown(42)) == 1
    assert card["text"].startswith("Paused alert")
    await stage.press(card, "Resume")
    assert not (await rules_of(stage, 42))[0].paused
    await stage.press(card, "Remove")
    assert card["text"].startswith("Remove alert 1, BTC?")
    await stage.press(card, "Yes, remove it")
    assert await rules_of(stage, 42) == []
    assert card["text"].startswith("Removed alert")


async def test_named_values_reach_the_command(stage):
    card = await stage.say("/watch eth within=0.5,2 min=10M cooldown=4h")
    assert "critical within 0.5%, warning within 2%" in card["text"]
    assert "$10,000,000" in card["text"]


async def test_a_press_is_answered_at_once_though_drawing_is_slow(stage):
    message = await stage.say("/heatmap btc")
    stage.pictures.delay_s = 1.2
    query = stage.there.pressed(message, stage.data(message, "30d"))
    stage.desk.seconds[0] += 60
    await stage.api.until(lambda: stage.there.queries[query]["answers"])
    answered = stage.there.queries[query]["answers"][0]
    assert answered["after_s"] < 0.8
    await stage.quiet()
    assert message["caption"].startswith("BTC liquidation heatmap, last 30d")
    actions = [c.given["action"] for c in stage.api.of("sendChatAction")]
    assert actions == ["upload_photo"], "it is shown that a picture is being made"


async def test_a_refusal_is_shown_over_the_chat_to_who_pressed(stage):
    message = await stage.say("/heatmap btc")
    stage.desk.seconds[0] += 60
    await stage.api.until(lambda: True)
    first = stage.there.pressed(message, stage.data(message, "7d"))
    await stage.quiet()
    await stage.api.until(lambda: stage.there.queries[first]["answers"])
    await stage.quiet()
    second = stage.there.pressed(message, stage.data(message, "30d"))
    answers = await stage.api.until(lambda: stage.there.queries[second]["answers"])
    assert answers[0]["text"].startswith("One new picture every 5 s: the next in 5 s.")
    await stage.quiet()
    assert len(stage.api.shown(42)) == 1


async def test_a_press_that_is_too_old_to_be_answered_is_still_done(stage):
    message = await stage.say("/heatmap btc")
    stage.api.expire_s = -1.0
    stage.there.pressed(message, stage.data(message, "7d"))
    stage.desk.seconds[0] += 60
    await stage.api.until(lambda: "last 7d" in message["caption"])


async def test_a_message_that_was_deleted_comes_anew(stage):
    message = await stage.say("/heatmap btc")
    data = stage.data(message, "7d")
    del stage.there.messages[42, message["message_id"]]
    stage.desk.seconds[0] += 60
    stage.there.pressed(message, data)
    await stage.api.until(lambda: stage.api.shown(42))
    assert stage.api.shown(42)[0]["caption"].startswith("BTC liquidation heatmap, last 7d")


async def test_a_message_too_old_to_be_seen_is_answered_with_a_new_one(stage):
    message = await stage.say("/heatmap btc")
    data = stage.data(message, "7d")
    stage.desk.seconds[0] += 60
    gone = {"message_id": message["message_id"], "chat": message["chat"], "date": 0}
    stage.there.pressed(gone, data)
    await stage.api.until(lambda: len(stage.api.shown(42)) == 2)


async def test_a_press_of_nonsense_is_answered_politely(stage):
    message = await stage.say("/start")
    for data in ("nonsense", "v0:old:one", "v1:alert:pause:" + "9" * 40, "v1:no:such", ":::"):
        query = stage.there.pressed(message, data)
        answers = await stage.api.until(lambda q=query: stage.there.queries[q]["answers"])
        assert len(answers) == 1
        assert answers[0].get("text"), data
    await stage.quiet()


async def test_what_users_type_cannot_break_the_markup(stage):
    message = await stage.say("/heatmp<b>&amp;</i> \x00 <script>")
    assert "⚠️" in message["text"]
    message = await stage.say('/watch "<a href=x>&"')
    assert "<a href=x>" in message["text"]
    assert message["_marks"] == [] or all(m[0] in ("b", "i", "code") for m in message["_marks"])
    await stage.say("🧨" * 600)


async def test_help_reads_as_a_list_and_fits(stage):
    message = await stage.say("/help")
    assert "/heatmap – Show where liquidations are expected" in message["text"]
    assert "/replay" not in message["text"], "what steers this machine is not for Telegram"
    assert len(message["text"]) < 4096


async def test_what_is_stored_can_be_taken_away_and_deleted(stage):
    await stage.say("/watch btc")
    document = await stage.say("/data export")
    (call,) = stage.api.of("sendDocument")
    name, content = call.files["document"]
    assert name == document["document"]["file_name"]
    body = json.loads(content)
    assert body["user"] == "telegram:42"
    assert len(body["tables"]["rules"]) == 1
    asked = await stage.say("/data forget")
    await stage.press(asked, "Yes, delete everything")
    assert await rules_of(stage, 42) == []
    assert asked["text"].startswith("Everything about you is deleted")


async def test_pictures_and_stickers_get_a_word_and_service_messages_none(stage):
    said = stage.there.said("x")
    stage.there.updates.pop()
    photo = [{"file_id": "a", "file_unique_id": "b", "width": 9, "height": 9}]
    body = {k: v for k, v in said.items() if k != "text"}
    stage.there.update(message=body | {"photo": photo})
    stage.there.update(message=body | {"pinned_message": body | {"text": "y"}})
    await stage.api.until(lambda: stage.api.shown(42))
    await stage.quiet()
    assert [m["text"].splitlines()[0] for m in stage.api.shown(42)] == ["I read typed commands"]


async def test_a_deep_link_opens_what_it_says(stage):
    message = await stage.say("/start heatmap_btc_7d")
    assert message["caption"].startswith("BTC liquidation heatmap, last 7d")
    message = await stage.say("/start settings_show")
    assert message["text"].startswith("Your settings")
    message = await stage.say("/start watch_btc")
    assert message["text"].startswith("Watching BTC")


async def test_an_update_that_comes_twice_is_done_once(stage):
    stage.there.said("/status")
    update = dict(stage.there.updates[-1])
    await stage.api.until(lambda: stage.api.shown(42))
    stage.there.updates.append(update)
    stage.front._way._offset = update["update_id"]
    stage.there.said("/symbols")
    await stage.api.until(lambda: len(stage.api.shown(42)) == 2)
    await stage.quiet()
    assert [m["text"].splitlines()[0] for m in stage.api.shown(42)] == ["All is well", "4 markets"]


async def test_one_persons_requests_are_answered_in_order_and_do_not_hold_up_others(stage, kit):
    stage.there.chat(kit.MEMBER)
    stage.pictures.delay_s = 0.6
    stage.there.said("/heatmap btc")
    stage.there.said("/status")
    stage.there.said("/status", user=kit.MEMBER)
    await stage.api.until(lambda: stage.api.shown(kit.MEMBER))
    assert stage.api.shown(42) == []
    await stage.api.until(lambda: len(stage.api.shown(42)) == 2)
    first, second = stage.api.shown(42)
    assert "photo" in first
    assert "text" in second


async def test_somebody_who_floods_the_bot_is_not_served_without_end(stage):
    stage.pictures.delay_s = 0.3
    for _ in range(60):
        stage.there.said("/heatmap btc")
    await stage.api.until(stage._fetched)
    assert stage.front._lanes.under_way <= 10
    for lane in list(stage.front._lanes._lanes.values()):
        lane.clear()
    stage.front._lanes._count = 1
    await stage.quiet()


async def test_the_reply_is_that_of_every_other_front(stage):
    """The same line through the dispatcher gives the words that the message has."""
    me = Caller(user_id=UserId("telegram:99"), front=Front.TELEGRAM, place="99")
    for line in ("/zones btc", "/market eth", "/settings show", "/alert history", "/symbols", "/nonsense"):
        stage.desk.seconds[0] += 60
        reply = await stage.desk.commands.dispatch(line, me)
        message = await stage.say(line)
        text = message["caption"] if reply.images else message["text"]
        for told in (reply.title, reply.error, *(value for _, value in reply.fields)):
            assert told in text, line
        if reply.table is not None:
            shown = (reply.images and reply.table.brief) or reply.table.headings
            places = [at for at, heading in enumerate(reply.table.headings) if heading in shown]
            cells = [row[at] for row in reply.table.rows for at in places]
            assert all(cell in text for cell in cells if cell != "–"), line


async def test_a_person_who_blocked_the_bot_meanwhile_is_let_be(stage):
    stage.there.chat(42).shut = "bot was blocked by the user"
    stage.there.said("/status")
    await stage.api.until(lambda: stage.api.calls and stage.api.calls[-1].refused)
    await stage.quiet()
    assert len([c for c in stage.api.calls if c.method == "sendMessage"]) == 1


async def test_a_limit_is_waited_out_and_the_answer_comes(stage):
    stage.api.refuse("sendMessage", 429, "Too Many Requests: retry after 1", retry_after=1)
    began = time.monotonic()
    await stage.say("/status")
    assert time.monotonic() - began >= 1.0


async def test_trouble_of_telegram_is_tried_once_more(stage):
    stage.api.refuse("sendMessage", 502, "Bad Gateway")
    message = await stage.say("/status")
    assert message["text"].startswith("All is well")


async def test_a_fault_of_ours_is_told_with_an_incident(stage, monkeypatch):
    async def broken(line, caller):
        raise RuntimeError("planted")

    monkeypatch.setattr(stage.front._handler._commands, "dispatch", broken)
    message = await stage.say("/status")
    assert "That went wrong on our side, and we have noted it. Incident" in message["text"]
    monkeypatch.undo()
    assert (await stage.say("/status"))["text"].startswith("All is well")


async def test_updates_of_other_kinds_are_not_asked_for(stage):
    stage.there.update(edited_message=stage.there.said("/status"))
    stage.there.updates = [u for u in stage.there.updates if "edited_message" in u]
    await asyncio.sleep(0.1)
    await stage.quiet()
    assert stage.api.shown(42) == []
