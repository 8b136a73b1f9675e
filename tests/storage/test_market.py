"""Test the market store on a real file: what goes in comes out, once, in order, and only on disk."""

import asyncio
import time
from dataclasses import replace

import numpy as np
import pytest

from engine.errors import StorageError
from engine.model import (
    CANDLE_FIELDS,
    STEP_MS,
    Candles,
    Gap,
    Side,
    Zone,
    ZoneChange,
    ZoneEvent,
    ZoneId,
)
from storage.market import Limits, MarketStore
from storage.market_tables import AlertRecord, Shelfmark

MARK = Shelfmark(venue="binance", symbol="BTCUSDT", preset="flow")
SIMPLE = replace(MARK, preset="simple")

BTC = ("BTCUSDT", "binance")


def same(left: Candles, right: Candles) -> None:
    for name in CANDLE_FIELDS:
        np.testing.assert_array_equal(getattr(left, name), getattr(right, name), err_msg=name)
        assert getattr(left, name).dtype == getattr(right, name).dtype


def alert(number: int, user: str = "a:1", **changes) -> AlertRecord:
    record = AlertRecord(
        user_id=user,
        alert_id=f"{user}/{number}",
        rule_id=7,
        market_ms=number * 1000,
        wall_ms=5,
        symbol="BTCUSDT",
        kind="zone_proximity",
        severity="warning",
        subject="zone-1",
        price=100.5,
        action="send",
        reason="new",
        epoch=0,
    )
    return replace(record, **changes)


def event(ts: int, change: ZoneChange = ZoneChange.BORN, other: str | None = None) -> ZoneEvent:
    zone = Zone(
        zone_id=ZoneId("z1"),
        venue="binance",
        symbol="BTCUSDT",
        side=Side.LONG,
        low=99.0,
        high=101.0,
        peak=100.0,
        notional_usd=5e6,
        share=0.25,
        percentile=float("nan"),
        born_ts=ts,
        updated_ts=ts,
        venue_share=(("binance", 1.0),),
    )
    return ZoneEvent(ts=ts, change=change, zone=zone, fraction=0.5, other=ZoneId(other) if other else None)


async def test_candles_come_back_as_they_were(market, bars):
    given = bars(500)
    await market.add_candles(*BTC, given)
    await market.flush()
    same(await market.candles(*BTC), given)
    same(await market.candles(*BTC, 10 * STEP_MS, 20 * STEP_MS), given[10:20])
    assert await market.last_candle_ts(*BTC) == 499 * STEP_MS


async def test_what_is_not_there_is_empty(market):
    assert len(await market.candles(*BTC)) == 0
    assert await market.last_candle_ts(*BTC) is None
    assert await market.load_engine_state("binance", "BTCUSDT", "flow") is None
    assert await market.columns(MARK) == []
    assert await market.alert_history("a:1") == []


async def test_venues_symbols_and_steps_are_kept_apart(market, bars):
    await market.add_candles("BTCUSDT", "binance", bars(3))
    await market.add_candles("BTCUSDT", "bybit", bars(3, price=200))
    await market.add_candles("ETHUSDT", "binance", bars(3, price=300))
    await market.add_candles("BTCUSDT", "binance", bars(3, price=400), step_ms=60_000)
    await market.flush()
    first = [
        (await market.candles("BTCUSDT", "binance")).close[0],
        (await market.candles("BTCUSDT", "bybit")).close[0],
        (await market.candles("ETHUSDT", "binance")).close[0],
        (await market.candles("BTCUSDT", "binance", step_ms=60_000)).close[0],
    ]
    assert first == [100, 200, 300, 400]


async def test_a_bar_given_again_is_kept_once_the_later_one(market, bars):
    await market.add_candles(*BTC, bars(50))
    await market.add_candles(*BTC, bars(10, first=45, price=1000))  # in the same batch
    await market.flush()
    await market.add_candles(*BTC, bars(5, first=20, price=2000))  # in a later one
    await market.add_candles(*BTC, bars(1, first=0, price=3000).concat(bars(1, first=0, price=4000)))
    await market.flush()
    kept = await market.candles(*BTC)
    assert kept.ts.tolist() == [number * STEP_MS for number in range(55)]
    assert kept.close[[0, 1, 20, 44, 45]].tolist() == [4000, 100.5, 2010, 122, 1022.5]


async def test_open_interest_stays_where_a_later_bar_does_not_know_it(market, bars):
    await market.add_candles(*BTC, bars(2))
    unknown = replace(bars(2), open_interest=np.full(2, np.nan))
    await market.add_candles(*BTC, unknown)
    await market.flush()
    np.testing.assert_array_equal((await market.candles(*BTC)).open_interest, [0.0, np.nan])


async def test_rows_are_copied_when_accepted(market, bars):
    given = bars(3)
    await market.add_candles(*BTC, given)
    given.close[:] = -1
    await market.flush()
    assert (await market.candles(*BTC)).close.tolist() == [100, 100.5, 101]


async def test_a_batch_is_written_without_being_asked_for(market, bars):
    await market.add_candles(*BTC, bars(1))
    assert len(await market.candles(*BTC)) == 0  # it waits for company
    await asyncio.sleep(0.6)
    assert len(await market.candles(*BTC)) == 1
    assert market.health().waiting_rows == 0


async def test_a_hundred_rows_do_not_wait(market_path, bars):
    store = await MarketStore.open(market_path, Limits(batch_s=60))
    for number in range(100):
        await store.add_candles(*BTC, bars(1, first=number))
    for _ in range(100):
        if store.health().written_rows:
            break
        await asyncio.sleep(0.05)
    assert store.health().written_rows >= 100  # rows of open interest count too
    assert len(await store.candles(*BTC)) >= 66
    await store.close()


async def test_heatmap_columns_come_back(market):
    await market.add_columns(MARK, [3, 1, 2], [b"three", b"one", b"\x00two"])
    await market.add_columns(MARK, np.array([3]), [b"three again"])
    await market.add_columns(SIMPLE, [1], [b"other"])
    await market.flush()
    assert await market.columns(MARK) == [(1, b"one"), (2, b"\x00two"), (3, b"three again")]
    assert await market.columns(MARK, 2, 3) == [(2, b"\x00two")]
    with pytest.raises(ValueError, match="2 times for 1"):
        await market.add_columns(MARK, [1, 2], [b"x"])


async def test_zone_events_come_back(market):
    split = [event(2, ZoneChange.SPLIT, "z2"), event(2, ZoneChange.SPLIT, "z3")]
    given = [event(1), event(1), *split, event(3, ZoneChange.EATEN)]
    await market.add_zone_events(given)
    await market.flush()
    found = await market.zone_events("binance", "BTCUSDT")
    assert [(e.ts, e.change, e.other) for e in found] == [(e.ts, e.change, e.other) for e in given[1:]]
    assert repr(found[0]) == repr(event(1))  # NaN is not equal to itself
    assert len(await market.zone_events("binance", "BTCUSDT", 2, 3)) == 2


async def test_alert_history_is_one_users_newest_first(market):
    await market.add_alert_history([alert(1), alert(2), alert(1, user="b:2")])
    await market.add_alert_history([alert(1, action="digest", reason="held", price=float("nan"))])
    await market.flush()
    found = await market.alert_history("a:1")
    assert [(row.market_ms, row.action) for row in found] == [(2000, "send"), (1000, "digest")]
    assert found[0] == alert(2)
    assert len(await market.alert_history("a:1", t0=2000)) == 1
    assert len(await market.alert_history("a:1", limit=1)) == 1


async def test_the_newest_engine_states_are_kept(market):
    place = ("binance", "BTCUSDT", "flow")
    for ts in range(1, 6):
        await market.save_engine_state(*place, ts, b"heat%d" % ts, b"zones")
        await market.flush()
    await market.save_engine_state("binance", "ETHUSDT", "flow", 1, b"eth", b"z")
    await market.flush()
    assert await market.load_engine_state(*place) == (5, b"heat5", b"zones")
    assert await market.load_engine_state(*place, not_after=4) == (4, b"heat4", b"zones")
    assert await market.load_engine_state(*place, not_after=2) is None  # three are kept
    assert await market.load_engine_state("binance", "ETHUSDT", "flow") == (1, b"eth", b"z")


async def test_gaps_come_back(market):
    gap = Gap(venue="binance", symbol="BTCUSDT", first_ts=10, last_ts=20)
    await market.add_gaps([gap, gap])
    await market.flush()
    assert await market.gaps("binance", "BTCUSDT", 20, 30) == [gap]
    assert await market.gaps("binance", "BTCUSDT", 21, 30) == []


async def test_going_back_removes_the_bars_that_had_not_closed(market, bars):
    place = ("binance", "BTCUSDT", "flow")
    ts = [number * STEP_MS for number in range(10)]
    await market.add_candles(*BTC, bars(10))
    await market.add_columns(MARK, ts, [b"x"] * 10)
    await market.add_zone_events([event(t) for t in ts])
    await market.save_engine_state(*place, ts[4], b"early", b"")
    await market.save_engine_state(*place, ts[9], b"late", b"")
    await market.add_gaps([Gap(venue="binance", symbol="BTCUSDT", first_ts=ts[9], last_ts=ts[9])])
    await market.add_alert_history([alert(10**9)])
    await market.truncate_after(5 * STEP_MS + 1)  # what waits is included
    assert len(await market.candles(*BTC)) == 5
    assert len(await market.columns(MARK)) == 5
    assert len(await market.zone_events("binance", "BTCUSDT")) == 5
    assert (await market.load_engine_state(*place))[1] == b"early"
    assert await market.gaps("binance", "BTCUSDT") == []
    assert len(await market.alert_history("a:1")) == 1
    assert np.isnan((await market.candles(*BTC)).open_interest).sum() == 2


async def test_forgetting_takes_what_waits_and_empties_the_log(market, market_path):
    await market.add_alert_history([alert(n, user="secret:person") for n in range(50)])
    await market.flush()
    await market.add_alert_history([alert(99, user="secret:person"), alert(1)])
    assert await market.forget("secret:person") == {"alert_history": 51}
    assert await market.alert_history("secret:person") == []
    assert len(await market.alert_history("a:1")) == 1
    log = market_path.with_name("market.duckdb.wal")
    assert not log.exists() or b"secret:person" not in log.read_bytes()


async def test_everything_is_there_after_opening_again(market, market_path, bars):
    await market.add_candles(*BTC, bars(10))
    await market.close()  # writes what waits
    await market.close()
    again = await MarketStore.open(market_path)
    same(await again.candles(*BTC), bars(10))
    await again.close()


async def test_a_closed_store_says_so(market, bars):
    await market.close()
    for attempt in (market.add_candles(*BTC, bars(1)), market.flush(), market.candles(*BTC)):
        with pytest.raises(StorageError, match="closed"):
            await attempt


async def test_files_are_private(market, market_path):
    assert market_path.stat().st_mode & 0o777 == 0o600
    assert market_path.parent.stat().st_mode & 0o777 == 0o700
    assert market.path == market_path


async def test_readers_see_whole_batches_while_the_writer_works(market, bars):
    stop = asyncio.Event()
    seen: set[int] = set()

    async def read():
        while not stop.is_set():
            found = await market.candles(*BTC)
            assert np.array_equal(found.ts, np.arange(len(found)) * STEP_MS)
            assert np.array_equal(found.close, 100 + np.arange(len(found)) * 0.5)
            seen.add(len(found))

    readers = [asyncio.create_task(read()) for _ in range(4)]
    for number in range(30):
        await market.add_candles(*BTC, bars(200, first=number * 200))
        await market.flush()
    stop.set()
    await asyncio.gather(*readers)
    assert all(length % 200 == 0 for length in seen)
    assert len(seen) > 2


async def longest_stall(work) -> float:
    """Return for how many seconds at most the loop stood still while `work` ran."""
    loop, worst = asyncio.get_running_loop(), 0.0
    task = asyncio.create_task(work)
    while not task.done():
        before = loop.time()
        await asyncio.sleep(0.001)
        worst = max(worst, loop.time() - before)
    await task
    return worst


async def test_the_loop_is_never_held_up(market, bars):
    """Writing 260,000 bars and reading them stalls the loop for less than 100 ms (the best of three)."""

    async def work():
        for number in range(10):
            await market.add_candles(f"S{number}", "binance", bars(26_000))
        await market.flush()
        await asyncio.gather(*(market.candles(f"S{number}", "binance") for number in range(10)))

    assert min([await longest_stall(work()) for _ in range(3)]) < 0.1


async def test_a_read_that_takes_too_long_is_stopped(market_path):
    store = await MarketStore.open(market_path, Limits(timeout_s=0.2))
    endless = "SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range * b.range = 7"
    with pytest.raises(StorageError, match="in time"):
        await store._read(lambda cursor: cursor.execute(endless).fetchall())
    assert await store.tables()
    with pytest.raises(StorageError, match="in time"):
        await store.call(lambda cursor: time.sleep(0.5))
    await store.close()
