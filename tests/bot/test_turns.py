"""Whoever asks a lot waits behind themselves: turns go round by server, and in a server by user."""

import asyncio

import pytest

from bot.lanes import Lanes
from bot.turns import Turns


class Hall:
    """Requests that each wait to be let go on, one by one in the order in which they began."""

    def __init__(self, turns):
        self.turns = turns
        self.began = []
        self.ended = []
        self._tasks = []
        self._on = asyncio.Semaphore(0)

    def ask(self, server, user, name=None):
        self._tasks.append(asyncio.create_task(self._request(server, user, name or user)))
        return self._tasks[-1]

    async def _request(self, server, user, name):
        async with self.turns.turn(server, user):
            self.began.append(name)
            await self._on.acquire()
            self.ended.append(name)

    async def let(self, count):
        for _ in range(count):
            self._on.release()
            await settled()

    async def end(self):
        await self.let(len(self._tasks))
        await asyncio.gather(*self._tasks)


async def settled():
    for _ in range(6):
        await asyncio.sleep(0)


async def test_a_flooding_server_leaves_turns_for_others():
    hall = Hall(Turns(at_once=4, per_server=2))
    for number in range(50):
        hall.ask("flood", f"u{number}")
    await settled()
    hall.ask("quiet", "me")
    await settled()
    assert hall.began == ["u0", "u1", "me"]
    await hall.end()
    assert hall.ended.index("me") == 2


async def test_servers_that_all_flood_take_turns():
    hall = Hall(Turns(at_once=1, per_server=1))
    for server in "abc":
        for number in range(3):
            hall.ask(server, f"{server}{number}")
    await settled()
    await hall.end()
    for end in range(1, 8):
        served = [sum(name[0] == server for name in hall.ended[:end]) for server in "abc"]
        assert max(served) - min(served) <= 2, hall.ended
    assert len(hall.ended) == 9


async def test_a_flooding_user_waits_behind_the_others_of_the_same_server():
    hall = Hall(Turns(at_once=1, per_server=1))
    for number in range(20):
        hall.ask("desk", "flood", f"f{number}")
    hall.ask("desk", "me")
    await settled()
    await hall.end()
    assert hall.ended.index("me") <= 2


async def test_one_who_gives_up_takes_no_turn_and_leaves_none_behind():
    turns = Turns(at_once=1, per_server=1)
    hall = Hall(turns)
    hall.ask("a", "first")
    gone = hall.ask("a", "gone")
    hall.ask("b", "last")
    await settled()
    gone.cancel()
    await hall.let(2)
    await asyncio.gather(gone, return_exceptions=True)
    assert hall.ended == ["first", "last"]
    assert (turns.running, turns.waiting) == (0, 0)


async def test_one_who_gives_up_as_the_turn_comes_gives_it_back():
    turns = Turns(at_once=1, per_server=1)
    hall = Hall(turns)
    first = hall.ask("a", "first")
    gone = hall.ask("a", "gone")
    await settled()
    hall._on.release()
    while not first.done():
        await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    assert turns.running == 0


async def test_a_turn_comes_back_where_the_request_fails():
    turns = Turns(at_once=1, per_server=1)
    with pytest.raises(ValueError, match="no"):
        async with turns.turn("a", "u"):
            raise ValueError("no")
    assert turns.running == 0


async def test_lanes_take_so_much_of_one_user_of_one_server_and_at_all():
    lanes = Lanes(per_lane=2, everything=4, per_server=3, most=6)
    gate = asyncio.Event()
    assert [lanes.add("u", gate.wait, "s") for _ in range(2)] == [True, True]
    await settled()  # the first is under way now, and no longer waits
    assert lanes.add("u", gate.wait, "s")
    assert not lanes.add("v", gate.wait, "s")
    assert not lanes.add("u", gate.wait)
    assert lanes.has_room
    assert [lanes.add(f"w{n}", gate.wait) for n in range(5)] == [True, True, True, False, False]
    assert not lanes.has_room
    gate.set()
    await lanes.close(1.0)
    assert lanes.has_room
    assert lanes.add("v", gate.wait, "s")
    await lanes.close(1.0)


async def test_short_work_of_one_user_is_bounded_too():
    lanes = Lanes(per_lane=2)
    gate = asyncio.Event()
    assert [lanes.aside(gate.wait, "u") for _ in range(3)] == [True, True, False]
    assert lanes.aside(gate.wait, "v")
    gate.set()
    await lanes.close(1.0)
    assert lanes.aside(gate.wait, "u")
    await lanes.close(1.0)
