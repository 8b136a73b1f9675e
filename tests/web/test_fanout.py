"""One client's queue: bounded, in order, and refilled from snapshots after an overflow."""

import asyncio

from bot.web.fanout import Message, Subscriber


class Line:
    """Stand in for a WebSocket: it takes messages only while it is open to them."""

    def __init__(self) -> None:
        self.closed = False
        self.taken: list[bytes | str] = []
        self.flows = asyncio.Event()
        self.aborted = False

    async def send_str(self, data: str) -> None:
        await self.flows.wait()
        self.taken.append(data)

    send_bytes = send_str

    def get_extra_info(self, _name, _default=None):
        return self

    def abort(self) -> None:
        self.aborted = True


def update(n: int, channel: str = "a") -> Message:
    return Message(channel=channel, n=n, data=f"{channel}{n}")


async def follow(limit: int = 4, at: int = 0, **more):
    """Return a line, its subscriber and the pump, with channel `a` joined at number `at`."""
    line = Line()
    numbers = {"a": at}

    async def snapshot(channel: str) -> Message:
        return Message(channel=channel, n=numbers[channel], data=f"whole {channel}{numbers[channel]}")

    subscriber = Subscriber(line, snapshot, limit=limit, **more)
    pump = asyncio.create_task(subscriber.pump())
    return line, subscriber, pump, numbers


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_newcomer_gets_a_snapshot_then_what_is_newer():
    line, subscriber, pump, _ = await follow(at=5)
    line.flows.set()
    subscriber.join("a")
    subscriber.offer(update(5))
    subscriber.offer(update(6))
    await settle()
    assert line.taken == ["whole a5", "a6"]
    pump.cancel()


async def test_a_full_queue_is_dropped_and_a_snapshot_takes_its_place():
    line, subscriber, pump, numbers = await follow(limit=4)
    subscriber.join("a")
    await settle()
    for n in range(1, 9):
        numbers["a"] = n
        subscriber.offer(update(n))
    line.flows.set()
    await settle()
    assert line.taken == ["whole a0", "whole a8"]
    assert subscriber.dropped == 4
    subscriber.offer(update(9))
    await settle()
    assert line.taken[-1] == "a9"
    pump.cancel()


async def test_what_is_not_followed_is_not_sent():
    line, subscriber, pump, _ = await follow()
    line.flows.set()
    subscriber.offer(update(1, "b"))
    subscriber.offer(Message(data="clock"))
    await settle()
    assert line.taken == ["clock"]
    pump.cancel()


async def test_a_client_that_takes_nothing_for_too_long_is_cut_off():
    line, subscriber, pump, _ = await follow(send_timeout_s=0.05)
    subscriber.join("a")
    async with asyncio.timeout(2):
        await pump
    assert line.aborted
