import asyncio

import pytest

from bot.render.cache import PictureCache, SingleFlight
from bot.render.picture import Picture


def picture(size):
    return Picture(png=b"x" * size, name="n", alt="a", width=1, height=1)


def test_a_picture_lives_as_long_as_its_candle():
    cache = PictureCache(1000)
    cache.put("a", "BTC", 1, picture(10))
    assert cache.get("a", 1) is not None
    assert cache.get("a", 2) is None
    assert cache.get("b", 1) is None


def test_a_new_candle_ends_the_symbols_old_pictures_alone():
    cache = PictureCache(1000)
    cache.put("a", "BTC", 1, picture(10))
    cache.put("b", "BTC", 1, picture(10))
    cache.put("c", "ETH", 1, picture(10))
    cache.put("a", "BTC", 2, picture(20))
    assert len(cache) == 2
    assert cache.held_bytes == 30
    assert cache.get("c", 1) is not None


def test_bytes_are_bounded_and_the_least_used_go_first():
    cache = PictureCache(100)
    for name in "abc":
        cache.put(name, name, 1, picture(40))
        cache.get("a", 1)
    assert cache.get("a", 1) is not None
    assert cache.get("b", 1) is None
    assert cache.held_bytes == 80
    cache.put("huge", "x", 1, picture(101))
    assert cache.get("huge", 1) is None
    assert cache.held_bytes == 80
    cache.put("a", "a", 1, picture(10))
    assert cache.held_bytes == 50


def test_forgetting():
    cache = PictureCache(100)
    cache.put("a", "BTC", 1, picture(10))
    cache.put("b", "ETH", 1, picture(10))
    cache.forget("BTC")
    assert (cache.get("a", 1), len(cache)) == (None, 1)
    cache.forget()
    assert (len(cache), cache.held_bytes) == (0, 0)


async def test_many_callers_one_making():
    flights, made, gate = SingleFlight(), [], asyncio.Event()

    async def make():
        made.append(1)
        await gate.wait()
        return "done"

    callers = [asyncio.create_task(flights.run("k", make)) for _ in range(5)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    gate.set()
    assert await asyncio.gather(*callers) == ["done"] * 5
    assert (len(made), len(flights)) == (1, 0)


async def test_a_cancelled_caller_leaves_the_others_theirs():
    flights, gate = SingleFlight(), asyncio.Event()

    async def make():
        await gate.wait()
        return "done"

    first, second = (asyncio.create_task(flights.run("k", make)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    gate.set()
    assert await second == "done"


async def test_errors_reach_all_callers_and_are_not_kept():
    flights, calls = SingleFlight(), []

    async def fail():
        calls.append(1)
        await asyncio.sleep(0)
        raise ValueError("no")

    results = await asyncio.gather(*(flights.run("k", fail) for _ in range(3)), return_exceptions=True)
    assert [str(error) for error in results] == ["no"] * 3
    with pytest.raises(ValueError, match="no"):
        await flights.run("k", fail)
    assert len(calls) == 2


async def test_an_error_that_nobody_waits_for_makes_no_noise():
    flights, gate = SingleFlight(), asyncio.Event()

    async def fail():
        await gate.wait()
        raise ValueError("no")

    caller = asyncio.create_task(flights.run("k", fail))
    await asyncio.sleep(0)
    caller.cancel()
    await asyncio.gather(caller, return_exceptions=True)
    gate.set()
    await asyncio.sleep(0.01)
    assert len(flights) == 0


async def test_closing_cancels_what_flies():
    flights = SingleFlight()
    caller = asyncio.create_task(flights.run("k", asyncio.Event().wait))
    await asyncio.sleep(0)
    await flights.aclose()
    with pytest.raises(asyncio.CancelledError):
        await caller
