"""Two processes over one store, a shard each: each answers its own servers, one of them watches and sends."""

import importlib.util
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.process, pytest.mark.soak, pytest.mark.timeout(240)]

BOSS = 42


def load(name, path):
    """Load a module by its path: tests are no package."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


PEERS = Path(__file__).parents[1] / "peers"
peer = load("peers_discord", PEERS / "discord.py")
world = peer.world
NEAR, FAR = world.CHANNEL, world.FAR_CHANNEL


@pytest.fixture
async def api():
    server = await peer.Discord().start()
    server.there.guilds[world.FAR_GUILD] = {FAR: "far"}
    yield server
    await server.stop()
    assert server.faults == []


async def test_what_is_saved_through_one_process_is_sent_by_the_other(launch, api, tmp_path):
    chat = {
        "LIQWATCH_DISCORD_TOKEN": peer.TOKEN,
        "LIQWATCH_DISCORD_API_URL": api.api_url,
        "LIQWATCH_DISCORD_GATEWAY_URL": api.gateway_url,
        "LIQWATCH_DISCORD_SHARDS": "2",
        "LIQWATCH_STATE_URL": f"sqlite:///{tmp_path / 'state.db'}",
    }
    first = chat | {"LIQWATCH_DISCORD_SHARD_IDS": "0"}
    second = chat | {"LIQWATCH_DISCORD_SHARD_IDS": "1"}
    await launch(directory=tmp_path / "first", extra_env=first)
    await api.until(lambda: len(api.sessions) == 1, 60)
    await launch(directory=tmp_path / "second", extra_env=second)
    await api.until(lambda: len(api.sessions) == 2, 60)
    saved = await api.slash(BOSS, "watch", {"symbol": "btc"}, channel=FAR)
    assert "Watching BTC" in saved.shown[0]["embeds"][0]["title"]
    known = await api.slash(BOSS, "watch", {"symbol": "btc"}, channel=NEAR)
    assert "watching BTC already" in known.shown[0]["embeds"][0]["description"]
    assert (len(saved.shown), len(known.shown)) == (1, 1)
    await api.until(lambda: api.dm(BOSS), 60)  # the replay passes a zone at once
    told = [c for c in api.of("POST", r"/channels/\d+/messages") if c.payload.get("content")]
    assert len({c.payload["content"] for c in told}) == len(told)
