"""No candle is lost or given another venue's name, and nobody waits, whatever comes while a book is made."""

import asyncio
import importlib.util
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bot.live import intake as module
from bot.live import making
from bot.live.venues import GRACE_MS
from engine.errors import SourceError
from engine.model import Tick

BTC = "BTCUSDT"


def load(name, path):
    """Load a module by its path: tests are no package."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        mod = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(mod)
    return sys.modules[name]


joining = load("live_joining", Path(__file__).with_name("test_joining.py"))
at, begin, pass_by = joining.at, joining.begin, joining.pass_by


async def own(life, venue, first, end):
    """Return what the store has of a venue, and what the venue has itself."""
    await life.market.kept()
    await life.store.flush()
    held = await life.store.candles(BTC, venue, at(first), at(end))
    life.source.broken = set()
    return held, await life.source.history(BTC, since_ms=at(first), until_ms=at(end), venue=venue)


async def test_a_candle_that_comes_too_late_is_kept_as_its_venues_own(begin):
    life = await begin()
    await pass_by(life, 1200, venues=("other",))
    await life.market.apply(Tick(venue="other", symbol=BTC, ts=at(1201) + GRACE_MS, price=1.0))
    assert life.book.last_ts == at(1200)  # the other venue's stands for it
    await pass_by(life, 1200, venues=("binance",))
    await pass_by(life, 1201)
    for venue in ("binance", "other"):
        held, true = await own(life, venue, 1195, 1202)
        assert held.ts.tolist() == true.ts.tolist()
        assert held.close.tolist() == true.close.tolist()


async def test_a_candle_that_a_venue_does_not_have_is_not_given_its_name(begin):
    life = await begin()
    life.source.broken = {"binance"}
    await pass_by(life, 1200, 1201, venues=("other",))
    assert life.book.last_ts == at(1201)
    held, _ = await own(life, "binance", 1198, 1202)
    assert held.ts.tolist() == [at(1198), at(1199)]


async def test_a_restart_is_warm_where_another_venue_stood_for_the_first(begin, monkeypatch):
    life = await begin()
    await pass_by(life, 1200, 1201, venues=("other",))
    before = life.book.slices(at(1190), at(1202))
    life.source.broken = {"binance"}
    await life.market.stop()
    await life.store.close()
    monkeypatch.setattr(making, "cold", None)  # a call of it would fail
    again = await begin(1202, broken=["binance"])
    after = again.book.slices(at(1190), at(1202))
    assert np.array_equal(after[1].close, before[1].close)
    assert np.array_equal(after[0].ts, before[0].ts)


async def test_a_gap_is_filled_after_a_restart(begin):
    life = await begin()
    await pass_by(life, 1200)
    life.source.broken.add("other")
    await pass_by(life, 1201, 1202, venues=("binance",))
    await pass_by(life, 1203)
    await life.market.stop()
    await life.store.close()
    again = await begin(1204)
    assert again.book.gaps_of("other") == ()
    held, true = await own(again, "other", 1195, 1204)
    assert held.ts.tolist() == true.ts.tolist()


async def test_a_gap_that_cannot_be_asked_for_at_a_restart_is_asked_for_again(begin):
    life = await begin()
    await pass_by(life, 1200)
    life.source.broken.add("other")
    await pass_by(life, 1201, venues=("binance",))
    await pass_by(life, 1202)
    await life.market.stop()
    await life.store.close()
    again = await begin(1203, broken=["other"])
    assert again.market.lacking() == [BTC]
    again.source.broken.clear()
    await again.market.bring(BTC)
    assert again.market.lacking() == []
    assert again.book.gaps_of("other") == ()


async def test_a_gap_is_not_forgotten_where_nobody_answers(begin):
    life = await begin()
    await pass_by(life, 1200)
    life.source.broken = {"binance", "other"}
    await pass_by(life, 1202)
    assert life.market.lacking() == [BTC]
    with pytest.raises(SourceError):
        await life.market.bring(BTC)
    assert life.market.lacking() == [BTC]
    life.source.broken = set()
    await life.market.bring(BTC)
    assert life.market.lacking() == []
    assert life.book.gaps_of("binance") == ()


async def test_prices_and_candles_do_not_wait_while_a_book_is_made(begin):
    life = await begin(broken=["other"])
    life.source.broken.clear()
    life.source.slow_s = {"other": 1.0}
    bringing = asyncio.create_task(life.market.bring(BTC))
    most_s = 0.0
    for step in range(1200, 1203):
        began_s = time.monotonic()
        await pass_by(life, step)
        await life.market.apply(Tick(venue="binance", symbol=BTC, ts=at(step + 1), price=1.0))
        most_s = max(most_s, time.monotonic() - began_s)
        await asyncio.sleep(0.4)
    await bringing
    assert most_s < 0.5
    assert life.book.place.venues == ("binance", "other")
    assert [life.book.last_ts_of(venue) for venue in life.book.place.venues] == [at(1202), at(1202)]


async def test_a_price_of_a_symbol_that_is_being_left_is_let_go(begin):
    life = await begin()
    lock = life.market._turns[BTC]
    async with lock:
        leaving = asyncio.create_task(life.market.leave(BTC))
        await asyncio.sleep(0)
        price = asyncio.create_task(
            life.market.apply(Tick(venue="binance", symbol=BTC, ts=at(1200), price=1.0))
        )
        await asyncio.sleep(0)
    await leaving
    assert await price == []
    assert not life.market.has(BTC)


async def test_a_venue_that_joins_before_another_silences_it_only_with_a_price(begin):
    life = await begin(broken=["binance"])
    await life.market.apply(Tick(venue="other", symbol=BTC, ts=at(1200), price=1.0))
    life.source.broken.clear()
    await life.market.bring(BTC)
    assert life.book.place.venues == ("binance", "other")
    await life.market.apply(Tick(venue="other", symbol=BTC, ts=at(1200) + 1, price=2.0))
    assert life.market.view(BTC).price == 2.0
    await life.market.apply(Tick(venue="binance", symbol=BTC, ts=at(1200) + 2, price=3.0))
    await life.market.apply(Tick(venue="other", symbol=BTC, ts=at(1200) + 3, price=4.0))
    assert life.market.view(BTC).price == 3.0


async def test_of_those_that_give_prices_the_first_leads_from_its_silence_on(begin, wall):
    life = await begin()
    book = life.book
    book.place = replace(book.place, others=("other", "third"))

    async def tick(venue, ms):
        event = Tick(venue=venue, symbol=BTC, ts=at(1200) + ms, price=1.0 + ms)
        await life.market.apply(event)
        return life.market.is_price(event)

    assert await tick("binance", 0)
    wall.now_s += module.SILENT_S - 0.1
    assert not await tick("other", 1)
    wall.now_s += 0.2
    assert not await tick("third", 2)  # the second one is there
    assert await tick("other", 3)
