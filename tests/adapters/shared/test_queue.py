"""What waits is bounded; what goes when there is too much is written down, and what never goes never does."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.stream.queue import Delivered, EventQueue, Outage, Rank, rank_of
from engine.model import Candle, Liquidation, OpenInterest, PriceKind, Side, Tick


def item(rank, ts=0):
    known = {"venue": "v", "symbol": "A", "ts": ts}
    bar = dict.fromkeys(("open", "high", "low", "close", "volume"), 1.0)
    match rank:
        case Rank.PRICE:
            return Delivered(event=Tick(price=1.0, **known))
        case Rank.FORMING:
            return Delivered(event=Candle(closed=False, **bar, **known))
        case Rank.STATE:
            return Delivered(event=OpenInterest(open_interest=1.0, **known))
    if ts % 3 == 0:
        return Outage(venue="v", since_ms=ts, until_ms=ts, topics=())
    if ts % 3 == 1:
        return Delivered(event=Candle(**bar, **known))
    sizes = {"price": 1.0, "quantity": 1.0, "notional_usd": 1.0, "received_ms": 0}
    return Delivered(event=Liquidation(side=Side.LONG, price_kind=PriceKind.FILL, **sizes, **known))


@pytest.mark.parametrize("rank", Rank)
def test_every_item_has_its_rank(rank):
    assert {rank_of(item(rank, ts)) for ts in range(3)} == {rank}


async def test_prices_go_first_and_what_is_dear_stays():
    queue = EventQueue(4)
    for rank in (Rank.KEPT, Rank.PRICE, Rank.STATE, Rank.FORMING):
        await queue.put(item(rank))
    for ts in (10, 11, 12):
        await queue.put(item(Rank.KEPT, ts))
    await queue.put(item(Rank.PRICE, 13))
    left = [rank_of(await queue.get()) for _ in range(len(queue))]
    assert left == [Rank.KEPT] * 4
    assert queue.dropped == {Rank.PRICE: 2, Rank.FORMING: 1, Rank.STATE: 1}


async def test_a_new_price_takes_the_place_of_the_oldest():
    queue = EventQueue(2)
    for ts in range(5):
        await queue.put(item(Rank.PRICE, ts))
    assert [(await queue.get()).event.ts for _ in range(2)] == [3, 4]
    assert queue.dropped[Rank.PRICE] == 3


async def test_where_nothing_may_go_whoever_adds_waits():
    queue = EventQueue(1)
    await queue.put(item(Rank.KEPT, 1))
    waiting = asyncio.create_task(queue.put(item(Rank.KEPT, 2)))
    await asyncio.sleep(0.005)
    assert not waiting.done()
    assert (await queue.get()).event.ts == 1
    await waiting
    assert (await queue.get()).event.ts == 2
    assert queue.waits == 1


async def test_a_reader_waits_for_something_or_for_the_end():
    queue = EventQueue()
    reading = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    await queue.put(item(Rank.PRICE, 1))
    assert (await reading).event.ts == 1
    reading = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.close()
    assert await reading is None


@given(st.lists(st.sampled_from(Rank), max_size=60), st.integers(1, 8))
def test_nothing_dearer_goes_before_something_cheaper(ranks, size):
    async def run():
        queue = EventQueue(size)
        added, kept = [], ranks.count(Rank.KEPT)
        for number, rank in enumerate(ranks):
            if kept > size and rank is Rank.KEPT:
                queue.add(item(rank, number))
            else:
                await queue.put(item(rank, number))
            added.append(rank)
        queue.close()
        got = []
        while (each := await queue.get()) is not None:
            got.append(rank_of(each))
        return queue, got

    queue, got = asyncio.run(run())
    assert got.count(Rank.KEPT) == ranks.count(Rank.KEPT)
    for rank in (Rank.PRICE, Rank.FORMING, Rank.STATE):
        assert got.count(rank) + queue.dropped[rank] == ranks.count(rank)
    if ranks.count(Rank.KEPT) <= size:
        assert len(got) == min(len(ranks), size)
