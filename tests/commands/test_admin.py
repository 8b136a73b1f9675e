"""What operators look at and do, and that nobody else sees any of it."""

from dataclasses import replace

import pytest

from bot.commands.registry import offering
from bot.commands.reply import Caller, Front
from bot.office import Office
from config.settings import load
from engine.errors import ConfigError
from engine.model import UserId
from engine.presets import PRESETS
from storage.outbox import State
from storage.tables import Delivery

CONSOLE = Caller(user_id=UserId("local:owner"), front=Front.CONSOLE, operator=True, may_post=True)
NAMED = Caller(user_id=UserId("telegram:7"), front=Front.TELEGRAM, place="7")
LINES = ("/admin feeds", "/admin deliveries", "/admin broadcast hello", "/admin reload")


class Files:
    """Settings as they stand in files."""

    def __init__(self, directory):
        self.directory = directory
        self.environ = {"LIQWATCH_OPERATORS": "telegram:7"}

    def read(self):
        return load(environ=self.environ, directory=self.directory)


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path)


@pytest.fixture
def office(desk, files):
    woken = []
    made = Office(
        files.read(),
        desk.state,
        now_ms=desk.market.now_ms,
        wall_ms=lambda: desk.wall[0],
        wake=lambda: woken.append(1),
        read=files.read,
    )
    made.woken = woken
    return made


@pytest.fixture
def run(desk, office, with_services):
    desk.commands = with_services(office=office)
    return desk


async def queued(desk):
    return await desk.state.read(lambda session: list(session.query(Delivery)))


@pytest.mark.parametrize("line", LINES)
async def test_whoever_is_no_operator_is_told_nothing_of_it(run, line):
    stranger = replace(NAMED, user_id=UserId("telegram:8"), place="8")
    for who in (stranger, replace(CONSOLE, front=Front.PANEL)):
        reply = await run.say(line, who)
        assert reply.failed
        assert "do not know" in reply.error.lower() or "There is no command" in reply.error
    assert "/admin" not in repr((await run.ok("/help", stranger)).table)
    assert await queued(run) == []


async def test_operators_of_the_terminal_and_of_the_settings_may(run):
    for who in (CONSOLE, NAMED):
        assert (await run.ok("/admin feeds", who)).table.rows[0][:2] == ("binance", "up")
        assert "/admin feeds" in repr((await run.ok("/help", who)).table)


def test_chats_have_the_commands_only_where_an_operator_is_named():
    for operators, there in (((), False), (("telegram:7",), True), (("discord:7",), False)):
        known = offering(PRESETS, "flow", operators)
        assert bool(known.find("admin feeds", Front.TELEGRAM)) is there
        assert known.find("admin feeds", Front.PANEL) is None
        assert known.find("admin feeds", Front.CONSOLE) is not None


async def test_a_broadcast_is_asked_about_and_goes_once_to_everybody_with_alerts(run, other, office):
    await run.ok("/watch btc")
    await run.ok("/watch eth", other)
    asked = await run.ok("/admin broadcast We restart at noon", CONSOLE)
    assert asked.title == "Send this to 2 users?"
    assert asked.text == "We restart at noon"
    assert await queued(run) == []
    yes = asked.buttons[0][0].action
    assert (await run.press(yes, other)).failed
    assert (await run.press(yes, CONSOLE)).title == "On its way to 2 users"
    assert office.woken
    sent = await queued(run)
    assert {row.user_id for row in sent} == {"local:owner", "discord:42"}
    assert {row.message["text"] for row in sent} == {"We restart at noon"}
    assert "sent already" in (await run.press(yes, CONSOLE)).error
    assert len(await queued(run)) == 2


async def test_messages_are_counted_and_what_was_lost_is_sent_again(run):
    await run.ok("/watch btc")
    await run.ok("/admin broadcast hello sure=yes", CONSOLE)

    def lose(session):
        row = session.query(Delivery).one()
        row.state, row.reason = State.DEAD.value, "no route"

    await run.state.run(lose)
    told = await run.ok("/admin deliveries", CONSOLE)
    assert told.fields == (("inapp DEAD", "1"),)
    assert told.table.rows[0][1:] == ("inapp", "DEAD", "warning", "no route")
    assert (await run.ok("/admin deliveries again=all", CONSOLE)).title == "1 message is sent once more"
    [row] = await queued(run)
    assert row.state == State.QUEUED.value
    assert "number" in (await run.say("/admin deliveries again=some", CONSOLE)).error


async def test_reading_the_settings_again_takes_over_what_can_be_and_names_the_rest(run, files, office):
    assert (await run.ok("/admin reload", CONSOLE)).title == "Nothing in the settings changed"
    files.environ = {"LIQWATCH_OPERATORS": "telegram:8", "LIQWATCH_MOST_SYMBOLS": "17"}
    told = await run.ok("/admin reload", CONSOLE)
    assert "Taken over: chat.operators." in told.text
    assert "After a restart:" in told.text
    assert "telegram:8" not in told.text, "names, never values"
    assert (await run.say("/admin feeds", NAMED)).failed
    assert not (await run.say("/admin feeds", replace(NAMED, user_id=UserId("telegram:8")))).failed


async def test_settings_that_are_wrong_change_nothing(run, files, office):
    files.environ = {"LIQWATCH_OPERATORS": "telegram:9", "LIQWATCH_PORT": "many"}
    with pytest.raises(ConfigError):
        files.read()
    told = await run.ok("/admin reload", CONSOLE)
    assert told.title == "The settings are wrong: nothing was changed"
    assert office.operators == {"telegram:7"}
