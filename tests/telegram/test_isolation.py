"""One person's alerts, buttons and settings are out of reach of everybody else."""

import pytest

from bot.commands import ids
from bot.commands.reply import Front
from storage.rules import list_rules
from storage.users import get_settings

VICTIM, THIEF = 42, 44


@pytest.fixture
async def victims(stage):
    """A person with an alert, settings and an open question; what they own is returned to compare."""
    stage.there.chat(THIEF)
    card = await stage.say("/watch btc within=1% min=7M", user=VICTIM)
    await stage.say("/settings set tz=Asia/Tokyo quiet=22:00-07:00", user=VICTIM)
    asked = await stage.say("/data forget", user=VICTIM)
    return card, asked


async def owned(stage):
    def read(session):
        rules = [
            (r.rule_id, r.paused, r.snoozed_until_ms, r.to_place) for r in list_rules(session, "telegram:42")
        ]
        return rules, get_settings(session, "telegram:42")

    return await stage.desk.state.read(read)


async def test_no_button_of_anothers_does_anything(stage, victims, kit):
    before = await owned(stage)
    card = victims[0]
    number = str(before[0][0][0])
    data = [b["callback_data"] for m in victims for row in m["reply_markup"]["inline_keyboard"] for b in row]
    data += [
        ids.action("alert", verb, number) for verb in ("pause", "resume", "remove", "test", "show", "why")
    ]
    data += [ids.action("alert", "snooze", number, "8h"), ids.action("alert", "pause", number, edits=True)]
    data += [ids.action("watch", "", "BTCUSDT", f"to={place}") for place in ("here", "dm")]
    mine = await stage.say("/start", user=THIEF)
    in_group = await stage.say("/start", chat=kit.GROUP, user=THIEF)
    for message in (mine, in_group):
        for action in data:
            stage.desk.seconds[0] += 60
            query = stage.there.pressed(message, action, user=THIEF)
            await stage.api.until(lambda q=query: stage.there.queries[q]["answers"])
            await stage.quiet()
    assert await owned(stage) == before
    told = "\n".join(m.get("text", "") for chat in (THIEF, kit.GROUP) for m in stage.api.shown(chat))
    toasts = "\n".join(a.get("text", "") for q in stage.there.queries.values() for a in q["answers"])
    for secret in ("Tokyo", "7,000,000", "22:00"):
        assert secret not in told + toasts
    assert card["text"].startswith("Watching BTC"), "nothing of theirs was changed"


async def test_no_command_reads_or_changes_anothers(stage, victims, kit):
    before = await owned(stage)
    number = before[0][0][0]
    lines = [f"/alert {verb} {number}" for verb in ("show", "pause", "resume", "snooze", "test", "remove")]
    lines += [
        "/alert list",
        "/alert history",
        "/alert pause all",
        "/unwatch all",
        "/settings show",
        "/data show",
    ]
    for line in lines:
        message = await stage.say(line, user=THIEF)
        assert "Tokyo" not in message["text"]
        assert "7,000,000" not in message["text"]
    assert await owned(stage) == before


async def test_rules_drafts_and_codes_are_out_of_reach(stage, kit):
    stage.there.chat(THIEF)
    await stage.say('/alert add btc falls 3% in 15m note="a secret" save=yes', user=VICTIM)
    shown = await stage.say("/alert add btc below 60000", user=VICTIM)
    number = (await owned(stage))[0][0][0]
    before = await owned(stage)
    for line in (
        *(f"/alert {verb} {number}" for verb in ("show", "share", "test", "pause", "snooze", "remove")),
        f"/alert edit {number} severity=critical save=yes",
        f"/alert edit {number} btc falls 1% in 15m",
        "/alert save",
        "/alert list",
    ):
        message = await stage.say(line, user=THIEF)
        assert "secret" not in message["text"], line
    mine = await stage.say("/start", user=THIEF)
    for row in shown["reply_markup"]["inline_keyboard"]:
        for button in row:
            stage.desk.seconds[0] += 60
            query = stage.there.pressed(mine, button["callback_data"], user=THIEF)
            await stage.api.until(lambda q=query: stage.there.queries[q]["answers"])
            await stage.quiet()
    assert await owned(stage) == before
    assert not await stage.desk.state.read(lambda s: list_rules(s, f"telegram:{THIEF}"))
    shared = await stage.say(f"/alert share {number}", user=VICTIM)
    code = shared["text"].split("/alert import ")[1].split()[0]
    message = await stage.say(f"/alert import {code} btc save=yes", user=THIEF)
    assert "secret" not in message["text"]
    (copy,) = await stage.desk.state.read(lambda s: list_rules(s, f"telegram:{THIEF}"))
    assert (copy.note, copy.symbol) == ("", "BTCUSDT")
    assert await owned(stage) == before


async def test_each_reply_goes_to_the_chat_it_was_asked_in(stage, kit):
    stage.there.chat(THIEF)
    for line in ("/settings show", "/data export", "/alert list", "/heatmap btc"):
        before = len(stage.api.shown(THIEF))
        await stage.say(line, user=VICTIM)
        assert len(stage.api.shown(THIEF)) == before


async def test_the_export_holds_ones_own_alone(stage, victims):
    await stage.say("/watch eth", user=THIEF)
    await stage.say("/data export", user=THIEF)
    content = stage.api.of("sendDocument", chat=THIEF)[-1].files["document"][1].decode()
    assert "telegram:44" in content
    assert "telegram:42" not in content
    assert "Tokyo" not in content


def all_shown(stage, *chats):
    """Return everything that was shown in chats and in answers to presses, as one text."""
    answers = [a for query in stage.there.queries.values() for a in query["answers"]]
    return str([list(stage.api.shown(chat)) for chat in chats] + answers)


async def test_every_command_with_what_is_anothers(stage, kit):
    stage.there.chat(THIEF)
    loot = await kit.thief.rob(stage.desk, f"telegram:{VICTIM}", Front.TELEGRAM, kit.shared.make_view().zones)
    for attempt in kit.thief.attempts(Front.TELEGRAM, loot):
        await stage.say(attempt.line, user=THIEF)
    await kit.thief.nothing_was_had(stage.desk, loot, f"telegram:{THIEF}", all_shown(stage, THIEF))


async def test_every_button_with_what_is_anothers(stage, kit):
    stage.there.chat(THIEF)
    loot = await kit.thief.rob(stage.desk, f"telegram:{VICTIM}", Front.TELEGRAM, kit.shared.make_view().zones)
    mine = await stage.say("/start", user=THIEF)
    in_group = await stage.say("/start", chat=kit.GROUP, user=THIEF)
    for attempt in kit.thief.attempts(Front.TELEGRAM, loot):
        if not attempt.button:
            assert not attempt.command.button_only
            continue
        for message in (mine, in_group):
            stage.desk.seconds[0] += 60
            query = stage.there.pressed(message, attempt.button, user=THIEF)
            await stage.api.until(lambda q=query: stage.there.queries[q]["answers"])
            await stage.quiet()
    told = all_shown(stage, THIEF, kit.GROUP)
    await kit.thief.nothing_was_had(stage.desk, loot, f"telegram:{THIEF}", told)
