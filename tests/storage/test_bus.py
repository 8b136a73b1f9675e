"""Test the bus: everybody hears, nobody is waited for, and what was missed is known."""

import asyncio

import pytest

from storage.bus import local_bus


async def test_all_who_listen_hear_and_nobody_else():
    bus = local_bus()
    zones, every, other = bus.subscribe("zones.BTC"), bus.subscribe("zones.*", "gaps"), bus.subscribe("x")
    assert bus.publish("zones.BTC", {"n": 1}) == 2
    assert bus.publish("zones.ETH", {"n": 2}) == 1
    assert bus.publish("gaps", {"n": 3}) == 1
    assert bus.publish("nobody", {}) == 0
    assert (await zones.get()).body == {"n": 1}
    assert [(await every.get()).body["n"] for _ in range(3)] == [1, 2, 3]
    other.close()
    with pytest.raises(StopAsyncIteration):
        await other.get()


async def test_a_name_without_a_star_is_no_prefix():
    bus = local_bus()
    bus.subscribe("zones")
    assert bus.publish("zones.BTC", {}) == 0


async def test_the_oldest_are_dropped_and_counted():
    bus = local_bus()
    slow = bus.subscribe("t", size=3)
    quick = bus.subscribe("t", size=100)
    for number in range(10):
        bus.publish("t", {"n": number})
    slow.close()
    assert slow.dropped == 7
    assert [message.seq async for message in slow] == [8, 9, 10]
    assert quick.dropped == 0


async def test_a_message_is_waited_for():
    bus = local_bus()
    subscription = bus.subscribe("t")
    taking = asyncio.create_task(subscription.get())
    await asyncio.sleep(0)
    assert not taking.done()
    bus.publish("t", {})
    message = await asyncio.wait_for(taking, 1)
    assert (message.topic, message.seq) == ("t", 1)


async def test_closing_ends_the_wait_and_stops_the_hearing():
    bus = local_bus()
    with bus.subscribe("t") as subscription:
        taking = asyncio.create_task(anext(aiter(subscription)))
        await asyncio.sleep(0)
    with pytest.raises(StopAsyncIteration):
        await taking
    assert bus.publish("t", {}) == 0
    subscription.close()


async def test_closing_the_bus_ends_everybody():
    bus = local_bus()
    subscriptions = [bus.subscribe("t") for _ in range(3)]
    bus.publish("t", {})
    await bus.aclose()
    for subscription in subscriptions:
        assert [message.seq async for message in subscription] == [1]


@pytest.mark.parametrize(("topics", "size"), [((), 1), (("t",), 0)])
async def test_a_subscription_without_a_topic_or_room_is_refused(topics, size):
    with pytest.raises(ValueError, match="topic and room"):
        local_bus().subscribe(*topics, size=size)
