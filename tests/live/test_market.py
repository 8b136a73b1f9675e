import asyncio

import numpy as np
import pytest

from adapters.venue import Feed, SourceKind
from bot.live import making
from bot.live.market import LiveMarket
from bot.live.view import ChangeKind
from engine.errors import GridError, SourceError, StorageError, UserError
from engine.model import DAY_MS, HOUR_MS, STEP_MS, Candle, Gap, SourceEnded, SourceSought, Tick

FIRST_MS = 1_759_276_800_000


def at(step: float) -> int:
    return FIRST_MS + int(step * STEP_MS)


def everything(run) -> dict:
    """Return all that a market knows, in a form in which NaN equals itself."""
    known = {}
    for key, book in run.market._books.items():
        columns, candles = book.slices(0, 1 << 62)
        parts = [columns.ts, columns.close_bin, columns.long, columns.short]
        parts += [candles.ts, candles.high, candles.low, candles.close, candles.volume, candles.open_interest]
        known[key] = (repr(book.closed), book.dump(), *(part.tobytes() for part in parts))
    return known


async def fresh(begin, start):
    """Return what a market knows that starts cold at a step on an empty store."""
    run = await begin(start, place=f"fresh-{start}")
    known = everything(run)
    await run.end()
    return known


@pytest.fixture
def no_cold_start(monkeypatch):
    """Fail where history is worked through again."""

    async def refuse(*_args, **_kwargs):
        raise AssertionError("a cold start")

    return lambda: monkeypatch.setattr(making, "cold", refuse)


async def test_a_view_says_what_the_recording_says(begin):
    run = await begin(1200)
    candles = await run.source.history("BTCUSDT", until_ms=at(1200))
    day = candles[-288:]
    view = run.market.view("BTCUSDT")
    assert (view.symbol, view.venue, view.venues) == ("BTCUSDT", "binance", ("binance",))
    assert view.price == candles.close[-1]
    assert view.price_ts == at(1200)
    assert view.candle_ts == at(1199)
    assert view.change_24h == pytest.approx(view.price / day.open[0] - 1)
    assert (view.high_24h, view.low_24h) == (day.high.max(), day.low.min())
    typical = (day.high + day.low + day.close) / 3
    assert view.volume_24h_usd == pytest.approx((day.volume * typical).sum())
    assert view.open_interest is None
    assert view.open_interest_usd is None
    assert view.oi_change_24h is None
    assert not view.interpolated
    assert not view.warm
    assert view.history_days == pytest.approx(1200 / 288)
    assert view.zones is not None
    assert view.zones.price == view.price
    assert view.zones.ts == at(1199)
    assert view.zones.zones
    assert view.gaps == ()


async def test_open_interest_is_known_where_it_was_recorded(settings, tmp_path, folder):
    from adapters.replay import Replay
    from bot.live.book import Book

    source = Replay(symbols=("BTCUSDT",), speed=None)
    live = LiveMarket(source, None, settings)
    book = Book(live._maker.place("BTCUSDT"))
    start = 1_765_000_200_000
    history = await source.history("BTCUSDT", since_ms=start - DAY_MS, until_ms=start)
    book.feed(history, zones_from=1 << 62)
    view = book.view()
    assert view.open_interest == history.open_interest[-1]
    assert view.open_interest_usd == pytest.approx(view.open_interest * view.price)
    assert view.oi_change_24h == pytest.approx(history.open_interest[-1] / history.open_interest[0] - 1)
    assert book.dump() is None


async def test_it_says_what_the_source_says(begin):
    run = await begin(100)
    live = run.market
    assert live.source_kind is SourceKind.REPLAY
    assert live.symbols == ("BTCUSDT", "ETHUSDT")
    assert live.venues == ("binance",)
    assert live.feeds == {Feed.CANDLES, Feed.PRICES}
    assert live.label() == "REPLAY 2025-10-01 08:20 UTC"
    assert live.now_ms() == at(100)
    assert live.health()[0].ok
    assert live.fault == ""


async def test_a_day_that_is_not_whole_has_no_figures(begin):
    run = await begin(100)
    view = run.market.view("BTCUSDT")
    assert (view.change_24h, view.high_24h, view.low_24h, view.volume_24h_usd) == (None,) * 4


async def test_ticks_move_the_price_and_candles_the_rest(begin):
    run = await begin(1200)
    tick = await run.step()
    view = run.market.view(tick.symbol)
    assert (view.price, view.price_ts, view.interpolated) == (tick.price, tick.ts, True)
    assert view.candle_ts == at(1199)
    await run.market.apply(Tick(venue="binance", symbol=tick.symbol, ts=tick.ts, price=1e6))
    view = run.market.view(tick.symbol)
    assert view.high_24h == 1e6
    assert not view.interpolated
    await run.play(1)
    assert run.market.view(tick.symbol).candle_ts == at(1200)


async def test_one_candle_at_a_time_and_all_at_once_are_the_same(begin):
    run = await begin(1200)
    await run.play(60)
    assert everything(run) == await fresh(begin, 1260)


async def test_a_warm_restart_is_as_if_nothing_had_happened(begin, no_cold_start):
    run = await begin(1200)
    await run.play(30)
    await run.end()
    no_cold_start()
    run = await begin(1230)
    await run.play(30)
    whole = everything(run)
    await run.end()
    run = await begin(1260)
    assert everything(run) == whole


async def test_after_a_kill_it_goes_on_from_the_last_saved_state(begin, no_cold_start):
    run = await begin(1200)
    await run.play(37)
    await run.end(killed=True)
    no_cold_start()
    run = await begin(1237)
    known = everything(run)
    await run.end()
    run = await begin(1237)
    assert everything(run) == known


async def test_a_restart_equals_a_cold_start(begin):
    run = await begin(1200)
    await run.play(37)
    await run.end(killed=True)
    run = await begin(1237)
    known = everything(run)
    await run.end()
    assert known == await fresh(begin, 1237)


async def test_a_restart_at_an_earlier_place_drops_what_lay_after_it(begin):
    run = await begin(1200)
    await run.play(40)
    await run.end()
    run = await begin(1210)
    assert everything(run) == await fresh(begin, 1210)
    stored = await run.store.candles("BTCUSDT", "binance")
    assert stored.ts[-1] == at(1209)
    columns = await run.store.columns(run.market._books["BTCUSDT"].place.mark)
    assert [ts for ts, _ in columns] == [at(k) for k in range(1210)]


@pytest.mark.parametrize("place", ["later", "there"])
async def test_the_store_holds_every_candle_and_column_once(begin, place):
    run = await begin(1200)
    await run.play(20)
    await run.end(killed=place == "there")
    run = await begin(1240 if place == "later" else 1220)
    await run.play(3)
    await run.store.flush()
    end = 1243 if place == "later" else 1223
    stored = await run.store.candles("ETHUSDT", "binance")
    assert list(stored.ts) == [at(k) for k in range(end)]
    columns = await run.store.columns(run.market._books["ETHUSDT"].place.mark)
    assert [ts for ts, _ in columns] == [at(k) for k in range(end)]


async def test_what_happens_to_zones_is_returned_and_kept(begin):
    run = await begin(1200)
    happened = []
    while run.market.view("ETHUSDT").candle_ts < at(1206):
        event = await anext(run.events)
        found = await run.market.apply(event)
        assert isinstance(event, Candle) or not found
        happened += found
    assert happened
    await run.store.flush()
    kept = await run.market.zones_history("BTCUSDT", at(1200), 1 << 62)
    kept += await run.market.zones_history("ETHUSDT", at(1200), 1 << 62)
    assert sorted(map(repr, happened)) == sorted(map(repr, kept))


async def test_zone_events_are_kept(begin):
    run = await begin(1200)
    await run.play(10)
    await run.store.flush()
    events = await run.market.zones_history("BTCUSDT", 0, 1 << 62)
    assert events
    assert events[-1].ts <= at(1209)
    later = await run.market.zones_history("BTCUSDT", at(1200), 1 << 62)
    assert later == [event for event in events if event.ts >= at(1200)]


@pytest.mark.parametrize("target", [900, 1190.5, 1210.5, 1300])
async def test_a_seek_is_as_a_start_there(begin, target):
    run = await begin(1200)
    await run.play(20)
    run.source.seek(at(target))
    sought = await run.step()
    assert sought == SourceSought(ts=at(target), backwards=target < 1220)
    assert everything(run) == await fresh(begin, target)
    view = run.market.view("BTCUSDT")
    assert view.candle_ts == at(int(target) - 1)
    assert view.price_ts == at(int(target))
    await run.store.flush()
    stored = await run.store.candles("BTCUSDT", "binance")
    assert stored.ts[-1] == at(int(target) - 1)


async def test_a_restart_after_a_seek_goes_on(begin, no_cold_start):
    run = await begin(1200)
    await run.play(5)
    run.source.seek(at(1050))
    await run.step()
    await run.play(3)
    whole = everything(run)
    await run.end()
    no_cold_start()
    run = await begin(1053)
    assert everything(run) == whole


async def test_another_recording_under_the_same_name_starts_anew(begin, tmp_path, folder):
    import pyarrow as pa
    import pyarrow.parquet as pq

    run = await begin(1200)
    await run.end()
    other = tmp_path / "other"
    other.mkdir()
    for path in folder.glob("*.parquet"):
        table = pq.read_table(path)
        for name in ("open", "high", "low", "close"):
            values = pa.array(table[name].to_numpy() * 1.01)
            table = table.set_column(table.column_names.index(name), name, values)
        pq.write_table(table, other / path.name)
    run = await begin(1200, directory=other)
    assert run.market.view("BTCUSDT").price == pytest.approx(
        (await run.source.history("BTCUSDT", until_ms=at(1200))).close[-1]
    )
    assert run.market._books["BTCUSDT"].slices(0, at(1))[1].close[0] > 115_000


async def test_another_scale_starts_anew(begin, settings):
    run = await begin(1200)
    before = run.market._books["BTCUSDT"].slices(at(1199), at(1200))[0]
    await run.end()
    scaled = settings.calibration.model_copy(update={"usd_scale_btc": 6.8e6})
    run = await begin(1200, chosen=settings.model_copy(update={"calibration": scaled}))
    after = run.market._books["BTCUSDT"].slices(at(1199), at(1200))[0]
    assert after.long.sum() == pytest.approx(2 * before.long.sum(), rel=1e-3)


async def test_a_damaged_state_starts_anew(begin):
    run = await begin(1200)
    known = everything(run)
    for symbol in ("BTCUSDT", "ETHUSDT"):
        await run.store.save_engine_state("binance", symbol, "flow", at(1199), b"broken", b"broken")
    await run.end(killed=True)
    run = await begin(1200)
    assert everything(run) == known


async def test_state_is_saved_hourly_but_never_busily(begin, wall):
    run = await begin(1200)

    async def saved():
        await run.store.flush()
        return (await run.store.load_engine_state("binance", "BTCUSDT", "flow"))[0]

    assert await saved() == at(1199)
    wall.now_s += 100
    await run.play(11)
    assert await saved() == at(1199)
    await run.play(1)
    assert await saved() == at(1211)
    await run.play(40)
    assert await saved() == at(1211)
    wall.now_s += 5
    await run.play(1)
    assert await saved() == at(1252)
    assert HOUR_MS == 12 * STEP_MS


async def test_candles_that_are_forming_or_known_change_nothing(begin):
    run = await begin(1200)
    known = everything(run)
    history = await run.source.history("BTCUSDT", until_ms=at(1201))
    for row, closed in ((1199, True), (900, True), (1200, False)):
        candle = history.row(row, venue="binance", symbol="BTCUSDT")
        fields = {name: getattr(candle, name) for name in candle.__slots__}
        await run.market.apply(Candle(**{**fields, "closed": closed}))
    await run.market.apply(Tick(venue="elsewhere", symbol="BTCUSDT", ts=at(1201), price=1.0))
    assert everything(run) == known


async def test_a_candle_that_was_missed_is_fetched(begin):
    run = await begin(1200)
    history = await run.source.history("BTCUSDT", until_ms=at(1204))
    await run.market.apply(history.row(1203, venue="binance", symbol="BTCUSDT"))
    book = run.market._books["BTCUSDT"]
    assert list(book.slices(at(1198), at(1300))[1].ts) == [at(k) for k in range(1198, 1204)]
    assert run.market.view("BTCUSDT").gaps == ()


async def test_bars_that_the_source_cannot_give_stay_a_gap(begin, monkeypatch):
    run = await begin(1200)
    history = await run.source.history("BTCUSDT", until_ms=at(1204))

    async def refuse(*_args, **_kwargs):
        raise SourceError("no answer")

    with monkeypatch.context() as patch:
        patch.setattr(run.source, "history", refuse)
        await run.market.apply(history.row(1203, venue="binance", symbol="BTCUSDT"))
    (gap,) = run.market.view("BTCUSDT").gaps
    assert (gap.first_ts, gap.last_ts) == (at(1200), at(1202))


async def test_a_store_that_cannot_be_cut_does_not_stop_a_seek(begin, monkeypatch):
    run = await begin(1200)

    async def refuse(*_args, **_kwargs):
        raise StorageError("the disk is full")

    await run.play(3)
    run.source.seek(at(1190))
    with monkeypatch.context() as patch:
        patch.setattr(run.store, "truncate_after", refuse)
        await run.step()
    assert run.market.view("BTCUSDT").candle_ts == at(1189)
    assert everything(run) == await fresh(begin, 1190)


async def test_a_jump_back_that_failed_is_made_good(begin, monkeypatch):
    run = await begin(1200)

    async def refuse(*_args, **_kwargs):
        raise SourceError("no answer")

    run.source.seek(at(1100))
    with monkeypatch.context() as patch:
        patch.setattr(making, "cold", refuse)
        with pytest.raises(SourceError):
            await run.step()
    assert run.market.view("BTCUSDT").candle_ts == at(1199)
    await run.play(2)
    assert everything(run) == await fresh(begin, 1102)


async def test_a_store_that_cannot_be_read_means_a_cold_start(begin, monkeypatch):
    run = await begin(1200)
    known = everything(run)
    await run.end()

    async def refuse(*_args, **_kwargs):
        raise StorageError("broken")

    monkeypatch.setattr("storage.market.MarketStore.load_engine_state", refuse)
    run = await begin(1200)
    assert everything(run) == known


async def test_a_gap_of_the_source_is_shown_and_kept(begin):
    run = await begin(1200)
    changes = run.market.subscribe()
    gap = Gap(venue="binance", symbol="BTCUSDT", first_ts=at(1200), last_ts=at(1202))
    await run.market.apply(gap)
    await run.market.apply(gap)
    assert run.market.view("BTCUSDT").gaps == (gap,)
    assert (await changes.get()).kind is ChangeKind.GAP
    candle = Candle(
        venue="binance", symbol="BTCUSDT", ts=at(1203), open=1e5, high=1e5, low=1e5, close=1e5, volume=1.0
    )
    await run.market.apply(candle)
    assert run.market.view("BTCUSDT").gaps == (gap,)
    await run.store.flush()
    assert await run.store.gaps("binance", "BTCUSDT") == [gap]


async def nothing(*_args, **_kwargs):
    return []


async def test_an_impossible_candle_is_refused_and_the_rest_goes_on(begin):
    run = await begin(1200)
    known = everything(run)
    bad = Candle(
        venue="binance", symbol="BTCUSDT", ts=at(1200), open=1.0, high=0.5, low=2.0, close=1.0, volume=1.0
    )
    await run.market.apply(bad)
    assert run.market.refused_candles == 1
    assert everything(run) == known
    await run.play(1)
    assert run.market.view("BTCUSDT").candle_ts == at(1200)


async def test_a_store_that_refuses_is_told_and_given_everything_later(begin, monkeypatch):
    run = await begin(1200)

    async def refuse(*_args, **_kwargs):
        raise StorageError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(run.store, "add_columns", refuse)
        await run.play(4)
        assert run.market.fault == "the disk is full"
        assert run.market.view("BTCUSDT").candle_ts == at(1203)
    await run.play(1)
    assert run.market.fault == ""
    await run.store.flush()
    columns = await run.store.columns(run.market._books["BTCUSDT"].place.mark)
    assert [ts for ts, _ in columns] == [at(k) for k in range(1205)]


async def test_a_grid_shows_the_window_and_room_around_it(begin):
    run = await begin(1200)
    grid = await run.market.grid("BTCUSDT", DAY_MS)
    view = run.market.view("BTCUSDT")
    assert grid.ts[0] == at(1200) - DAY_MS
    assert grid.ts[-1] == at(1199)
    assert grid.edges[0] <= view.low_24h - 0.028 * view.price
    assert grid.edges[-1] >= view.high_24h + 0.028 * view.price
    for zone in view.zones.zones:
        if zone.distance(view.price) <= 0.035:
            assert grid.edges[0] < zone.low
            assert zone.high < grid.edges[-1]
    assert grid.long.shape == (288, len(grid.edges) - 1)
    assert 200 <= grid.long.shape[1] <= 600
    assert grid.long.sum() > 0
    assert np.isfinite(grid.close).all()


async def test_a_grid_of_chosen_prices_and_size(begin):
    run = await begin(1200)
    grid = await run.market.grid("BTCUSDT", DAY_MS, low=110_000, high=130_000, bins=400, max_cols=100)
    assert (grid.edges[0], grid.edges[-1]) == (110_000, 130_000)
    assert grid.long.shape[0] <= 100
    with pytest.raises(GridError):
        await run.market.grid("BTCUSDT", DAY_MS, low=5.0, high=4.0)


async def test_strangers_are_told(begin):
    run = await begin(1200)
    with pytest.raises(UserError, match="no data for XYZUSDT"):
        run.market.view("XYZUSDT")
    with pytest.raises(UserError):
        await run.market.grid("XYZUSDT", DAY_MS)
    assert len(await run.market.candles("XYZUSDT", 0)) == 0
    assert len(await run.market.candles("BTCUSDT", at(1190))) == 10


async def test_subscribers_hear_of_ticks_candles_seeks_and_the_end(begin):
    run = await begin(1462)
    changes = run.market.subscribe()
    heard = []
    while not isinstance(await run.step(), SourceEnded):
        pass
    run.source.seek(at(1461))
    await run.step()
    await run.market.stop()
    async for change in changes:
        heard.append((change.symbol, change.kind))
    assert ("BTCUSDT", ChangeKind.TICK) in heard
    assert heard.count(("ETHUSDT", ChangeKind.CANDLE)) == 2
    assert heard.count(("ETHUSDT", ChangeKind.ENDED)) == 1
    assert heard[-2:] == [("BTCUSDT", ChangeKind.REBUILT), ("ETHUSDT", ChangeKind.REBUILT)]
    assert run.market.dropped_changes == 0


async def test_the_loop_stays_free_while_history_is_worked_through(begin):
    late = []

    async def watch():
        while True:
            before = asyncio.get_running_loop().time()
            await asyncio.sleep(0.005)
            late.append(asyncio.get_running_loop().time() - before - 0.005)

    watching = asyncio.create_task(watch())
    await begin(1460)
    watching.cancel()
    assert len(late) > 5
    assert sorted(late)[int(len(late) * 0.9)] < 0.1
