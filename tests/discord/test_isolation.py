"""What is one person's stays theirs; posting in a channel needs its manager, and the bot its rights."""

import pytest

from bot.commands.reply import Front
from engine.model import UserId
from storage.rules import list_rules
from storage.users import get_settings


def text_of(message):
    parts = [message["content"]]
    for embed in message["embeds"]:
        parts += [embed.get("title", ""), embed.get("description", "")]
    return "\n".join(filter(None, parts))


def hidden(message):
    return bool(message["flags"] & 64)


async def rules(stage, person):
    return await stage.desk.state.read(lambda session: list_rules(session, UserId(f"discord:{person}")))


async def test_alerts_of_one_are_out_of_reach_of_another(stage, kit):
    await stage.slash(kit.BOSS, "watch", {"symbol": "btc"}, channel=kit.DESK)
    (rule,) = await rules(stage, kit.BOSS)
    for name in ("show", "pause", "resume", "test", "remove"):
        (told,) = await stage.slash(kit.MEMBER, f"alert {name}", {"id": str(rule.rule_id)}, channel=kit.DESK)
        assert "You have no alert" in text_of(told)
        assert hidden(told)
    (listed,) = await stage.slash(kit.MEMBER, "alert list", channel=kit.DESK)
    assert "BTC" not in text_of(listed)
    assert [r.paused for r in await rules(stage, kit.BOSS)] == [False]


async def test_rules_drafts_and_codes_of_one_are_out_of_reach_of_another(stage, kit):
    line = {"when": "btc falls 3% in 15m", "note": "secret", "save": True}
    await stage.slash(kit.BOSS, "alert add", line, channel=kit.DESK)
    (rule,) = await rules(stage, kit.BOSS)
    number = {"id": str(rule.rule_id)}
    for name in ("show", "share", "test", "pause", "snooze", "remove"):
        (told,) = await stage.slash(kit.MEMBER, f"alert {name}", number, channel=kit.DESK)
        assert "You have no alert" in text_of(told)
        assert "secret" not in text_of(told)
        assert hidden(told)
    given = number | {"severity": "critical", "save": True}
    (told,) = await stage.slash(kit.MEMBER, "alert edit", given, channel=kit.DESK)
    assert "You have no alert" in text_of(told)
    (shown,) = await stage.slash(kit.BOSS, "alert add", {"when": "btc below 60000"}, channel=kit.DESK)
    before = text_of(shown)
    for label in ("Save", "Change", "Cancel"):
        (told,) = await stage.press(kit.MEMBER, shown, label)
        assert "not a draft of yours" in text_of(told)
        assert hidden(told)
    (told,) = await stage.slash(kit.MEMBER, "alert save", channel=kit.DESK)
    assert "no alert that waits" in text_of(told)
    assert text_of(shown) == before
    assert await rules(stage, kit.MEMBER) == []
    assert len(await rules(stage, kit.BOSS)) == 1
    await stage.press(kit.BOSS, shown, "Save")
    assert len(await rules(stage, kit.BOSS)) == 2
    (shared,) = await stage.slash(kit.BOSS, "alert share", number, channel=kit.DESK)
    code = text_of(shared).split("/alert import code:")[1].split()[0]
    given = {"code": code, "when": "btc", "save": True}
    (copied,) = await stage.slash(kit.MEMBER, "alert import", given, channel=kit.DESK)
    assert "secret" not in text_of(copied)
    (copy,) = await rules(stage, kit.MEMBER)
    assert (copy.note, copy.params) == ("", rule.params)


async def test_suggestions_name_only_ones_own_alerts(stage, api, kit):
    await stage.slash(kit.BOSS, "watch", {"symbol": "btc"}, channel=kit.DESK)
    mine = await api.suggest(kit.BOSS, "alert show", "id", "", channel=kit.DESK)
    theirs = await api.suggest(kit.MEMBER, "alert show", "id", "", channel=kit.DESK)
    assert any("BTC" in c["name"] for c in mine)
    assert not any("BTC" in c["name"] for c in theirs)


async def test_a_button_of_somebody_elses_alert_answers_politely_no(stage, api, kit):
    (shown,) = await stage.slash(kit.BOSS, "watch", {"symbol": "btc"}, channel=kit.DESK)
    before = text_of(shown)
    (told,) = await stage.press(kit.MEMBER, shown, "Pause")
    assert "You have no alert" in text_of(told)
    assert hidden(told)
    assert text_of(shown) == before
    assert [r.paused for r in await rules(stage, kit.BOSS)] == [False]


async def test_a_button_on_a_public_message_shows_the_presser_alone_what_is_theirs(stage, api, kit):
    (shown,) = await stage.slash(kit.BOSS, "heatmap", {"symbol": "btc", "share": True}, channel=kit.DESK)
    (told,) = await stage.press(kit.MEMBER, shown, "Watch BTC")
    assert hidden(told)
    assert len(await rules(stage, kit.MEMBER)) == 1
    assert await rules(stage, kit.BOSS) == []
    assert await stage.press(kit.MEMBER, shown, "3d") == []
    assert "last 3d" in text_of(shown)


async def test_settings_are_ones_own(stage, kit):
    await stage.slash(kit.BOSS, "settings set", {"tz": "Asia/Tokyo"}, channel=kit.DESK)
    (shown,) = await stage.slash(kit.MEMBER, "settings show", channel=kit.DESK)
    assert "Tokyo" not in text_of(shown)
    assert hidden(shown)
    stored = await stage.desk.state.read(lambda s: get_settings(s, UserId(f"discord:{kit.MEMBER}")))
    assert not stored


async def test_forgetting_is_confirmed_by_the_one_who_asked(stage, kit):
    await stage.slash(kit.BOSS, "watch", {"symbol": "btc"}, channel=kit.DESK)
    (asked,) = await stage.slash(kit.BOSS, "data forget", channel=kit.DESK)
    label = next(b["label"] for row in asked["components"] for b in row["components"] if b["style"] == 4)
    (told,) = await stage.press(kit.MEMBER, asked, label)
    assert hidden(told)
    assert len(await rules(stage, kit.BOSS)) == 1
    await stage.press(kit.BOSS, asked, label)
    assert await rules(stage, kit.BOSS) == []


async def test_posting_needs_a_manager(stage, kit):
    (told,) = await stage.slash(kit.MEMBER, "watch", {"symbol": "btc", "to": "here"}, channel=kit.DESK)
    assert "Only who manages" in text_of(told)
    assert await rules(stage, kit.MEMBER) == []


@pytest.mark.parametrize("permission", ["MANAGE_GUILD", "MANAGE_CHANNELS"])
async def test_a_manager_may_have_alerts_posted(stage, kit, permission):
    allowed = getattr(kit.world, permission)
    given = {"symbol": "btc", "to": "here"}
    (told,) = await stage.slash(kit.BOSS, "watch", given, channel=kit.DESK, permissions=allowed)
    assert "this chat" in text_of(told)
    (rule,) = await rules(stage, kit.BOSS)
    assert (rule.to_channel, rule.to_place) == ("discord", str(kit.DESK))


LACKS = {"SEND": "Send Messages", "EMBED": "Embed Links", "ATTACH": "Attach Files", "VIEW": "View Channel"}


@pytest.mark.parametrize(("lacks", "name"), LACKS.items())
async def test_what_the_bot_lacks_is_named(stage, kit, lacks, name):
    app = kit.world.ALL_OF_THE_BOT & ~getattr(kit.world, lacks)
    more = {"permissions": kit.world.MANAGE_GUILD, "app": app}
    (told,) = await stage.slash(kit.BOSS, "watch", {"symbol": "btc", "to": "here"}, channel=kit.DESK, **more)
    assert f"Give me {name}" in text_of(told)
    assert await rules(stage, kit.BOSS) == []


async def test_an_app_that_somebody_brought_along_does_not_post(stage, kit):
    more = {"permissions": kit.world.MANAGE_GUILD, "guild": 999}
    (told,) = await stage.slash(kit.BOSS, "watch", {"symbol": "btc", "to": "here"}, channel=kit.DESK, **more)
    assert "not a member of this server" in text_of(told)
    (shown,) = await stage.slash(kit.BOSS, "heatmap", {"symbol": "btc"}, channel=kit.DESK, **more)
    assert shown["attachments"]


async def test_alone_with_the_bot_here_means_direct_messages(stage, kit):
    await stage.slash(kit.BOSS, "watch", {"symbol": "btc", "to": "here"})
    (rule,) = await rules(stage, kit.BOSS)
    assert (rule.to_channel, rule.to_place) == ("discord", "")


def option_types(api):
    """Return the type of every option as Discord was told of it, by command."""
    found = {}
    for noun in api.commands:
        verbs = [o for o in noun.get("options", []) if o["type"] == 1] or [noun]
        for verb in verbs:
            name = noun["name"] if verb is noun else f"{noun['name']} {verb['name']}"
            found[name] = {o["name"]: o["type"] for o in verb.get("options", [])}
    return found


def as_option(value, kind):
    """Return a value as Discord would send it: 4 is an integer, 5 yes or no, 10 a number."""
    return {4: int, 5: lambda word: word == "yes", 10: float}.get(kind, str)(value)


async def test_every_command_with_what_is_anothers(stage, api, kit):
    loot = await kit.thief.rob(stage.desk, f"discord:{kit.BOSS}", Front.DISCORD, kit.shared.make_view().zones)
    types, told = option_types(api), []
    for attempt in kit.thief.attempts(Front.DISCORD, loot):
        if attempt.command.button_only:
            continue
        name = attempt.command.name
        given = {n: as_option(v, types[name][n]) for n, v in attempt.values.items()}
        told += await stage.slash(kit.MEMBER, name, given, channel=kit.DESK)
    await kit.thief.nothing_was_had(stage.desk, loot, f"discord:{kit.MEMBER}", str(told))


@pytest.mark.parametrize("private", [True, False])
async def test_every_button_with_what_is_anothers(stage, api, kit, private):
    loot = await kit.thief.rob(stage.desk, f"discord:{kit.BOSS}", Front.DISCORD, kit.shared.make_view().zones)
    channel, told = None if private else kit.DESK, []
    for attempt in kit.thief.attempts(Front.DISCORD, loot):
        if not attempt.button:
            assert not attempt.command.button_only
            continue
        (message,) = await stage.slash(kit.MEMBER, "help", channel=channel)
        forged = {"type": 2, "style": 1, "label": "Press", "custom_id": attempt.button}
        message["components"] = [{"type": 1, "components": [forged]}]
        told += [*await stage.press(kit.MEMBER, message, "Press"), message]
    await kit.thief.nothing_was_had(stage.desk, loot, f"discord:{kit.MEMBER}", str(told))
