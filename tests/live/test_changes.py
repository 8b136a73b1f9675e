import asyncio

from bot.live.changes import Changes
from bot.live.view import Change, ChangeKind

TICK, CANDLE = ChangeKind.TICK, ChangeKind.CANDLE


async def test_a_slow_subscriber_loses_the_oldest_and_it_is_counted():
    changes = Changes()
    slow, quick = changes.subscribe(depth=3), changes.subscribe()
    for ts in range(10):
        changes.say(Change("A", CANDLE, ts))
    assert [(await slow.get()).ts for _ in range(3)] == [7, 8, 9]
    assert (slow.dropped, quick.dropped, changes.dropped) == (7, 0, 7)
    assert [(await quick.get()).ts for _ in range(10)] == list(range(10))
    slow.close()
    assert changes.dropped == 7


async def test_ticks_that_wait_are_replaced_by_newer_ones():
    changes = Changes()
    subscription = changes.subscribe()
    for change in (Change("A", TICK, 1), Change("A", TICK, 2), Change("B", TICK, 3), Change("B", CANDLE, 4)):
        changes.say(change)
    changes.close()
    assert [change.ts async for change in subscription] == [2, 3, 4]
    assert subscription.dropped == 0


async def test_a_subscriber_that_waits_is_woken_by_a_change_and_by_the_end():
    changes = Changes()
    subscription = changes.subscribe()
    waiting = asyncio.create_task(subscription.get())
    await asyncio.sleep(0)
    changes.say(Change("A", CANDLE, 1))
    assert (await waiting).ts == 1
    waiting = asyncio.create_task(subscription.get())
    await asyncio.sleep(0)
    subscription.close()
    subscription.close()
    assert await waiting is None
    assert changes.subscribers == 0
    changes.say(Change("A", CANDLE, 2))
    assert await subscription.get() is None
