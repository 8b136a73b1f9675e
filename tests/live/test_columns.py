"""Columns are found in memory, else in the store, else made: each once, and the same each way."""

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from adapters.replay import Replay
from bot.live.columns import PAST_MS, Ask, ColumnDesk, columns_days, name_of, step_for
from engine.columns import Columns, coarsen, rounded
from engine.errors import StorageError
from engine.heatmap import Heatmap
from engine.model import DAY_MS, HOUR_MS, STEP_MS
from engine.presets import FLOW, LEVERAGE, with_weights
from storage.market import MarketStore

FIRST_MS = 1_759_276_800_000


def at(step: float) -> int:
    return FIRST_MS + int(step * STEP_MS)


class Told:
    """A history that notes from when on it was asked, and that can be made to wait."""

    def __init__(self, source, *, coins=False) -> None:
        self.source, self.coins = source, coins
        self.since: list[int] = []

    async def __call__(self, since_ms, until_ms):
        self.since.append(since_ms)
        await asyncio.sleep(0.01)
        found = await self.source.history("BTCUSDT", since_ms=since_ms, until_ms=until_ms)
        if not self.coins:
            return found
        number = (found.ts - FIRST_MS) // STEP_MS
        return replace(found, open_interest=80_000.0 + 300.0 * np.sin(number / 7.0) + number)


@pytest.fixture
async def store(tmp_path):
    store = await MarketStore.open(tmp_path / "market.duckdb")
    yield store
    await store.close()


@pytest.fixture
def source(folder):
    return Replay(folder, symbols=("BTCUSDT",), start_ms=at(1400), speed=None)


def ask(first, end, *, preset=FLOW, step_ms=STEP_MS, **more):
    scale = 1.0 if preset is LEVERAGE else 3.4e6
    return Ask(
        venue="binance",
        symbol="BTCUSDT",
        preset=preset,
        usd_scale=scale,
        t0=at(first),
        t1=at(end),
        step_ms=step_ms,
        **more,
    )


def same(one: Columns, other: Columns) -> bool:
    names = ("ts", "close", "close_bin", "long", "short")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


async def plain(history, wanted: Ask) -> Columns:
    """Return what a model says that is fed all there is at once."""
    columns = Heatmap(wanted.preset, usd_scale=wanted.usd_scale).feed(await history(0, wanted.t1))
    kept = columns[int(np.searchsorted(columns.ts, wanted.t0)) :]
    return rounded(kept if wanted.step_ms == STEP_MS else coarsen(kept, wanted.step_ms))


@pytest.mark.parametrize("step_ms", [STEP_MS, HOUR_MS])
@pytest.mark.parametrize("preset", [FLOW, LEVERAGE])
async def test_what_is_made_is_found_again(store, source, preset, step_ms):
    history, wanted = Told(source, coins=preset is LEVERAGE), ask(960, 1200, preset=preset, step_ms=step_ms)
    desk = ColumnDesk(store)
    made = await desk.find(wanted, history)
    assert same(made, await plain(history, wanted))
    assert made.long.sum() > 0
    await desk.close()
    await store.flush()
    again = ColumnDesk(store)
    assert same(await again.find(wanted, history), made)
    assert (desk.made, again.made) == (1, 0)
    assert same(await again.find(wanted, history), made)  # from memory: nobody is asked
    part = ask(972, 1176, preset=preset, step_ms=step_ms)
    inner = made[int(np.searchsorted(made.ts, part.t0)) : int(np.searchsorted(made.ts, part.t1))]
    assert same(await again.find(part, history), inner)
    assert again.made == 0


async def test_a_model_goes_on_from_where_it_was_kept(store, source):
    history, desk = Told(source, coins=True), ColumnDesk(store)
    await desk.find(ask(960, 1203, preset=LEVERAGE, step_ms=HOUR_MS), history)
    await desk.close()
    await store.flush()
    later, again = ask(972, 1230, preset=LEVERAGE, step_ms=HOUR_MS), ColumnDesk(store)
    history.since.clear()
    found = await again.find(later, history)
    assert history.since == [at(972) - PAST_MS, at(1199)]  # the hour that had not ended is made anew
    assert same(found, await plain(history, later))


async def test_who_asks_for_the_same_waits_for_the_same_work(store, source):
    desk, wanted = ColumnDesk(store), ask(960, 1200)
    first, *others = await asyncio.gather(*(desk.find(wanted, Told(source)) for _ in range(5)))
    assert desk.made == 1
    assert all(other is first for other in others)
    await desk.close()


async def test_one_who_gives_up_takes_nothing_from_the_others(store, source):
    desk, wanted = ColumnDesk(store), ask(960, 1200)
    impatient = asyncio.create_task(desk.find(wanted, Told(source)))
    patient = asyncio.create_task(desk.find(wanted, Told(source)))
    await asyncio.sleep(0)
    impatient.cancel()
    assert len(await patient) == 240
    await desk.close()


async def test_what_somebody_tries_out_is_not_stored(store, source):
    tried = with_weights(LEVERAGE, [0.1, 0.2, 0.3, 0.2, 0.1])
    desk, wanted = ColumnDesk(store), ask(960, 1200, preset=tried, stored=False)
    found = await desk.find(wanted, Told(source, coins=True))
    await desk.close()
    await store.flush()
    assert found.long.sum() > 0
    assert not len(await store.column_times(wanted.mark))
    assert name_of(LEVERAGE) == "leverage" != name_of(tried)
    assert name_of(tried).startswith("leverage~")


async def test_another_scale_is_other_columns(store, source):
    desk, wanted = ColumnDesk(store), ask(960, 1200)
    await desk.find(wanted, Told(source))
    await desk.close()
    await store.flush()
    other = ColumnDesk(store)
    halved = await other.find(replace(wanted, usd_scale=1.7e6), Told(source))
    assert other.made == 1
    np.testing.assert_allclose(halved.long * 2, (await desk.find(wanted, Told(source))).long, rtol=2e-3)
    await other.close()


async def test_columns_of_other_candles_are_made_anew(store, source):
    """Somebody brought wrong candles, and then the right ones: neither columns nor states outlive them."""
    wanted = ask(960, 1200, preset=LEVERAGE, step_ms=HOUR_MS)

    class Doubled(Told):
        async def __call__(self, since_ms, until_ms):
            found = await super().__call__(since_ms, until_ms)
            prices = {name: getattr(found, name) * 2 for name in ("open", "high", "low", "close")}
            return replace(found, **prices)

    wrong, right = Doubled(source, coins=True), Told(source, coins=True)
    assert await ColumnDesk(store).prepare(wanted, wrong) == 20
    await store.flush()
    assert await ColumnDesk(store).prepare(wanted, right) == 20
    await store.flush()
    desk = ColumnDesk(store)
    assert same(await desk.find(wanted, right), await plain(right, wanted))
    assert desk.made == 0
    later = ask(960, 1212, preset=LEVERAGE, step_ms=HOUR_MS)
    assert same(await desk.find(later, right), await plain(right, later))
    await desk.close()


async def test_columns_made_from_too_little_are_made_anew_once_more_is_known(store, source):
    wanted = ask(1150, 1250)

    class Young(Told):
        async def __call__(self, since_ms, until_ms):
            return await super().__call__(max(since_ms, at(800)), until_ms)

    young, old = Young(source), Told(source)
    short = await (desk := ColumnDesk(store)).find(wanted, young)
    await desk.close()
    await store.flush()
    again = ColumnDesk(store)
    assert same(await again.find(wanted, young), short)
    assert again.made == 0
    whole = ColumnDesk(store)
    found = await whole.find(wanted, old)
    assert whole.made == 1
    assert same(found, await plain(old, wanted))
    assert not same(found, short)
    await whole.close()


async def test_a_store_that_refuses_costs_time_and_nothing_else(store, source, monkeypatch):
    async def refuse(*_args, **_kwargs):
        raise StorageError("the disk is gone")

    for name in ("columns", "add_columns", "load_engine_state"):
        monkeypatch.setattr(store, name, refuse)
    desk, wanted, history = ColumnDesk(store), ask(960, 1200), Told(source)
    assert same(await desk.find(wanted, history), await plain(history, wanted))
    await desk.close()
    with pytest.raises(StorageError, match="disk is gone"):
        await desk.prepare(wanted, history)


async def test_a_stretch_without_candles_has_no_columns(store, source):
    desk = ColumnDesk(store)
    assert not len(await desk.find(ask(-500, -300), Told(source)))
    assert await desk.prepare(ask(-500, -300), Told(source)) == 0


async def test_memory_is_bounded(store, source):
    desk = ColumnDesk(store, cache_bytes=3 << 20)
    for first in range(900, 1140, 24):
        await desk.find(ask(first, first + 240), Told(source))
    assert sum(each.long.nbytes + each.short.nbytes for each in desk._cache.values()) <= 3 << 20
    assert len(desk._cache) == 2
    await desk.close()


async def test_moves_are_kept_beside_columns(store, source):
    desk, wanted, history = ColumnDesk(store), ask(960, 1200, step_ms=HOUR_MS), Told(source)
    assert await desk.prepare(wanted, history) == 20
    await store.flush()
    assert await desk.prepare(wanted, history) == 0
    await store.flush()
    kept = await store.position_events(wanted.mark)
    moved = Heatmap(FLOW, usd_scale=3.4e6).advance(await history(0, at(1200))).events
    assert np.array_equal(kept.ts, moved.ts[-240:])
    for name in ("entered", "swept", "taken", "decayed", "closed"):
        np.testing.assert_allclose(getattr(kept, name), getattr(moved, name)[-240:], rtol=1e-6)
    assert kept.swept.sum() > 0


async def test_a_coarse_column_has_the_most_of_each_price(source):
    columns = Heatmap(FLOW).feed(await source.history("BTCUSDT", until_ms=at(1203)))
    coarse = coarsen(columns, HOUR_MS)
    assert np.array_equal(coarse.ts, np.unique(columns.ts // HOUR_MS) * HOUR_MS)
    for row in (50, 80, len(coarse) - 1):
        within = columns[slice(*np.searchsorted(columns.ts, [coarse.ts[row], coarse.ts[row] + HOUR_MS]))]
        assert coarse.close[row] == within.close[-1]
        for sign, name in ((-1, "long"), (1, "short")):
            expected = np.zeros(columns.width, np.float32)
            for i in range(len(within)):
                for place, usd in enumerate(getattr(within, name)[i]):
                    there = place + sign * int(within.close_bin[i] - coarse.close_bin[row])
                    if 0 <= there < columns.width:
                        expected[there] = max(expected[there], usd)
            assert np.array_equal(getattr(coarse, name)[row], expected)
    assert same(coarsen(columns, STEP_MS), columns)
    assert not len(coarsen(columns[:0], HOUR_MS))


def test_steps_fit_a_pictures_columns():
    assert [step_for(hours * HOUR_MS) for hours in (1, 2, 4, 12)] == [
        HOUR_MS,
        HOUR_MS,
        4 * HOUR_MS,
        4 * HOUR_MS,
    ]
    assert [step_for(count * STEP_MS) for count in (1, 2, 3, 6)] == [
        STEP_MS,
        STEP_MS,
        3 * STEP_MS,
        3 * STEP_MS,
    ]


def test_memory_for_columns_is_shared_out():
    assert columns_days(3, width=600, megabytes=256, most=30) == 30
    assert columns_days(200, width=600, megabytes=256, most=30) == 1
    assert columns_days(100, width=600, megabytes=256, most=30) == 3
    assert columns_days(10_000, width=600, megabytes=256, most=30) == 1


@pytest.mark.parametrize("days", [2, 4])
async def test_a_picture_is_the_same_where_its_columns_are_not_in_memory(begin, monkeypatch, days):
    run = await begin(1300)
    window_ms = days * DAY_MS
    whole = await run.market.grid("BTCUSDT", window_ms)
    await run.end()
    monkeypatch.setattr("bot.live.making.columns_days", lambda *_args, **_more: 1)
    short = await begin(1300, place="short")
    for max_cols in (None, 60):
        parted = await short.market.grid("BTCUSDT", window_ms, max_cols=max_cols)
        if max_cols is None:
            assert np.array_equal(parted.ts, whole.ts)
            assert np.array_equal(parted.long, whole.long)
            assert np.array_equal(parted.short, whole.short)
        else:
            assert parted.step_ms % HOUR_MS == 0
            assert parted.ts[-1] == whole.ts[-1] // parted.step_ms * parted.step_ms
            assert parted.high.max() == np.nanmax(whole.high)
    assert short.market._desk.made == 2
    await short.end()


async def test_coarse_columns_make_the_picture_of_fine_ones_but_where_price_was(begin, monkeypatch):
    """Where several fine bins fill one of the picture, each is at its most, which is a little more."""
    run = await begin(1300)
    fine = await run.market.grid("BTCUSDT", 4 * DAY_MS, max_cols=60)
    await run.end()
    monkeypatch.setattr("bot.live.making.columns_days", lambda *_args, **_more: 1)
    short = await begin(1300, place="short")
    coarse = await short.market.grid("BTCUSDT", 4 * DAY_MS, max_cols=60)
    await short.end()
    assert np.array_equal(coarse.edges, fine.edges)
    rows, both = np.isin(fine.ts, coarse.ts), np.isin(coarse.ts, fine.ts)
    assert both.sum() > 40
    low, high = coarse.low[both, None] * 0.9985, coarse.high[both, None] * 1.0015
    away = (coarse.edges[None, 1:] < low) | (coarse.edges[None, :-1] > high)
    for side in ("long", "short"):
        most, usual = getattr(coarse, side)[both][away], getattr(fine, side)[rows][away]
        assert (most >= usual * 0.999 - 1.0).all()
        assert 1.0 <= most.sum() / usual.sum() < 1.03
