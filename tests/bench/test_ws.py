"""The load of `bench ws` is real: every client is counted, and one that lacks a message is found."""

import numpy as np

from bench import ws


async def test_a_small_crowd_gets_everything_is_weighed_and_loses_nothing_to_one_that_stalls():
    async with ws.crowd() as clients:
        await clients.grow(30)
        assert await clients.weigh() > 10_000
        found = await clients.spread(2, 0.05)
        await clients.grow(50, stalled=1)
        beside = await clients.spread(100, 0.004)
    assert (found.failures, clients.unconnected) == (0, 0)
    assert (beside.failures, beside.told["slow"]) == (0, 1)
    assert 0 < found.p50_ms <= found.p99_ms
    assert 30 < found.told["snapshot_kb"] < 60
    assert 1 < found.told["delta_kb"] < 3


async def test_the_plain_server_does_the_same():
    async with ws.crowd("--plain") as clients:
        await clients.grow(10)
        assert (await clients.spread(2, 0.05)).failures == 0


def test_a_client_that_lacks_a_message_is_a_failure():
    rows = np.array([[client, n, 0] for client in range(4) for n in (1, 2) if (client, n) != (2, 1)])
    assert ws._incomplete(rows, 4, 2) == 1
    assert ws._incomplete(rows[rows[:, 0] != 3], 4, 2) == 2
