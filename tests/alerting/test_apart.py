"""Processes that share a store: what one of them saves is taken up by the one that watches."""

import pytest

from bot.alerting.apart import KEPT, Apart, Changes
from config.settings import load
from storage.state import StateStore


class Watching:
    """What takes changes up, and notes them."""

    def __init__(self):
        self.heard = []

    async def rules_changed(self, symbol):
        self.heard.append(("rules", symbol))

    async def settings_changed(self, owner):
        self.heard.append(("settings", owner))

    async def load(self):
        self.heard.append(("all", ""))


class Still:
    """A market clock that stands."""

    source_kind = "live"

    def now_ms(self):
        return 1_760_128_500_000


@pytest.fixture
async def state(tmp_path):
    store = await StateStore.open(f"sqlite:///{tmp_path / 'state.db'}")
    yield store
    await store.close()


@pytest.fixture
async def apart(state, tmp_path):
    settings = load(environ={}, directory=tmp_path)
    made = Apart(state, None, settings.alerts, Still())
    yield made
    await made.close()


async def test_what_is_saved_elsewhere_is_taken_up_once(state, apart):
    watching = Watching()
    changes = Changes(state, watching)
    await changes.look()
    await apart.rules_changed("BTCUSDT")
    await apart.rules_changed("BTCUSDT")
    await apart.settings_changed("discord:42")
    await changes.look()
    await changes.look()
    assert watching.heard == [("rules", "BTCUSDT"), ("settings", "discord:42")]


async def test_where_changes_were_missed_or_somebody_was_forgotten_everything_is_taken_up(state, apart):
    watching = Watching()
    changes = Changes(state, watching)
    await changes.look()
    for number in range(KEPT + 1):
        await apart.rules_changed(f"COIN{number}")
    await changes.look()
    assert watching.heard == [("all", "")]
    await apart.load()
    await changes.look()
    assert watching.heard == [("all", "")] * 2


async def test_a_process_that_only_answers_evaluates_nothing(apart):
    assert await apart.audit() == []
    assert await apart.forget_old() == 0
    await apart.sweep()
    await apart.on_event(object())
    await apart.on_tick(object(), None)
    assert apart.on_said(object()) is None
    assert apart.health().fault == ""


async def test_what_was_saved_elsewhere_while_the_watching_process_started_is_taken_up(state, apart):
    await apart.rules_changed("BTCUSDT")
    watching = Watching()
    await Changes(state, watching).look()
    assert watching.heard == [("all", "")]


@pytest.mark.parametrize(
    ("ids", "leads"), [(None, True), ("0", True), ("0-1", True), ("1", False), ("2,3", False)]
)
def test_the_process_with_shard_0_leads(tmp_path, ids, leads):
    given = {"LIQWATCH_DISCORD_SHARDS": "4"} | ({"LIQWATCH_DISCORD_SHARD_IDS": ids} if ids else {})
    assert load(environ=given, directory=tmp_path).chat.leads is leads
