"""A replay goes on where it stopped, and a start further back voids what came after."""

import asyncio

import pytest

from bot.position import PlaceKeeper, find_place
from storage.epochs import current_epoch
from storage.state import StateStore

DEFAULT = 1_000_000


@pytest.fixture
async def state(tmp_path):
    store = await StateStore.open(f"sqlite:///{tmp_path / 'state.db'}")
    yield store
    await store.close()


async def place(state, asked=None):
    return await find_place(state, asked_ms=asked, default_ms=DEFAULT, wall_ms=lambda: 7)


async def test_first_start_then_goes_on(state):
    first = await place(state)
    assert (first.start_ms, first.backwards) == (DEFAULT, False)
    keeper = PlaceKeeper(state)
    keeper.reached(DEFAULT + 1)
    keeper.reached(DEFAULT + 5)
    await keeper.flush()
    await keeper.flush()
    assert (await place(state)).start_ms == DEFAULT + 5
    assert await state.read(current_epoch) == 0


async def test_the_same_start_goes_on_and_another_one_moves(state):
    assert (await place(state, asked=500)).start_ms == 500
    keeper = PlaceKeeper(state)
    keeper.reached(900)
    await keeper.flush()
    assert (await place(state, asked=500)).start_ms == 900
    moved = await place(state, asked=2_000)
    assert (moved.start_ms, moved.backwards) == (2_000, False)
    assert await state.read(current_epoch) == 0
    back = await place(state, asked=100)
    assert (back.start_ms, back.backwards) == (100, True)
    assert await state.read(current_epoch) == 1
    assert (await place(state)).start_ms == 100


async def test_a_start_at_the_very_beginning_of_time_counts(state):
    assert (await place(state, asked=0)).start_ms == 0


async def test_the_keeper_writes_while_it_runs(state):
    await place(state)
    keeper = PlaceKeeper(state)
    task = asyncio.create_task(keeper.run())
    keeper.reached(DEFAULT + 10)
    async with asyncio.timeout(5):
        while (await place(state)).start_ms != DEFAULT + 10:
            await asyncio.sleep(0.01)
    task.cancel()
