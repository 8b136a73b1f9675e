"""One person's alerts, buttons and settings are out of reach of everybody else."""

import pytest

from bot.commands import ids
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
