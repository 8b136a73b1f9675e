"""Groups and topics: everybody may read, what is private goes to private chats, admins may have posts."""

import pytest

from storage.rules import list_rules

LINK = "https://t.me/LiqwatchBot?start="


async def rules_of(stage, user_id):
    return await stage.desk.state.read(lambda session: list_rules(session, user_id))


async def everybodys_rules(stage, kit):
    users = (kit.BOSS, kit.MEMBER, kit.STRANGER, kit.GROUP, 1087968824, 136817688, -1009)
    return [rule for user in users for rule in await rules_of(stage, f"telegram:{user}")]


async def test_the_reply_goes_to_who_asked(stage, kit):
    message = await stage.say("/check btc 112000", chat=kit.GROUP, user=kit.MEMBER)
    asked = next(m for m in stage.there.messages.values() if m.get("text") == "/check btc 112000")
    assert message["_reply_to"] == asked["message_id"]
    assert message["text"].startswith("BTC at $112,000")


async def test_a_topic_keeps_its_answers(stage, kit):
    message = await stage.say("/heatmap btc", chat=kit.GROUP, user=kit.MEMBER, topic=kit.TOPIC)
    assert message["message_thread_id"] == kit.TOPIC
    await stage.press(message, "7d", user=kit.STRANGER)
    assert message["caption"].startswith("BTC liquidation heatmap, last 7d"), "reads are everybody's"


@pytest.mark.parametrize(
    "text",
    [
        "btc",
        "what about btc?",
        "$btc to the moon",
        "/heatmap@OtherBot btc",
        "/rank btc",
        "/ban @somebody",
        "/",
        "hello @LiqwatchBot",
    ],
)
async def test_talk_and_other_bots_commands_are_not_answered(stage, kit, text):
    await stage.unheard(text, chat=kit.GROUP, user=kit.MEMBER)


async def test_bots_channels_and_what_is_passed_on_are_not_answered(stage, kit):
    said = stage.there.said("/heatmap btc", chat=kit.GROUP)
    stage.there.updates.clear()
    stage.there.update(message=said | {"from": {"id": 7, "is_bot": True, "first_name": "Bot"}})
    stage.there.update(message=said | {"is_automatic_forward": True})
    stage.there.update(message=said | {"chat": {"id": -1009, "type": "channel", "title": "News"}})
    before = len(stage.api.calls)
    await stage.api.until(stage._fetched)
    await stage.quiet()
    assert len(stage.api.calls) == before


async def test_commands_to_the_bot_by_name_and_typos_of_ours_are_answered(stage, kit):
    for text in (
        "/check@LiqwatchBot btc 112k",
        "@LiqwatchBot /check btc 112k",
        "/CHECK@liqwatchbot btc 112k",
    ):
        message = await stage.say(text, chat=kit.GROUP, user=kit.MEMBER)
        assert message["text"].startswith("BTC at $112,000"), text
    message = await stage.say("/heatmpa btc", chat=kit.GROUP, user=kit.MEMBER)
    assert "Did you mean /heatmap btc?" in message["text"]
    message = await stage.say("/qqqq@LiqwatchBot", chat=kit.GROUP, user=kit.MEMBER)
    assert "I do not know" in message["text"]


@pytest.mark.parametrize(
    ("line", "payload"),
    [
        ("/settings show", "settings_show"),
        ("/settings set tz=Europe/Berlin", "settings_show"),
        ("/data show", "data_show"),
        ("/data export", "data_show"),
        ("/data forget", "data_show"),
        ("/alert list", "alert_list"),
        ("/alerts", "alert_list"),
        ("/alert pause 7", "alert_list"),
        ("/alert history", "alert_list"),
        ("/watch btc", "watch_BTCUSDT"),
        ("/watch btc within=1% to=dm", "watch_BTCUSDT"),
        ("/channels add email me@example.org", "channels_list"),
        ("/unwatch btc", "help"),
        ("/start settings_show", "settings_show"),
        ("/start data-export", "data-export"),
        ("/start alert_list", "alert_list"),
    ],
)
async def test_what_is_private_is_led_to_the_private_chat(stage, kit, line, payload):
    await stage.say("/settings set tz=Asia/Tokyo")
    message = await stage.say(line, chat=kit.GROUP, user=kit.BOSS)
    (button,) = (b for row in message["reply_markup"]["inline_keyboard"] for b in row)
    assert button["url"] == f"{LINK}{payload}"
    assert "Tokyo" not in message["text"]
    assert message["text"].startswith("That is between you and me")
    assert await everybodys_rules(stage, kit) == []


async def test_an_admin_may_have_alerts_posted_a_member_may_not(stage, kit):
    message = await stage.say("/watch btc to=here", chat=kit.GROUP, user=kit.MEMBER)
    assert message["text"].startswith("⚠️ Only who manages this chat may have alerts posted here")
    assert await everybodys_rules(stage, kit) == []
    message = await stage.say("/watch btc to=here", chat=kit.GROUP, user=kit.BOSS)
    assert message["text"].startswith("Watching BTC")
    assert "Goes to: Telegram, this chat" in message["text"]
    (rule,) = await everybodys_rules(stage, kit)
    assert (rule.user_id, rule.to_channel, rule.to_place) == ("telegram:42", "telegram", str(kit.GROUP))


async def test_a_topic_is_kept_as_part_of_the_place(stage, kit):
    await stage.say("/watch btc to=here", chat=kit.GROUP, user=kit.BOSS, topic=kit.TOPIC)
    (rule,) = await everybodys_rules(stage, kit)
    assert rule.to_place == f"{kit.GROUP}/{kit.TOPIC}"


async def test_who_is_admin_is_asked_once_in_a_while(stage, kit):
    for line in ("/watch btc to=here", "/watch eth to=here", "/watch btc to=here min=5M"):
        await stage.say(line, chat=kit.GROUP, user=kit.BOSS)
    assert len(stage.api.of("getChatMember")) == 1
    for line in ("/heatmap btc", "/zones btc", "/settings show"):
        await stage.say(line, chat=kit.GROUP, user=kit.STRANGER)
    assert len(stage.api.of("getChatMember")) == 1, "it matters for posts alone"


async def test_nobody_posts_when_telegram_does_not_say_who_is_admin(stage, kit):
    stage.api.refuse("getChatMember", 500, "Internal Server Error", times=2)
    message = await stage.say("/watch btc to=here", chat=kit.GROUP, user=kit.BOSS)
    assert "Only who manages this chat" in message["text"]
    assert await everybodys_rules(stage, kit) == []


async def test_an_anonymous_admin_speaks_for_the_group(stage, kit):
    message = await stage.say("/watch btc", chat=kit.GROUP, as_group=True)
    assert "Goes to: Telegram, this chat" in message["text"]
    (rule,) = await everybodys_rules(stage, kit)
    assert (rule.user_id, rule.to_place) == (f"telegram:{kit.GROUP}", str(kit.GROUP))
    assert stage.api.of("getChatMember") == []
    message = await stage.say("/alert list", chat=kit.GROUP, as_group=True)
    assert message["text"].startswith("Your alerts, 1/20")
    other = -1009999
    stage.there.chat(other, title="Another group")
    message = await stage.say("/alert list", chat=other, as_group=True)
    assert message["text"].startswith("No alerts yet"), "another group's anonymous admins are others"


async def test_who_writes_as_a_channel_is_no_admin(stage, kit):
    message = await stage.say("/watch btc to=here", chat=kit.GROUP, as_channel=-1009)
    assert "Only who manages this chat" in message["text"]
    message = await stage.say("/check btc 112000", chat=kit.GROUP, as_channel=-1009)
    assert message["text"].startswith("BTC at $112,000")
    assert await everybodys_rules(stage, kit) == []


async def test_watch_pressed_in_a_group_opens_the_private_chat(stage, kit):
    message = await stage.say("/zones btc", chat=kit.GROUP, user=kit.MEMBER)
    (answer,) = await stage.press(message, "Watch BTC", user=kit.STRANGER)
    assert answer["url"] == f"{LINK}watch_BTCUSDT"
    assert await everybodys_rules(stage, kit) == []
    message = await stage.say("/start watch_BTCUSDT", user=kit.STRANGER)
    assert message["text"].startswith("Watching BTC")


async def test_settings_offered_for_a_typo_open_the_private_chat(stage, kit):
    message = await stage.say("/setings show", chat=kit.GROUP, user=kit.MEMBER)
    (answer,) = await stage.press(message, "/settings show", user=kit.MEMBER)
    assert answer["url"] == f"{LINK}settings_show"


async def test_buttons_of_somebody_elses_alert_say_politely_no(stage, kit):
    """A card that stands in a group: only its owner's presses change it, and nobody else sees the answer."""
    card = await stage.say("/watch btc to=here", chat=kit.GROUP, user=kit.BOSS)
    before = len(stage.api.shown(kit.GROUP))
    for label in ("Pause", "Snooze 1 h", "Remove", "Test"):
        (answer,) = await stage.press(card, label, user=kit.STRANGER)
        assert answer["text"].startswith("You have no alert"), label
    (rule,) = await everybodys_rules(stage, kit)
    assert not rule.paused
    assert rule.snoozed_until_ms is None
    assert len(stage.api.shown(kit.GROUP)) == before
    (answer,) = await stage.press(card, "Pause", user=kit.BOSS)
    assert answer["text"].startswith("Paused alert")
    assert (await everybodys_rules(stage, kit))[0].paused
    assert card["text"].startswith("Paused alert"), "the card shows it"
    assert len(stage.api.shown(kit.GROUP)) == before


async def test_a_groups_own_alert_is_its_admins_to_press(stage, kit):
    card = await stage.say("/watch btc", chat=kit.GROUP, as_group=True)
    (answer,) = await stage.press(card, "Pause", user=kit.MEMBER)
    assert answer["text"].startswith("You have no alert")
    (answer,) = await stage.press(card, "Pause", user=kit.BOSS)
    assert answer["text"].startswith("Paused alert")
    (rule,) = await everybodys_rules(stage, kit)
    assert rule.paused


async def test_an_admin_of_one_group_does_not_reach_anothers_alerts(stage, kit):
    card = await stage.say("/watch btc", chat=kit.GROUP, as_group=True)
    other = -1009999
    stage.there.chat(other, title="Another group", admins={kit.STRANGER})
    elsewhere = await stage.say("/start", chat=other, user=kit.STRANGER)
    query = stage.there.pressed(elsewhere, stage.data(card, "Pause"), user=kit.STRANGER)
    answers = await stage.api.until(lambda: stage.there.queries[query]["answers"])
    assert answers[0]["text"].startswith("You have no alert")
    assert not (await everybodys_rules(stage, kit))[0].paused


async def test_a_reply_survives_the_deletion_of_what_it_answers(stage, kit):
    stage.pictures.delay_s = 0.3
    asked = stage.there.said("/heatmap btc", chat=kit.GROUP, user=kit.MEMBER)
    await stage.api.until(lambda: stage.front._lanes.under_way)
    del stage.there.messages[kit.GROUP, asked["message_id"]]
    await stage.api.until(lambda: stage.api.shown(kit.GROUP))


async def test_a_group_where_pictures_are_forbidden_gets_the_words(stage, kit):
    stage.there.chat(kit.GROUP).refuses = "photos"
    message = await stage.say("/heatmap btc", chat=kit.GROUP, user=kit.MEMBER)
    assert message["text"].startswith("BTC liquidation heatmap, last 24h")


async def test_a_group_that_moves_while_it_is_answered_is_followed(stage, kit):
    await stage.say("/watch btc to=here", chat=kit.GROUP, user=kit.BOSS)
    old, new = kit.GROUP, -1009876
    stage.there.said("/market btc", chat=old, user=kit.MEMBER)
    stage.there.migrate(old, new, tell=False)
    await stage.api.until(lambda: stage.api.shown(new))
    await stage.quiet()
    assert (await everybodys_rules(stage, kit))[0].to_place == str(new)
