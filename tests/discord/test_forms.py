"""Forms and questions in Discord: a modal where one can be shown, buttons where not; both end in the same."""

import asyncio

from bot.commands.flows.dialogue import EXPIRES_MS
from storage.rules import list_rules


def text_of(message):
    return "\n".join(e.get("title", "") + "\n" + e.get("description", "") for e in message["embeds"])


def labels(message):
    return [b["label"] for row in message["components"] for b in row["components"]]


async def rules_of(stage, user):
    return await stage.desk.state.read(lambda session: list_rules(session, f"discord:{user}"))


async def opened(stage, person, name, options=None, **more):
    """Let somebody use a command that is answered with a form."""
    stage.desk.seconds[0] += 60
    asked = await stage.api.slash(person, name, options, **more)
    await stage.quiet()
    assert asked.kind == 9
    return asked


async def filled(stage, person, form, given, **more):
    """Let somebody fill in a form, and return what they are shown."""
    stage.desk.seconds[0] += 60
    asked = await stage.api.fill(person, form, given, **more)
    await stage.quiet()
    return asked.shown


def fields(asked):
    return {part["component"]["custom_id"]: part["component"] for part in asked.data["components"]}


async def test_alert_add_opens_a_form_that_ends_as_the_typed_line(stage, kit):
    form = await opened(stage, kit.BOSS, "alert add", channel=kit.DESK)
    assert form.data["title"] == "A new alert"
    shown = fields(form)
    assert list(shown) == ["symbol", "what", "amount", "severity", "note"]
    assert shown["symbol"]["value"] == "btc"
    assert [o["value"] for o in shown["severity"]["options"] if o["default"]] == ["warning"]
    assert "above" in [o["value"] for o in shown["what"]["options"]]
    (message,) = await filled(stage, kit.BOSS, form, {"symbol": "eth", "what": "falls", "amount": "3% in 1h"})
    assert message["flags"] & 64, "others read along"
    assert "Save this alert on ETH?" in text_of(message)
    await stage.press(kit.BOSS, message, "Save")
    (rule,) = await rules_of(stage, kit.BOSS)
    typed = {"when": "eth falls 3% in 1h", "severity": "warning", "save": True}
    await stage.slash(kit.MEMBER, "alert add", typed)
    (other,) = await rules_of(stage, kit.MEMBER)
    assert (rule.kind, rule.params, rule.symbol) == (other.kind, other.params, other.symbol)


async def test_a_template_can_be_chosen_in_the_form(stage, kit):
    form = await opened(stage, kit.BOSS, "alert add")
    (message,) = await filled(stage, kit.BOSS, form, {"what": "magnet-approach"})
    assert "Save this alert on BTC?" in text_of(message)


async def test_a_wrong_form_says_what_is_wrong_and_opens_again_as_it_was(stage, kit):
    form = await opened(stage, kit.BOSS, "alert add")
    given = {"what": "falls", "amount": "lots", "note": "keep me"}
    (wrong,) = await filled(stage, kit.BOSS, form, given)
    assert "lots" in text_of(wrong)
    stage.desk.seconds[0] += 60
    again = await stage.api.press(kit.BOSS, wrong, "Correct it")
    assert again.kind == 9
    assert fields(again)["note"]["value"] == "keep me"
    (message,) = await filled(stage, kit.BOSS, again, {"amount": "4%"})
    assert "Save this alert on BTC?" in text_of(message)


async def test_an_alert_is_edited_in_a_form_that_holds_what_is(stage, kit):
    given = {"when": "btc below 60000", "note": "old", "save": True}
    await stage.slash(kit.BOSS, "alert add", given)
    (card,) = await stage.slash(kit.BOSS, "alert show", {"id": 1})
    stage.desk.seconds[0] += 60
    form = await stage.api.press(kit.BOSS, card, "Edit")
    assert form.kind == 9
    assert fields(form)["when"]["value"] == "below 60000"
    assert fields(form)["note"]["value"] == "old"
    (message,) = await filled(stage, kit.BOSS, form, {"note": "new"})
    assert "Changed alert 1, BTC" in text_of(message)
    assert (await rules_of(stage, kit.BOSS))[0].note == "new"


async def test_the_list_leads_to_a_card_and_its_removal_is_asked_about(stage, kit):
    await stage.slash(kit.BOSS, "watch", {"symbol": "btc"})
    (listed,) = await stage.slash(kit.BOSS, "alert list")
    await stage.press(kit.BOSS, listed, "1 BTC")
    assert "Alert 1, BTC" in text_of(listed)
    await stage.press(kit.BOSS, listed, "Remove")
    assert "Remove alert 1, BTC?" in text_of(listed)
    assert len(await rules_of(stage, kit.BOSS)) == 1
    await stage.press(kit.BOSS, listed, "Keep")
    await stage.press(kit.BOSS, listed, "Remove")
    await stage.press(kit.BOSS, listed, "Yes")
    assert await rules_of(stage, kit.BOSS) == []


async def test_a_picture_without_a_market_asks_with_buttons_and_a_form_for_any(stage, kit):
    (asked,) = await stage.slash(kit.BOSS, "heatmap", {"share": True}, channel=kit.DESK)
    assert asked["flags"] & 64, "a question is for the asker alone"
    assert labels(asked)[:2] == ["BTC", "ETH"]
    stage.desk.seconds[0] += 60
    form = await stage.api.press(kit.BOSS, asked, "Type it")
    assert form.kind == 9
    (picture,) = await filled(stage, kit.BOSS, form, {"symbol": "eth"})
    assert picture["attachments"]
    (asked,) = await stage.slash(kit.MEMBER, "heatmap", channel=kit.DESK)
    await stage.press(kit.MEMBER, asked, "BTC")
    assert asked["attachments"], "the picture takes the place of the question"


async def test_what_is_slow_is_asked_with_buttons_since_a_form_is_too_late(stage, kit):
    stage.front._lanes.add(f"discord:{kit.BOSS}", lambda: asyncio.sleep(0.1))
    (message,) = await stage.slash(kit.BOSS, "alert add", channel=kit.DESK)
    assert "On which market?" in text_of(message)
    assert "Type it" in labels(message)


async def test_somebody_elses_form_and_question_are_politely_not_theirs(stage, kit):
    (asked,) = await stage.slash(kit.BOSS, "heatmap")
    (told,) = await stage.press(kit.STRANGER, asked, "BTC")
    assert "somebody else was asked" in text_of(told)
    form = await opened(stage, kit.BOSS, "alert add", channel=kit.DESK)
    (told,) = await filled(stage, kit.STRANGER, form, {"what": "falls", "amount": "3%"})
    assert "somebody else was asked" in text_of(told)
    assert await rules_of(stage, kit.STRANGER) == []


async def test_a_form_goes_on_after_a_restart_and_expires_politely(stage, make, kit):
    form = await opened(stage, kit.BOSS, "alert add")
    await stage.stop()
    again = make()
    await again.run()
    (message,) = await filled(again, kit.BOSS, form, {"what": "falls", "amount": "3%"})
    assert "Save this alert on BTC?" in text_of(message)
    form = await opened(again, kit.BOSS, "alert add")
    again.desk.wall[0] += EXPIRES_MS + 1
    (message,) = await filled(again, kit.BOSS, form, {"what": "falls", "amount": "3%"})
    assert "15 minutes" in text_of(message)
    again.desk.seconds[0] += 60
    assert (await again.api.press(kit.BOSS, message, "Begin again")).kind == 9


async def test_first_picture_and_first_watch_in_two_taps_in_direct_messages(stage, kit):
    (welcome,) = await stage.slash(kit.STRANGER, "start")
    (picture,) = await stage.press(kit.STRANGER, welcome, "BTC heatmap")
    assert picture["attachments"]
    (watching,) = await stage.press(kit.STRANGER, picture, "Watch BTC")
    assert "Watching BTC" in text_of(watching)
    assert len(await rules_of(stage, kit.STRANGER)) == 1
