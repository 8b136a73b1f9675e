"""What is under way counts until it is answered: the venue may see it late, and what follows early."""

import asyncio
from itertools import pairwise

import pytest

from adapters.rest.limits import Limit
from adapters.rest.waiting import pause
from adapters.stream.wiring import Pacer


async def test_a_slow_handshake_counts_from_when_it_is_answered(auto_clock):
    pacer = Pacer(Limit(name="connects", budget=1, window_s=1.0), auto_clock)
    began_s = []

    async def connect():
        async with pacer.held():
            began_s.append(auto_clock.now_s)
            await pause(auto_clock, 5.0)

    await asyncio.gather(connect(), connect(), connect())
    assert [later - sooner for sooner, later in pairwise(began_s)] == pytest.approx([6.0, 6.0], abs=0.01)


async def test_without_a_limit_nothing_waits(auto_clock):
    pacer = Pacer(None, auto_clock)
    async with pacer.held(), pacer.held():
        await pacer.take()
    assert auto_clock.slept == []
