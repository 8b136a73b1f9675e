"""Test the market store's writer: back-pressure, wrong rows, and that nobody is left waiting."""

import asyncio
import os
import threading
from dataclasses import replace

import duckdb
import numpy as np
import pytest

from engine.errors import StorageError, StoreFull
from storage import market_writer
from storage.market import Limits, MarketStore
from storage.market_tables import Shelfmark

BTC = ("BTCUSDT", "binance")
PLACE = ("binance", "BTCUSDT", "flow")
MARK = Shelfmark(venue="binance", symbol="BTCUSDT", preset="flow")


@pytest.fixture
async def narrow(market_path):
    """A store that lets 100 kB wait and gives up after 0.3 s."""
    store = await MarketStore.open(market_path, Limits(waiting_bytes=100_000, put_timeout_s=0.3))
    yield store
    await store.close()


@pytest.fixture
async def held(narrow):
    """Hold the writer up; set the event to let it go on."""
    entered, leave = threading.Event(), threading.Event()

    def hold(_cursor):
        entered.set()
        leave.wait(10)

    holding = asyncio.create_task(narrow.call(hold))
    await asyncio.to_thread(entered.wait, 10)
    yield leave
    leave.set()
    await holding


async def offer(store: MarketStore, number: int, size: int = 60_000) -> None:
    await store.add_columns(MARK, [number], [os.urandom(size)])


async def test_a_writer_that_cannot_keep_up_makes_others_wait(narrow, held):
    await offer(narrow, 1)
    waiting = asyncio.create_task(offer(narrow, 2))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    assert narrow.health().waiting_rows == 1
    held.set()
    await waiting
    await narrow.flush()
    assert [ts for ts, _ in await narrow.columns(MARK)] == [1, 2]


async def test_waiting_for_room_ends(narrow, held):
    await offer(narrow, 1)
    with pytest.raises(StoreFull, match="cannot keep up"):
        await offer(narrow, 2)


async def test_one_that_is_larger_than_the_room_is_taken_when_nothing_waits(narrow, held):
    await offer(narrow, 1, size=500_000)
    with pytest.raises(StoreFull):
        await offer(narrow, 2, size=1)
    held.set()
    await narrow.flush()
    assert len(await narrow.columns(MARK)) == 1


async def test_a_caller_who_gives_up_waiting_for_room_does_no_harm(narrow, held):
    await offer(narrow, 1)
    waiting = asyncio.create_task(offer(narrow, 2))
    await asyncio.sleep(0.05)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    held.set()
    await narrow.flush()
    assert len(await narrow.columns(MARK)) == 1


async def test_rows_that_cannot_be_are_refused_and_counted_and_the_others_kept(market, bars):
    wrong = bars(1, first=50)
    wrong.open[:] = np.nan
    await market.add_candles(*BTC, bars(10))
    await market.add_candles(*BTC, wrong)
    await market.add_candles(*BTC, bars(10, first=10))
    await market.flush()
    assert (await market.candles(*BTC)).ts.tolist() == bars(20).ts.tolist()
    health = market.health()
    assert (health.refused_rows, health.waiting_rows, health.fault) == (1, 0, "")


async def test_a_statement_that_is_wrong_is_answered_and_the_writer_goes_on(market, bars):
    with pytest.raises(Exception, match="nowhere"):
        await market.call(lambda cursor: cursor.execute("SELECT * FROM nowhere"))
    with pytest.raises(Exception, match="nowhere"):
        await market._read(lambda cursor: cursor.execute("SELECT * FROM nowhere"))
    await market.add_candles(*BTC, bars(1))
    await market.flush()
    assert len(await market.candles(*BTC)) == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_a_writer_that_breaks_leaves_nobody_waiting(market, bars):
    def broken(_cursor):
        raise LookupError("on purpose")

    first, second = await asyncio.gather(market.call(broken), market.flush(), return_exceptions=True)
    assert isinstance(first, StorageError)
    assert isinstance(second, StorageError)
    with pytest.raises(StorageError, match="closed"):
        await market.add_candles(*BTC, bars(1))


async def test_calls_given_up_are_not_done(narrow, held):
    done = []
    task = asyncio.create_task(narrow.call(lambda _cursor: done.append(1)))
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    held.set()
    await narrow.flush()
    assert done == []


async def test_nothing_is_nothing(market):
    await market.add_zone_events([])
    await market.add_columns(MARK, [], [])
    assert market.health().waiting_rows == 0


async def test_a_disk_that_fills_up_among_wrong_rows_loses_nothing(market, bars, monkeypatch):
    """When a batch with a wrong row is taken apart, a fault on the way leaves the rest waiting."""
    calls = 0

    def refuse_twice(cursor, batch):
        nonlocal calls
        calls += 1
        if calls == 3:  # the whole batch, its first part, and now the second
            raise duckdb.IOException("Could not write file: No space left on device")
        real(cursor, batch)

    real = market_writer.write
    monkeypatch.setattr(market_writer, "write", refuse_twice)
    wrong = replace(bars(1, first=50), open_interest=np.array([np.nan]))
    wrong.open[:] = np.nan
    await market.add_columns(MARK, [1], [b"x"])
    await market.add_columns(MARK, [2], [b"y"])
    await market.add_candles(*BTC, wrong)
    with pytest.raises(StoreFull):
        await market.flush()
    assert market.health().waiting_rows == 2
    await market.flush()
    assert [ts for ts, _ in await market.columns(MARK)] == [1, 2]
    assert market.health().refused_rows == 1


async def test_a_large_load_is_written_in_parts_and_in_order(market, monkeypatch):
    sizes = []
    real = market_writer.write
    monkeypatch.setattr(market_writer, "write", lambda c, batch: (sizes.append(len(batch)), real(c, batch)))
    monkeypatch.setattr(market_writer, "_BATCH_BYTES", 100_000)
    for number in range(20):
        await offer(market, number)
    await market.flush()
    assert sum(sizes) == 20
    assert max(sizes) == 2
    assert [ts for ts, _ in await market.columns(MARK)] == list(range(20))
