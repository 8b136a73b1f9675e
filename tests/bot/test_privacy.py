"""What a user is handed of their channels: addresses as they are, nothing that signs or counts."""

import pytest
from pydantic import SecretStr

from bot.privacy import Privacy
from storage import channels, codes
from storage.channels import NewChannel
from storage.market import MarketStore
from storage.sealed import Sealer
from storage.state import StateStore

ME, YOU = "local:owner", "telegram:2"
SEALER = Sealer(SecretStr("k" * 40))


@pytest.fixture
async def state(tmp_path):
    store = await StateStore.open(f"sqlite:///{tmp_path / 'state.db'}")
    yield store
    await store.close()


@pytest.fixture
async def market(tmp_path):
    store = await MarketStore.open(tmp_path / "market.duckdb")
    yield store
    await store.close()


def fill(session):
    for owner, address in ((ME, "me@example.org"), (YOU, "you@example.org")):
        new = NewChannel(kind="email", address=address, secret="whsec_hidden")
        row = channels.add_channel(session, owner, new, SEALER, wall_ms=5)
        codes.new_code(session, row, address, SEALER, wall_ms=5)


async def forgotten(_user_id):
    """Forget nothing in memory."""


@pytest.mark.parametrize(("sealer", "shown"), [(SEALER, "me@example.org"), (None, None)])
async def test_the_export_has_ones_own_addresses_and_no_secret(state, market, sealer, shown):
    await state.run(fill)
    privacy = Privacy(state, market, forgotten, sealer=sealer)
    found = await privacy.export(ME)
    (row,) = found["channels"]
    assert row["address"] == shown
    assert set(row) & {"secret", "mark"} == set()
    assert "digest" not in found["channel_codes"][0]
    assert "you@" not in str(found)


async def test_what_is_forgotten_is_gone(state, market):
    await state.run(fill)
    counts = await Privacy(state, market, forgotten, sealer=SEALER).forget(ME)
    assert (counts["channels"], counts["channel_codes"]) == (1, 1)
    assert await state.read(lambda s: channels.list_channels(s, ME)) == []
    assert len(await state.read(lambda s: channels.list_channels(s, YOU))) == 1
