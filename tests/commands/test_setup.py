"""`/setup` sets up a server by buttons or typing, for its managers alone; it decides who may post."""

import json
from dataclasses import dataclass, field, replace

import pytest

from bot.commands.grounds import Finding, Named
from bot.commands.reply import Caller, Front
from engine.model import Severity
from storage.rules import NewRule, add_rule, list_rules, watch_params
from storage.servers import host_of, server_values

SERVER = "discord:200"
BOSS = Caller(
    user_id="discord:42",
    front=Front.DISCORD,
    place="300",
    server=SERVER,
    private=False,
    may_post=True,
    manages=True,
    able=True,
)
MEMBER = replace(BOSS, user_id="discord:43", may_post=False, manages=False, roles=("77",))
ADMIN = replace(BOSS, user_id="telegram:42", front=Front.TELEGRAM, place="-100/7", server="telegram:-100")


@dataclass
class Town:
    """A platform with two channels and two roles, where posting in #alerts is not allowed."""

    looked: list = field(default_factory=list)

    async def inspect(self, place, *, role=""):
        self.looked.append((place, role))
        fix = "edit the channel, Permissions"
        return [
            Finding(name="View Channel", has=True),
            Finding(name="Send Messages", has=place != "301", fix=fix),
        ]

    def channels(self, server):
        return [Named(key="300", title="desk"), Named(key="301", title="alerts")]

    def roles(self, server):
        return [Named(key="77", title="Traders"), Named(key="78", title="Mods")]


@pytest.fixture
def town(desk, with_services):
    made = Town()
    desk.commands = with_services(grounds={"discord": made})
    return made


async def kept(desk, server=SERVER):
    return await desk.state.read(lambda s: server_values(s, server))


async def test_everything_is_set_by_pressing_alone(desk, town):
    shown = await desk.ok("/setup", BOSS)
    labels = [button.label for row in shown.buttons for button in row]
    assert labels == [
        "Channel",
        "Who may add",
        "Pings",
        "Language",
        "Time zone",
        "Quiet hours",
        "Budget",
        "Check",
    ]
    spoken = "en"  # from then on a place is answered in its own language
    wanted = ["#desk", "Everyone", "@Traders", "Deutsch", "Europe/Berlin", "22:00-07:00", "20"]
    for button, choice in zip([b for row in shown.buttons for b in row], wanted, strict=False):
        step = await desk.press(button.action, BOSS)
        assert step.edits
        pick = next(b for row in step.buttons for b in row if b.label == choice)
        done = await desk.press(pick.action, BOSS)
        title = "Saved" if spoken == "en" else "Gespeichert"
        assert (done.title, done.edits) == (title, True), done.error
        spoken = "de" if choice == "Deutsch" else spoken
    assert await kept(desk) == {
        "channel": "300",
        "may_add": "everyone",
        "ping_role": "77",
        "language": "de",
        "tz": "Europe/Berlin",
        "quiet": "22:00-07:00",
        "budget": 20,
    }


async def test_every_button_of_every_step_fits_its_64_bytes(desk, town):
    shown = await desk.ok("/setup", BOSS)
    for row in shown.buttons:
        for button in row:
            step = await desk.press(button.action, BOSS)
            assert all(b.action for r in step.buttons for b in r), button.label


@pytest.mark.parametrize(
    ("typed", "name", "value"),
    [
        ("channel=#alerts", "channel", "301"),
        ("channel=<#301>", "channel", "301"),
        ("channel=here", "channel", "300"),
        ("ping=@traders", "ping_role", "77"),
        ("ping=<@&78>", "ping_role", "78"),
        ("who=@Mods", "may_add", "78"),
        ("quiet=off", "quiet", ""),
        ("budget=none", "budget", None),
    ],
)
async def test_names_are_understood_the_way_people_write_them(desk, town, typed, name, value):
    await desk.ok(f"/setup set {typed}", BOSS)
    assert (await kept(desk)).get(name) == value


@pytest.mark.parametrize(
    "typed", ["ping=@everyone", "ping=<@&200>", "who=@nobody", "channel=#other", "channel=999"]
)
async def test_what_is_not_there_is_refused_and_everyone_is_never_called(desk, town, typed):
    reply = await desk.say(f"/setup set {typed}", BOSS)
    assert "I see no" in reply.error
    assert await kept(desk) == {}


@pytest.mark.parametrize("line", ["/setup", "/setup set budget=5", "/setup check", "/data export about=here"])
async def test_only_managers_may(desk, town, line):
    reply = await desk.say(line, MEMBER)
    assert "Manage Server" in reply.error
    reply = await desk.say(line, replace(ADMIN, manages=False))
    assert "admins of this group" in reply.error
    alone = replace(BOSS, server="", private=True)
    assert "servers and groups" in (await desk.say(line, alone)).error
    assert await kept(desk) == {}


async def test_a_button_pressed_by_somebody_else_does_nothing(desk, town):
    shown = await desk.ok("/setup", BOSS)
    reply = await desk.press(shown.buttons[0][0].action, MEMBER)
    assert reply.failed
    assert not reply.edits


async def test_check_says_what_is_missing_and_how_to_give_it(desk, town):
    assert (await desk.ok("/setup check", BOSS)).title == "All is well there"
    reply = await desk.ok("/setup set channel=#alerts", BOSS)
    assert "Saved, but I cannot post there yet" in reply.text
    await desk.ok("/setup set ping=@Traders", BOSS)
    found = await desk.ok("/setup check", BOSS)
    assert found.title == "Something is missing there"
    assert "✗ Send Messages: edit the channel, Permissions" in found.text
    assert "✓ View Channel" in found.text
    assert town.looked[-1] == ("301", "77")


async def test_who_may_add_is_kept_to(desk, town):
    assert "Only who manages" in (await desk.say("/watch btc to=here", MEMBER)).error
    await desk.ok("/setup set who=@Mods", BOSS)
    assert "Only certain roles" in (await desk.say("/watch btc to=here", MEMBER)).error
    await desk.ok("/setup set who=@Traders", BOSS)
    await desk.ok("/watch btc to=here", MEMBER)
    unable = replace(MEMBER, able=False)
    assert (await desk.say("/watch eth to=here", unable)).failed, "the bot itself cannot post there"
    await desk.ok("/setup set who=managers", BOSS)
    assert (await desk.say("/watch eth to=here", MEMBER)).failed


async def test_the_channel_that_is_set_is_where_to_channel_posts(desk, town):
    refused = await desk.say("/watch btc to=channel", BOSS)
    assert "No channel is set up" in refused.error
    await desk.ok("/setup set channel=#alerts", BOSS)
    await desk.ok("/watch btc to=channel", BOSS)
    (rule,) = await desk.state.read(lambda s: list_rules(s, "discord:42"))
    assert (rule.to_channel, rule.to_place) == ("discord", "301")
    assert (await desk.state.read(lambda s: host_of(s, "discord", "301"))).server_id == SERVER


async def test_alerts_that_were_posted_before_go_by_what_is_set_from_then_on(desk, town):
    params = watch_params({Severity.WARNING: 0.03}, hysteresis=0.0025)
    old = NewRule(symbol="BTCUSDT", params=params, to_channel="discord", to_place="301")
    await desk.state.run(lambda s: add_rule(s, "discord:50", old, now_ms=1, wall_ms=1))
    await desk.ok("/setup set tz=Asia/Tokyo", BOSS)
    host = await desk.state.read(lambda s: host_of(s, "discord", "301"))
    assert host.values["tz"] == "Asia/Tokyo"


async def test_a_server_has_room_for_so_many_alerts(desk, with_services):
    few = desk.services.defaults.model_copy(update={"most_rules_in_server": 1})
    desk.commands = with_services(defaults=few)
    await desk.ok("/watch btc to=here", BOSS)
    reply = await desk.say("/watch eth to=here", replace(BOSS, user_id="discord:44"))
    assert "1 alerts are posted here" in reply.error


async def test_a_group_has_the_same_without_roles(desk):
    shown = await desk.ok("/setup", ADMIN)
    assert "Pings" not in [b.label for row in shown.buttons for b in row]
    await desk.ok("/setup set channel=here tz=Europe/Berlin budget=10", ADMIN)
    assert (await kept(desk, "telegram:-100"))["channel"] == "-100/7"
    assert (await desk.state.read(lambda s: host_of(s, "telegram", "-100/7"))).values["budget"] == 10


async def test_what_a_server_has_is_exported_and_forgotten_for_its_managers(desk, town):
    await desk.ok("/setup set tz=Asia/Tokyo channel=here", BOSS)
    await desk.ok("/report add btc every=4h", BOSS)
    await desk.ok("/watch btc to=here", BOSS)
    exported = await desk.ok("/data export about=here", BOSS)
    assert exported.title.startswith("Everything stored about this place: ")
    (file,) = exported.files
    tables = json.loads(file.content)["tables"]
    assert tables["servers"][0]["values"]["tz"] == "Asia/Tokyo"
    assert tables["server_reports"][0]["symbol"] == "BTCUSDT"
    assert "discord:42" not in file.content.decode(), "whose it is, is theirs"
    asked = await desk.ok("/data forget about=here", BOSS)
    assert asked.title == "Delete everything about this place?"
    assert "Your alerts" not in asked.text, "those of members stay"
    button = asked.buttons[0][0].action
    assert (await desk.press(button, MEMBER)).failed
    assert (await desk.press(button, replace(BOSS, server="discord:999"))).failed
    assert (await desk.press(button, BOSS)).title == "Everything about this place is deleted"
    assert await kept(desk) == {}
    assert (await desk.ok("/report list", BOSS)).title == "No reports yet"
    (rule,) = await desk.state.read(lambda s: list_rules(s, "discord:42"))
    assert rule.paused
