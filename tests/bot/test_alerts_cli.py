"""`liqwatch alerts history` reads the store beside a process that writes it; `check` says what just fired."""

import json
import time
from datetime import UTC, datetime

import pytest

from bot.__main__ import main
from bot.alerts_cli import FIRED, lines_of
from bot.commands.alert_check import FILE
from bot.commands.reply import File, Reply
from engine.errors import DataError
from storage.state import StateStore
from storage.tables import Alert, Delivery
from storage.users import ensure_user

T0 = 1_760_126_400_000
OWNER = "local:owner"


def alert(number, *, owner=OWNER, wall_ms=None, action="send", reason="critical_leads"):
    return Alert(
        alert_id=f"a{number}",
        fire_id=f"f{number}",
        user_id=owner,
        rule_id=3,
        kind="zone_proximity",
        symbol="BTCUSDT",
        severity="critical",
        subject="z",
        audience="inapp|",
        market_ms=T0 + number * 60_000,
        wall_ms=wall_ms or time.time_ns() // 1_000_000,
        price=95.5,
        action=action,
        reason=reason,
        hold_until_ms=None,
        carrier_id=None,
        facts={},
        epoch=0,
    )


def delivery():
    return Delivery(
        key="k",
        revision=0,
        alert_id="a1",
        user_id=OWNER,
        channel="inapp",
        destination=OWNER,
        severity="critical",
        priority=0,
        state="ACCEPTED",
        message={},
        market_ms=T0,
        created_wall_ms=1,
        next_wall_ms=1,
        epoch=0,
    )


@pytest.fixture
async def store(tmp_path):
    """The store of a process that runs: it stays open for writing."""
    opened = await StateStore.open(f"sqlite:///{tmp_path / 'd' / 'replay' / 'state.db'}")

    def fill(session):
        for user in (OWNER, "discord:7"):
            ensure_user(session, user, 1)
        session.add_all([alert(1), alert(2, action="suppress", reason="all_paused")])
        session.add_all([alert(3, owner="discord:7"), alert(4, wall_ms=1), delivery()])

    await opened.run(fill)
    yield opened
    await opened.close()


@pytest.fixture
def history(tmp_path, monkeypatch, capsys):
    """Run `liqwatch alerts history …`; return exit code, lines, standard error."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        code = main(["alerts", "history", "--source", "replay", "--data-dir", "d", *arguments])
        out, err = capsys.readouterr()
        return code, out.splitlines(), err

    return run


async def test_one_users_alerts_oldest_first_with_what_became_of_them(store, history):
    code, lines, _ = history()
    assert code == 0
    assert [line.split()[2] for line in lines] == ["a1", "a2"]  # a4 was decided long ago, a3 is another's
    assert lines[0].startswith("2025-10-10 20:01:00Z a1 critical BTC")
    assert lines[1].endswith("not sent: You had paused all alerts.")


async def test_json_lines_say_where_it_went(store, history):
    code, lines, _ = history("--json", "--since", "2025-10-10T20:00")
    assert code == 0
    first, second, third = map(json.loads, lines)
    assert [each["alert"] for each in (first, second, third)] == ["a4", "a1", "a2"]
    assert second["at"] == datetime.fromtimestamp(T0 / 1000 + 60, UTC).isoformat()
    assert (second["verdict"], second["reason"], second["carried_by"]) == ("sent", "critical_leads", "a1")
    assert second["told"] == [{"channel": "inapp", "state": "ACCEPTED", "why": "", "revision": 0}]


async def test_another_user_and_a_later_time(store, history):
    assert [line.split()[2] for line in history("--user", "discord:7")[1]] == ["a3"]
    since = history("--since", "2025-10-10T20:02:00")[1]
    assert [line.split()[2] for line in since] == ["a4", "a2"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--user", "nobody:1"), "Nobody called 'nobody:1' is known"),
        (("--since", "yesterday"), "'yesterday' is neither a time nor how long ago"),
    ],
)
async def test_what_cannot_be_is_said_with_an_example(store, history, arguments, told):
    code, lines, err = history(*arguments)
    assert (code, lines) == (2, [])
    assert told in err
    assert "For example: liqwatch alerts history" in err


def test_nothing_is_made_where_there_is_nothing(history, tmp_path):
    code, _, err = history()
    assert code == 2
    assert "There is no history yet" in err
    assert not (tmp_path / "d").exists()


async def test_a_store_of_another_version_is_left_as_it_is(store, history):
    await store.run(lambda s: s.connection().exec_driver_sql("UPDATE alembic_version SET version_num='0001'"))
    code, _, err = history()
    assert code == 1
    assert "is of an earlier version: start Liqwatch once" in err


def test_check_wants_once(capsys):
    with pytest.raises(SystemExit):
        main(["alerts", "check"])
    assert "--once" in capsys.readouterr().err


def test_a_process_that_does_not_know_the_command_is_said_to_be_old():
    with pytest.raises(DataError, match="restart it"):
        lines_of(Reply(command="alert check"))
    file = File(content=b'{"fired": true}\n{"fired": false}', name=FILE, media_type="text/plain")
    assert [each["fired"] for each in lines_of(Reply(command="alert check", files=(file,)))] == [True, False]
    assert FIRED not in (0, 1, 2)
