"""Answers are made once, held up to a bound, and failures are not kept."""

import asyncio

import pytest

from bot.web.rest.kept import Cache, Kept
from bot.web.rest.problems import Refused


def kept(size: int, mark: bytes = b"x") -> Kept:
    return Kept.of(mark * size, "text/plain", pack=False)


async def test_the_same_is_made_once_for_all():
    cache, gate, made = Cache(10_000), asyncio.Event(), []

    async def make():
        made.append(1)
        await gate.wait()
        return kept(10)

    waiting = [asyncio.create_task(cache.get("a", make)) for _ in range(5)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    gate.set()
    found = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert all(each is found[1] for each in found[1:])
    assert await cache.get("a", make) is found[1]
    assert (len(made), cache.misses, cache.joined, cache.hits) == (1, 1, 4, 1)


async def test_the_oldest_go_where_the_bound_is_reached():
    cache = Cache(1000)

    async def put(name):
        async def make():
            return kept(400, name.encode())

        return await cache.get(name, make)

    for name in "abac":
        await put(name)
    assert (len(cache), cache.bytes) == (2, 800)
    misses = cache.misses
    await put("a")
    assert cache.misses == misses, "a was asked for again, and b went"
    await put("b")
    assert cache.misses == misses + 1


async def test_an_answer_larger_than_the_bound_is_given_and_not_held():
    cache = Cache(100)

    async def make():
        return kept(500)

    assert (await cache.get("a", make)).size == 500
    assert (len(cache), cache.bytes) == (0, 0)


async def test_a_failure_is_told_to_all_and_not_kept():
    cache = Cache(1000)

    async def fail():
        await asyncio.sleep(0)
        raise ValueError("for a moment")

    found = await asyncio.gather(*(cache.get("a", fail) for _ in range(3)), return_exceptions=True)
    assert [type(each) for each in found] == [ValueError] * 3

    async def make():
        return kept(10)

    assert (await cache.get("a", make)).size == 10


async def test_too_much_at_once_is_refused_with_when_to_come_back():
    cache, gate = Cache(1000, most_making=2), asyncio.Event()

    async def make():
        await gate.wait()
        return kept(10)

    waiting = [asyncio.create_task(cache.get(name, make)) for name in "ab"]
    await asyncio.sleep(0)
    with pytest.raises(Refused) as refused:
        await cache.get("c", make)
    assert (refused.value.problem.status, refused.value.headers) == (503, {"Retry-After": "2"})
    gate.set()
    await asyncio.gather(*waiting)
    await cache.close()


def test_what_is_large_is_packed():
    assert Kept.of(b"a" * 5000, "text/plain").packed is not None
    assert Kept.of(b"a" * 50, "text/plain").packed is None
    assert Kept.of(b"a", "text/plain").etag != Kept.of(b"b", "text/plain").etag
