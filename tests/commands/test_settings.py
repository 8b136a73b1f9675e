"""`/settings` keeps what a user sets, repeats it in full words, and puts it back to its default."""

import pytest

from bot.alerting.context import preferences_of
from bot.commands.prefs import Prefs
from config.settings import AlertSettings
from engine.alerts.stage import QuietMode
from engine.model import Severity
from storage.users import get_settings


async def kept(desk, owner="local:owner"):
    return await desk.state.read(lambda s: get_settings(s, owner))


async def test_everything_is_shown(desk):
    told = dict((await desk.ok("/settings")).fields)
    assert told["tz"] == "UTC, where it is 10 Oct 20:35 UTC"
    assert told["quiet"] == "off"
    assert told["daily limit"] == "50 messages a day, from midnight UTC"
    assert told["cooldown"] == "1 hour for the same zone"
    assert told["digest"] == "08:00 and 20:00 (UTC)"
    assert told["within"] == "critical within 1%, warning within 3%, info within 5%"
    assert set(told) == {
        *("tz", "quiet", "quiet mode", "daily limit", "cooldown", "digest", "within"),
        *("language", "palette", "theme", "layout", "symbol"),
    }


async def test_setting_repeats_what_was_understood(desk):
    reply = await desk.ok("/settings set tz=berlin quiet=10pm-7am cooldown=50m")
    assert reply.title == "Saved"
    assert reply.fields == (
        ("tz", "Europe/Berlin, where it is 10 Oct 22:35 CEST"),
        ("quiet", "22:00 to 07:00 (Europe/Berlin)"),
        ("cooldown", "50 minutes for the same zone"),
    )
    assert await kept(desk) == {"tz": "Europe/Berlin", "quiet": "22:00-07:00", "cooldown_s": 3_000}


async def test_the_pipeline_reads_what_is_set(desk):
    await desk.ok("/settings set tz=Asia/Tokyo quiet=22:00-07:00 quiet_mode=drop limit=7 digest=9am,9pm")
    read = preferences_of(await kept(desk), AlertSettings())
    assert (read.tz, read.daily_limit, read.digest_min) == ("Asia/Tokyo", 7, (540, 1260))
    assert (read.quiet.start_min, read.quiet.end_min, read.quiet.mode) == (1320, 420, QuietMode.DROP)
    await desk.ok("/settings set quiet=off digest=off")
    read = preferences_of(await kept(desk), AlertSettings())
    assert (read.quiet, read.digest_min) == (None, ())
    assert dict((await desk.ok("/settings")).fields)["digest"] == "off"
    await desk.ok("/settings set digest=default limit=default")
    assert preferences_of(await kept(desk), AlertSettings()).digest_min == (480, 1200)


async def test_default_puts_one_back(desk):
    await desk.ok("/settings set tz=UTC theme=light symbol=eth layout=portrait palette=viridis within=2%")
    for name in ("tz", "theme", "symbol", "layout", "palette", "within"):
        await desk.ok(f"/settings set {name}=default")
    assert await kept(desk) == {}


async def test_what_follows_is_said(desk):
    assert "in UTC until you set your time zone" in (await desk.ok("/settings set quiet=22-7")).text
    await desk.ok("/settings set tz=berlin")
    assert (await desk.ok("/settings set quiet=23-7")).text == ""
    assert "alerts you add from now on" in (await desk.ok("/settings set within=2%")).text
    await desk.ok("/settings set theme=light")
    assert "theme=dark" in (await desk.ok("/settings set palette=viridis")).text


async def test_nothing_given_is_asked_for(desk):
    reply = await desk.say("/settings set")
    assert reply.error == "Say what to set."
    assert not (await desk.say(reply.example)).failed


async def test_settings_are_each_users_own(desk, other):
    await desk.ok("/settings set tz=Asia/Tokyo")
    assert await kept(desk, other.user_id) == {}
    assert dict((await desk.ok("/settings", other)).fields)["tz"].startswith("UTC")


def test_what_is_stored_in_a_wrong_form_counts_as_not_set():
    stored = {
        "tz": 5,
        "daily_limit": "many",
        "within": "x",
        "digest_times": [],
        "cooldown_s": True,
        "unknown": 1,
    }
    read = Prefs.of(stored, AlertSettings())
    assert read == Prefs(digest_times=())


@pytest.mark.parametrize(
    ("within", "steps"),
    [
        ((0.02,), {Severity.WARNING: 0.02}),
        ((0.01, 0.02), {Severity.CRITICAL: 0.01, Severity.WARNING: 0.02}),
        ((0.03, 0.01, 0.02), {Severity.CRITICAL: 0.01, Severity.WARNING: 0.02, Severity.INFO: 0.03}),
        ((), {Severity.CRITICAL: 0.01, Severity.WARNING: 0.03, Severity.INFO: 0.05}),
    ],
)
def test_distances_become_severities(within, steps):
    assert Prefs().steps(within) == steps


async def test_each_severity_has_its_own_distance(desk):
    reply = await desk.ok("/settings set critical=0.5% info=off")
    assert dict(reply.fields) == {"critical": "within 0.5%", "info": "off"}
    assert "alerts you add from now on" in reply.text
    card = await desk.ok("/watch btc")
    assert dict(card.fields)["Tells you"] == "critical within 0.5%, warning within 3%"
    assert "nearer" in (await desk.say("/settings set critical=4%")).error
    assert "has to be left" in (await desk.say("/settings set critical=off warning=off")).error
    shown = dict((await desk.ok("/settings show")).fields)
    assert shown["within"] == "critical within 0.5%, warning within 3%"
    reply = await desk.ok("/settings set critical=default")
    assert dict(reply.fields)["critical"] == "within 1%"
    reply = await desk.ok("/settings set within=1%,2%,4%")
    assert dict(reply.fields)["within"] == "critical within 1%, warning within 2%, info within 4%"


def button(reply, label):
    return next(b.action for row in reply.buttons for b in row if b.label == label)


async def test_what_is_changed_most_can_be_pressed(desk, other):
    shown = await desk.ok("/settings")
    assert [b.label for row in shown.buttons for b in row] == [
        *("Time zone", "Language", "Quiet hours", "Daily limit", "Palette", "Theme")
    ]
    for what, value, told in (
        ("Time zone", "America/Los_Angeles", ("tz", "America/Los_Angeles, where it is 10 Oct 13:35 PDT")),
        ("Quiet hours", "23:00-08:00", ("quiet", "23:00 to 08:00 (America/Los_Angeles)")),
        ("Daily limit", "10", ("daily limit", "10 messages a day, from midnight UTC")),
        ("Theme", "light", ("theme", "light")),
        ("Palette", "viridis", ("palette", "viridis")),
        ("Language", "English", ("language", "English")),
    ):
        asked = await desk.press(button(shown, what))
        assert asked.text.startswith("Now: ")
        assert not (await desk.ok(asked.text.rpartition(": ")[2], other)).failed
        saved = await desk.press(button(asked, value))
        assert saved.title == "Saved"
        assert told in saved.fields
        shown = await desk.press(button(saved, "Settings"))
        assert told in shown.fields
        assert asked.edits
        assert saved.edits
        assert shown.edits, "one message is enough"
    back = await desk.press(button(await desk.press(button(shown, "Theme")), "Back"))
    assert back.title == "Your settings"
