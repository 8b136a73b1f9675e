"""Questions in Telegram: by buttons and typed answers, in private and in groups."""

from bot.commands.flows.dialogue import EXPIRES_MS
from storage.rules import list_rules


def labels(message):
    return [b["text"] for row in message["reply_markup"]["inline_keyboard"] for b in row]


async def rules_of(stage, user):
    return await stage.desk.state.read(lambda session: list_rules(session, f"telegram:{user}"))


def lines(message):
    return message["text"].splitlines()


async def test_an_alert_is_made_by_buttons_in_one_message_that_changes(stage, kit):
    asked = await stage.say("/alert add")
    assert lines(asked)[0] == "On which market?"
    assert labels(asked)[:4] == ["BTC", "ETH", "SOL", "PEPE"]
    for label in ("ETH", "Price falls by a percentage", "3%", "1h", "critical: at once, always"):
        await stage.press(asked, label)
    assert stage.api.shown(kit.BOSS) == [asked], "one message, changed each time"
    assert lines(asked)[0] == "Save this alert on ETH?"
    await stage.press(asked, "Save")
    (rule,) = await rules_of(stage, kit.BOSS)
    await stage.say("/alert add eth falls 3% in 1h severity=critical save=yes", user=kit.MEMBER)
    (typed,) = await rules_of(stage, kit.MEMBER)
    assert (rule.kind, rule.params, rule.symbol) == (typed.kind, typed.params, typed.symbol)


async def test_answers_are_typed_and_a_wrong_one_keeps_the_dialogue(stage, kit):
    await stage.say("/alert add")
    wrong = await stage.say("bitcion")
    assert "Did you mean" in lines(wrong)[0]
    assert "btc" in labels(wrong), "what was probably meant can be pressed"
    await stage.press(wrong, "btc")
    assert lines(wrong)[0] == "What should happen?"
    await stage.press(wrong, "Price falls below a level")
    told = await stage.say("soon")
    assert lines(told)[0].startswith("⚠️")
    assert "Below which price?" in told["text"]
    await stage.say("60,000")
    shown = await stage.say("warning")
    assert lines(shown)[0] == "Save this alert on BTC?"


async def test_a_menu_entry_alone_asks_for_what_it_needs(stage, kit):
    asked = await stage.say("/watch")
    assert lines(asked)[0] == "Which market?"
    await stage.press(asked, "ETH")
    assert lines(asked)[0] == "Watching ETH"
    asked = await stage.say("/heatmap")
    await stage.press(asked, "BTC")
    assert stage.api.shown(kit.BOSS)[-1]["caption"].startswith("BTC liquidation heatmap")


async def test_cancel_and_an_old_button(stage, kit):
    asked = await stage.say("/alert add")
    told = await stage.say("/cancel")
    assert lines(told)[0] == "Cancelled: nothing was changed"
    (answer,) = await stage.press(asked, "BTC")
    assert "not open for you" in answer["text"]
    assert answer["show_alert"]


async def test_a_question_expires_politely_and_begins_again_by_a_button(stage, kit):
    asked = await stage.say("/alert add")
    stage.desk.wall[0] += EXPIRES_MS + 1
    await stage.press(asked, "BTC")
    late = stage.api.shown(kit.BOSS)[-1]
    assert "15 minutes" in late["text"]
    await stage.press(late, "Begin again")
    assert "On which market?" in stage.api.shown(kit.BOSS)[-1]["text"]


async def test_a_dialogue_goes_on_after_a_restart(stage, make, kit):
    asked = await stage.say("/check btc")
    await stage.stop()
    again = make()
    await again.run()
    await again.press(asked, "112,100 (-1%)")
    assert lines(asked)[0].startswith("BTC at $112,100")


async def test_in_a_group_what_is_ones_own_is_asked_in_private(stage, kit):
    told = await stage.say("/watch", user=kit.MEMBER, chat=kit.GROUP)
    (row,) = told["reply_markup"]["inline_keyboard"]
    assert row[0]["url"].endswith("?start=watch")
    asked = await stage.say("/start watch", user=kit.MEMBER)
    assert lines(asked)[0] == "Which market?"
    told = await stage.say("/alert add", user=kit.MEMBER, chat=kit.GROUP)
    assert told["reply_markup"]["inline_keyboard"][0][0]["url"].endswith("?start=alert_add")
    assert lines(await stage.say("/start alert_add", user=kit.MEMBER))[0] == "On which market?"


async def test_in_a_group_a_question_takes_its_askers_press_and_reply_and_nobody_elses(stage, kit):
    asked = await stage.say("/check btc", user=kit.MEMBER, chat=kit.GROUP)
    assert lines(asked)[0] == "At which price?"
    (answer,) = await stage.press(asked, "112,100 (-1%)", user=kit.STRANGER)
    assert "somebody else was asked" in answer["text"]
    mine = {k: v for k, v in asked.items() if not k.startswith("_")}
    await stage.unheard("112000", user=kit.STRANGER, chat=kit.GROUP, reply_to_message=mine)
    await stage.unheard("112000", user=kit.MEMBER, chat=kit.GROUP)
    told = await stage.say("112000", user=kit.MEMBER, chat=kit.GROUP, reply_to_message=mine)
    assert lines(told)[0].startswith("BTC at $112,000")
    await stage.unheard("thanks", user=kit.MEMBER, chat=kit.GROUP, reply_to_message=mine)


async def test_an_admin_is_asked_in_the_group_what_is_to_be_posted_there(stage, kit):
    asked = await stage.say("/watch to=here", user=kit.BOSS, chat=kit.GROUP)
    assert lines(asked)[0] == "Which market?"
    await stage.press(asked, "BTC", user=kit.BOSS)
    (rule,) = await rules_of(stage, kit.BOSS)
    assert rule.to_place == str(kit.GROUP)


async def test_the_list_leads_to_a_card_and_removal_is_asked_about(stage, kit):
    await stage.say("/watch btc")
    listed = await stage.say("/alert list")
    await stage.press(listed, "1 BTC")
    assert lines(listed)[0] == "Alert 1, BTC"
    await stage.press(listed, "Edit")
    assert lines(listed)[0] == "What should be otherwise about alert 1?"
    await stage.press(listed, "Silent after it was told")
    await stage.press(listed, "4h")
    assert lines(listed)[0] == "Changed alert 1, BTC"
    await stage.press(listed, "Remove")
    assert lines(listed)[0] == "Remove alert 1, BTC?"
    assert len(await rules_of(stage, kit.BOSS)) == 1
    await stage.press(listed, "Yes, remove it")
    assert await rules_of(stage, kit.BOSS) == []
    assert len(stage.api.shown(kit.BOSS)) == 2, "all of it in one message"


async def test_a_first_picture_and_a_first_watch_in_two_taps(stage, kit):
    welcome = await stage.say("/start", user=kit.STRANGER)
    await stage.press(welcome, "BTC heatmap", user=kit.STRANGER)
    picture = stage.api.shown(kit.STRANGER)[-1]
    await stage.press(picture, "Watch BTC", user=kit.STRANGER)
    assert len(await rules_of(stage, kit.STRANGER)) == 1
