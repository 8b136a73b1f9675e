"""What links in messages lead to, on a real store."""

import asyncio
import importlib.util
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from bot.delivery.channel import Picture
from bot.linked import Linked
from engine.model import Severity
from storage import channels, codes
from storage.channels import NewChannel
from storage.outbox import State
from storage.sealed import Sealer
from storage.state import StateStore
from storage.tables import Delivery, OwnChannel, Rule

PATH = Path(__file__).parents[1] / "delivery" / "conftest.py"
if "delivery_conftest" not in sys.modules:
    spec = importlib.util.spec_from_file_location("delivery_conftest", PATH)
    sys.modules["delivery_conftest"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["delivery_conftest"])
shared = sys.modules["delivery_conftest"]


@pytest.fixture
async def state(tmp_path):
    store = await StateStore.open(f"sqlite:///{tmp_path / 'state.db'}")
    yield store
    await store.close()


@pytest.fixture
def changed():
    return []


@pytest.fixture
def linked(state, changed):
    async def draw(request):
        return Picture(png=b"png", alt=request.symbol, name="x.png")

    async def rules_changed(symbol):
        changed.append(symbol)

    return Linked(state, draw, rules_changed)


def add_rule(session, rule_id, channel, place, *, user_id="local:owner", symbol="BTCUSDT", paused=False):
    rule = Rule(
        rule_id=rule_id,
        user_id=user_id,
        kind="zone_proximity",
        symbol=symbol,
        params={},
        cooldown_s=60,
        to_channel=channel,
        to_place=place,
        paused=paused,
        created_ms=1,
        created_wall_ms=1,
    )
    session.add(rule)


async def test_stop_pauses_what_comes_there_and_drops_what_waits(state, linked, changed):
    def fill(session):
        shared.queue(session, "a1", channel="email", destination="house")
        shared.queue(session, "a2", channel="email", destination="other", severity=Severity.INFO)
        add_rule(session, 1, "email", "house")
        add_rule(session, 2, "email", "house", symbol="ETHUSDT")
        add_rule(session, 3, "email", "house", paused=True)
        add_rule(session, 4, "email", "other")
        add_rule(session, 5, "webhook", "house")

    await state.run(fill)
    assert await linked.stop("email", "house") == 2
    assert sorted(changed) == ["BTCUSDT", "ETHUSDT"]
    rules = await state.read(lambda s: set(s.scalars(select(Rule.rule_id).where(Rule.paused))))
    assert rules == {1, 2, 3}
    states = await state.read(lambda s: dict(s.execute(select(Delivery.alert_id, Delivery.state)).all()))
    assert states == {"a1": State.VOID, "a2": State.QUEUED}
    assert await linked.stop("email", "house") == 0


SEALER = Sealer(SecretStr("k" * 40))


def add_channel(session, *, verified=None):
    new = NewChannel(kind="email", address="me@example.org")
    row = channels.add_channel(session, "local:owner", new, SEALER, wall_ms=5)
    row.verified_wall_ms = verified
    return row.channel_id


async def test_stop_turns_a_users_channel_off_until_it_is_tested(state, changed):
    linked = Linked(state, None, lambda symbol: asyncio.sleep(0, changed.append(symbol)), sealer=SEALER)
    number = await state.run(lambda s: add_channel(s, verified=5))
    await state.run(lambda s: add_rule(s, 1, "email", str(number)))
    assert await linked.stop("email", str(number)) == 1
    row = await state.read(lambda s: channels.get_channel(s, "local:owner", number))
    assert row.off_reason == "its reader wanted no more"
    assert not channels.usable(row)


async def test_who_stops_codes_gets_no_more_of_them(state):
    linked = Linked(state, None, lambda symbol: asyncio.sleep(0), sealer=SEALER)
    number = await state.run(add_channel)
    assert await linked.stop("webhook", f"code:{number}") == 0  # another kind's link ends nothing
    assert await linked.stop("email", f"code:{number}") == 0
    assert await state.read(lambda s: channels.list_channels(s, "local:owner")) == []

    def again(session):
        row = session.get(OwnChannel, add_channel(session))
        return codes.new_code(session, row, "me@example.org", SEALER, wall_ms=10)

    assert await state.run(again) is codes.Limited.REFUSED


async def test_a_picture_is_drawn_for_the_message_that_wants_one(state, linked):
    body = {"title": "t", "text": "x", "picture": {"symbol": "ETHUSDT", "window_ms": 60_000}}
    with_one = await state.run(lambda s: shared.queue(s, "a1", channel="webhook", message=body))
    without = await state.run(lambda s: shared.queue(s, "a2", channel="webhook"))
    assert (await linked.picture(with_one)).alt == "ETHUSDT"
    assert await linked.picture(without) is None
    assert await linked.picture(999) is None
