"""`liqwatch deliveries` lists dead letters, shows one whole, and has them sent again beside a worker."""

import asyncio
import importlib.util
import json
import sys
from pathlib import Path

import pytest

from bot.__main__ import main
from bot.delivery.worker import Worker
from engine.errors import Permanent
from engine.model import Severity
from storage.outbox import State
from storage.settle import close
from storage.state import StateStore
from storage.tables import Delivery

PATH = Path(__file__).parents[1] / "delivery" / "conftest.py"
if "delivery_conftest" not in sys.modules:
    spec = importlib.util.spec_from_file_location("delivery_conftest", PATH)
    sys.modules["delivery_conftest"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["delivery_conftest"])
shared = sys.modules["delivery_conftest"]


@pytest.fixture
async def state(tmp_path):
    store = await StateStore.open(f"sqlite:///{tmp_path / 'replay' / 'state.db'}")
    yield store
    await store.close()


@pytest.fixture
def say(tmp_path, capsys):
    async def run(*given, code=0):
        flags = ["--source", "replay", "--data-dir", str(tmp_path)]
        assert await asyncio.to_thread(main, ["deliveries", *given, *flags]) == code
        return capsys.readouterr()

    return run


def fill(session):
    """Write a dead mail of one user, a refused webhook of another, and one that arrived."""
    dead = shared.queue(session, "a1", channel="email", destination="3", user_id="telegram:1")
    refused = shared.queue(session, "a2", channel="webhook", destination="4", severity=Severity.CRITICAL)
    fine = shared.queue(session, "a3", channel="email", destination="3", user_id="telegram:1")
    close(session, [(dead, "telegram:1", "RETRY")], State.DEAD, "gave up after 10 attempts: it slept", 5)
    close(session, [(refused, "local:owner", "SENDING")], State.FAILED, "it answered 400", 6)
    close(session, [(fine, "telegram:1", "SENDING")], State.ACCEPTED, "", 7)
    return dead, refused, fine


async def test_dead_letters_are_listed_newest_first(state, say):
    dead, refused, fine = await state.run(fill)
    lines = (await say("list")).out.splitlines()
    assert [int(line.split()[0]) for line in lines] == [refused, dead]
    assert lines[1].endswith("email 3 telegram:1: a1 - gave up after 10 attempts: it slept")
    found = [
        json.loads(line) for line in (await say("list", "--json", "--channel", "email")).out.splitlines()
    ]
    assert [(each["delivery"], each["state"], each["user"]) for each in found] == [
        (dead, "DEAD", "telegram:1")
    ]
    every = (await say("list", "--state", "all", "--user", "telegram:1", "--json")).out.splitlines()
    assert [json.loads(line)["delivery"] for line in every] == [fine, dead]
    assert (await say("list", "--user", "telegram:9")).out == "None.\n"


async def test_one_is_shown_with_its_steps_and_the_other_ways_of_its_alert(state, say):
    _, refused, _ = await state.run(fill)
    other = await state.run(
        lambda s: shared.enqueue(s, shared.outgoing("a2", channel="inapp"), shared.wall_ms())
    )
    told = json.loads((await say("show", str(refused), "--json")).out)
    assert [(e["from"], e["to"]) for e in told["events"]] == [("", "QUEUED"), ("SENDING", "FAILED")]
    assert [each["delivery"] for each in told["same_alert"]] == [other]
    assert "-> FAILED  it answered 400" in (await say("show", str(refused))).out


async def test_what_is_sent_again_arrives(state, say):
    dead, refused, _ = await state.run(fill)
    far = shared.Far(name="email", plan=[Permanent("no")])
    worker = Worker(state, [far])
    running = asyncio.create_task(worker.run())
    out = (await say("requeue", str(dead), "--json")).out
    assert json.loads(out)["state"] == "QUEUED"

    async def stands(wanted):
        row = await state.read(lambda s: s.get(Delivery, dead))
        return row.state == wanted

    await shared.until(lambda: stands(State.FAILED), timeout_s=30)
    await say("requeue", "--channel", "email")
    await shared.until(lambda: stands(State.ACCEPTED), timeout_s=30)
    worker.stop()
    await running
    assert far.titles == ["a1"]
    events = json.loads((await say("show", str(dead), "--json")).out)["events"]
    assert sum(e["reason"] == "sent again by the operator" for e in events) == 2
    assert (await state.read(lambda s: s.get(Delivery, refused).state)) == State.FAILED


async def test_what_is_no_dead_letter_is_left_alone(state, say):
    dead, _, fine = await state.run(fill)
    for given, told in (
        (("requeue", str(dead), str(fine)), "is ACCEPTED"),
        (("requeue", "999"), "There is no delivery 999"),
        (("show", "999"), "There is no delivery 999"),
        (("requeue",), "Say which"),
        (("requeue", "--state", "all"), "is not sent again"),
        (("list", "--state", "LOST"), "is no state"),
    ):
        assert told in (await say(*given, code=2)).err
    assert await state.read(lambda s: s.get(Delivery, dead).state) == State.DEAD
