"""Dialogues: what a command lacks is asked for, by steps or in a form, and ends as the typed line does."""

from dataclasses import replace

import pytest

from bot.commands.dispatch import Commands
from bot.commands.flows.dialogue import EXPIRES_MS
from storage.dialogues import MAX_DIALOGUES
from storage.rules import list_rules
from storage.tables import Dialogue


def actions(reply):
    return {b.label: b.action for row in reply.buttons for b in row}


async def press(desk, reply, label, *who):
    found = next(action for name, action in actions(reply).items() if name.startswith(label))
    return await desk.press(found, *who)


async def rules(desk, owner="local:owner"):
    return await desk.state.read(lambda session: list_rules(session, owner))


async def open_dialogues(desk):
    return await desk.state.read(lambda session: session.query(Dialogue).count())


async def submit(desk, reply, given, *, who=None):
    """Fill in a form as it stands, with some fields otherwise."""
    desk.seconds[0] += 60
    values = {field.name: field.value for field in reply.form.fields if field.value} | given
    return await desk.commands.submit(reply.form.action, values, who)


async def test_an_alert_is_made_by_buttons_alone(desk):
    asked = await desk.ok("/alert add")
    assert asked.title == "On which market?"
    for label in ("BTC", "Price falls by", "3%", "1h"):
        asked = await press(desk, asked, label)
        assert asked.edits
    assert dict(asked.fields) == {
        "Market": "BTC",
        "What": "Price falls by a percentage",
        "How much": "3%",
        "Within": "1h",
    }
    shown = await press(desk, asked, "critical")
    assert shown.title == "Save this alert on BTC?"
    assert await open_dialogues(desk) == 0
    await press(desk, shown, "Save")
    [rule] = await rules(desk)
    await desk.ok("/alert remove 1 sure=yes")
    await desk.ok("/alert add btc falls 3% in 1h severity=critical save=yes")
    [typed] = await rules(desk)
    assert (rule.kind, rule.params, rule.symbol) == (typed.kind, typed.params, typed.symbol)


async def test_answers_may_be_typed_and_what_is_wrong_is_said_and_asked_again(desk):
    await desk.ok("/alert add")
    wrong = await desk.say("bitcion")
    assert "Did you mean" in wrong.error
    assert wrong.title == "On which market?"
    assert "btc" in actions(wrong)
    assert (await desk.ok("$eth")).title == "What should happen?"
    assert (await desk.say("nothing")).error == "Choose one of these."
    assert (await desk.ok("below")).title == "Below which price?"
    wrong = await desk.say("soon")
    assert wrong.failed
    assert wrong.title == "Below which price?"
    assert (await desk.ok("3800")).title == "How much does it matter?"
    shown = await desk.ok("info")
    assert dict(shown.fields)["Watches"] == "eth below 3800 severity=info"


async def test_prices_are_offered_on_the_side_that_is_asked_about(desk):
    asked = await press(desk, await desk.ok("/alert add btc"), "Price falls below")
    offered = [label for label in actions(asked) if "%" in label]
    assert offered == ["112,100 (-1%)", "110,900 (-2%)", "107,500 (-5%)", "101,900 (-10%)"]


async def test_a_template_and_ones_own_words_lead_to_the_same_as_the_typed_lines(desk):
    asked = await press(desk, await desk.ok("/alert add btc"), "A template")
    shown = await press(desk, await press(desk, asked, "Magnet"), "warning")
    typed = await desk.ok("/alert template magnet-approach btc severity=warning")
    assert (shown.title, shown.text) == (typed.title, typed.text)
    asked = await press(desk, await desk.ok("/alert add btc"), "Something else")
    assert "falls 3% in 15m" in asked.text
    shown = await press(desk, await desk.ok("leaves 100000 to 120000"), "info")
    assert dict(shown.fields)["Watches"] == "btc leaves 100000 to 120000 severity=info"


async def test_what_this_installation_has_no_data_for_is_not_offered(desk):
    asked = await desk.ok("/alert add btc")
    assert not [label for label in actions(asked) if "Funding" in label or "liquidated" in label]
    assert [label for label in actions(asked) if "Open interest" in label]


async def test_a_form_asks_all_at_once_and_gives_the_same(desk, other):
    asked = await desk.ok("/alert add", other)
    assert asked.form.opens
    assert [field.name for field in asked.form.fields] == ["symbol", "what", "amount", "severity", "note"]
    given = {"symbol": "eth", "what": "rises", "amount": "2% in 4h", "severity": "info", "note": "my note"}
    shown = await submit(desk, asked, given, who=other)
    typed = await desk.ok('/alert add eth rises 2% in 4h severity=info note="my note"', other)
    assert (shown.title, shown.text, shown.fields) == (typed.title, typed.text, typed.fields)
    assert await open_dialogues(desk) == 0


async def test_a_form_that_is_wrong_is_kept_and_opened_again_as_it_was(desk, other):
    asked = await desk.ok("/alert add", other)
    given = {"what": "falls", "amount": "lots", "symbol": "eth"}
    wrong = await submit(desk, asked, given, who=other)
    assert wrong.failed
    again = await press(desk, wrong, "Correct it", other)
    assert again.form.opens
    kept = {f.name: f.value for f in again.form.fields}
    assert kept | given == kept
    assert (await submit(desk, again, {"amount": "4%"}, who=other)).title == "Save this alert on ETH?"


async def test_a_form_says_which_amount_is_missing(desk, other):
    asked = await desk.ok("/alert add", other)
    wrong = await submit(desk, asked, {"what": "falls"}, who=other)
    assert wrong.error == "How much is missing: By how much?"


async def test_an_alert_is_edited_by_buttons_with_what_it_is_now(desk):
    await desk.ok("/alert add btc below 60000 save=yes")
    card = await desk.ok("/alert show 1")
    asked = await press(desk, card, "Edit")
    assert asked.title == "What should be otherwise about alert 1?"
    asked = await press(desk, asked, "Silent after")
    assert "It is 1h now." in asked.text
    changed = await press(desk, asked, "4h")
    assert changed.title == "Changed alert 1, BTC"
    assert (await rules(desk))[0].cooldown_s == 4 * 3600


async def test_a_form_to_edit_holds_what_is_and_changes_only_what_is_otherwise(desk, me):
    await desk.ok('/alert add btc below 60000 severity=info note="old words" save=yes')
    asked = await desk.ok("/alert edit 1")
    assert {f.name: f.value for f in asked.form.fields} == {
        "when": "below 60000",
        "severity": "info",
        "cooldown": "1h",
        "repeat": "always",
        "note": "old words",
    }
    assert (await submit(desk, asked, {}, who=me)).error == "Nothing is otherwise than it was."
    changed = await submit(desk, asked, {"note": "new words"}, who=me)
    assert changed.title == "Changed alert 1, BTC"
    assert (await rules(desk))[0].note == "new words"
    shown = await submit(desk, await desk.ok("/alert edit 1"), {"severity": "critical"}, who=me)
    assert shown.title == "Change alert 1 to this?"


async def test_a_watch_is_edited_by_its_distances(desk):
    await desk.ok("/watch btc")
    asked = await press(desk, await desk.ok("/alert edit 1"), "Distances")
    assert "1%,3%,5%" in asked.text
    shown = await desk.ok("0.5%,2%")
    assert shown.title == "Change alert 1 to this?"
    wrong = await desk.ok("/alert edit 1")
    refused = await desk.say("within")
    assert not refused.failed
    refused = await desk.say("99%")
    assert refused.failed
    assert refused.title == "Distances?"
    assert wrong.command == "alert edit"


async def test_every_command_that_lacks_something_asks_for_it_and_gives_the_same_reply(desk):
    for line, answers, typed in (
        ("/watch", ("eth",), "/watch eth"),
        ("/heatmap", ("eth",), "/heatmap eth"),
        ("/heatmap 7d side=long", ("eth",), "/heatmap eth 7d side=long"),
        ("/check", ("btc", "112000"), "/check btc 112000"),
        ("/check 112000", ("btc",), "/check btc 112000"),
        ("/liqprice btc", ("long", "10x"), "/liqprice btc long 10x"),
        ("/alert show", ("1",), "/alert show 1"),
        ("/alert snooze for=8h", ("1",), "/alert snooze 1 for=8h"),
        ("/alert template", ("breakout", "btc"), "/alert template breakout btc"),
    ):
        reply = await desk.ok(line)
        for said in answers:
            assert reply.form is not None or reply.title == "On which market?", line
            button = next((b for row in reply.buttons for b in row if b.label.lower() == said), None)
            reply = await (desk.press(button.action) if button else desk.ok(said))
        wanted = await desk.ok(typed)
        assert (reply.title.replace("Changed your", "Watching"), reply.command) == (
            wanted.title.replace("Changed your", "Watching"),
            wanted.command,
        ), line
        assert list(actions(reply)) == list(actions(wanted)), line


async def test_markets_asked_for_last_are_offered_first_and_a_usual_one_is_taken(desk):
    await desk.ok("/zones eth")
    assert list(actions(await desk.ok("/heatmap")))[:2] == ["ETH", "BTC"]
    await desk.ok("/settings set symbol=btc")
    assert (await desk.ok("/heatmap")).title.startswith("BTC heatmap")
    assert next(iter(actions(await desk.ok("/watch")))) == "BTC"


async def test_back_asks_the_question_before_and_an_older_button_takes_back_what_came_after(desk):
    first = await desk.ok("/check")
    second = await press(desk, first, "BTC")
    assert (await press(desk, second, "Back")).title == "Which market?"
    await press(desk, first, "BTC")
    asked = await press(desk, first, "ETH")
    assert dict(asked.fields) == {"Market": "ETH"}


@pytest.mark.parametrize("way", ["button", "line"])
async def test_cancel_ends_it_and_changes_nothing(desk, way):
    asked = await desk.ok("/alert add")
    done = await (press(desk, asked, "Cancel") if way == "button" else desk.ok("/cancel"))
    assert done.title == "Cancelled: nothing was changed"
    assert "not open for you" in (await press(desk, asked, "BTC")).error
    assert (await desk.ok("/cancel")).title == "There was nothing to cancel"
    assert (await desk.say("btc")).error.startswith("BTC is a market.")


async def test_another_command_ends_a_dialogue_and_a_button_elsewhere_does_not(desk):
    await desk.ok("/alert add")
    card = await desk.press("v1:heatmap:-:BTCUSDT:24h")
    assert card.images
    assert await open_dialogues(desk) == 1
    await desk.ok("/zones btc")
    assert await open_dialogues(desk) == 0


async def test_a_question_waits_a_quarter_of_an_hour_and_then_closes_politely(desk):
    asked = await desk.ok("/alert add")
    desk.wall[0] += EXPIRES_MS + 1
    late = await press(desk, asked, "BTC")
    assert "15 minutes" in late.error
    assert (await press(desk, late, "Begin again")).title == "On which market?"
    desk.wall[0] += EXPIRES_MS + 1
    assert "15 minutes" in (await desk.say("60000")).error
    await desk.ok("/alert add")
    desk.wall[0] += EXPIRES_MS + 1
    assert (await desk.ok("zones btc")).command == "zones", "a line that says something is a command again"


async def test_a_dialogue_goes_on_after_a_restart(desk):
    asked = await desk.ok("/check btc")
    desk.commands = Commands(desk.services, clock=lambda: desk.seconds[0])
    assert (await desk.ok("112000")).title.startswith("BTC at $112,000")
    assert "not open for you" in (await press(desk, asked, "112,100")).error


async def test_somebody_elses_question_is_politely_not_theirs(desk, other):
    asked = await desk.ok("/alert add")
    refused = await press(desk, asked, "BTC", other)
    assert "somebody else was asked" in refused.error
    await desk.ok("/alert add", other)
    assert "somebody else was asked" in (await press(desk, asked, "BTC", other)).error
    assert (await press(desk, asked, "BTC")).title == "What should happen?"


async def test_each_place_has_its_own_dialogue_and_few_are_kept(desk, other):
    for number in range(MAX_DIALOGUES + 3):
        desk.wall[0] += 1
        await desk.ok("/alert add", replace(other, place=f"c{number}"))
    assert await open_dialogues(desk) == MAX_DIALOGUES
    await desk.ok("/alert add")
    await desk.ok("/cancel", replace(other, place="c7"))
    assert await open_dialogues(desk) == MAX_DIALOGUES


async def test_a_form_of_nobody_is_refused(desk, me):
    reply = await desk.commands.submit("v1:watch:-:BTCUSDT", {"symbol": "btc"}, me)
    assert reply.error == "I do not know that form."
    reply = await desk.commands.submit("v1:ask:form:gone", {"symbol": "btc"}, me)
    assert "not open for you" in reply.error


async def test_every_button_of_a_question_fits_and_every_form_is_small_enough(desk):
    for line in ("/alert add", "/alert add btc", "/settings set tz", "/channels add", "/alert template"):
        reply = await desk.say(line)
        for row in reply.buttons:
            assert len(row) <= 5
        assert len(reply.buttons) <= 5
        if reply.form:
            assert len(reply.form.fields) <= 5
