"""Messages are framed once for everybody; who is behind is left out, warned, and served afresh or closed."""

import asyncio

import pytest

from bot.web.fanout import MOST_WAITING, SLICE, Hub, Message, Patience

WARNING = Message.of("slow")


class Line:
    """Be a client's transport: what it takes is kept, unless it is stalled; then it waits."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.waiting = 0
        self.stalled = False
        self.aborted = False

    def write(self, data: bytes) -> None:
        self.taken.append(data)
        self.waiting += len(data) if self.stalled else 0

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def is_closing(self) -> bool:
        return self.aborted

    def abort(self) -> None:
        self.aborted = True

    @property
    def texts(self) -> list[str]:
        return [frame[2:].decode() for frame in self.taken]


class Place:
    """A hub with a clock and snapshots of the test's own; its parts run while the test does."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.at: dict[str, int] = {}
        self.drawn = 0
        self.gate = asyncio.Event()
        self.gate.set()
        patience = Patience(buffer_bytes=40, slow_s=10.0, warning=WARNING)
        self.hub = Hub(self.snapshot, patience, clock=lambda: self.now_s)

    async def snapshot(self, channel: str) -> Message:
        self.drawn += 1
        n = self.at.get(channel, 0)
        await self.gate.wait()
        if channel == "none":
            return Message.of("sorry")
        return Message.of(f"whole {channel}{n}", channel=channel, n=n)

    def say(self, n: int, channel: str = "a") -> Message:
        self.at[channel] = n
        message = Message.of(f"{channel}{n}", channel=channel, n=n)
        self.hub.publish(message)
        return message

    def line(self, *channels: str):
        line = Line()
        subscriber = self.hub.add(line)
        for channel in channels:
            self.hub.join(subscriber, channel)
        return line, subscriber


@pytest.fixture
async def place():
    place = Place()
    parts = [asyncio.create_task(part()) for part in (place.hub.spread, place.hub.watch)]
    yield place
    for part in parts:
        part.cancel()
    await asyncio.gather(*parts, return_exceptions=True)


async def settle() -> None:
    for _ in range(12):
        await asyncio.sleep(0)


async def until(condition) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("size", "head"),
    [(0, b"\x82\x00"), (125, b"\x82\x7d"), (126, b"\x82\x7e\x00\x7e"), (65_535, b"\x82\x7e\xff\xff")],
)
def test_a_frame_says_its_length(size, head):
    assert Message.of(bytes(size)).frame == head + bytes(size)


def test_a_long_frame_and_a_text():
    assert Message.of(bytes(65_536)).frame[:10] == b"\x82\x7f" + (65_536).to_bytes(8, "big")
    assert Message.of("é").frame == b"\x81\x02\xc3\xa9"


async def test_everybody_is_given_the_very_same_bytes(place):
    lines = [place.line("a")[0] for _ in range(3)]
    await settle()
    place.say(1)
    await settle()
    assert [line.texts for line in lines] == [["whole a0", "a1"]] * 3
    assert len({id(line.taken[1]) for line in lines}) == 1


async def test_a_newcomer_gets_a_snapshot_then_what_is_newer(place):
    place.at["a"] = 5
    place.gate.clear()
    line, _ = place.line("a")
    await settle()
    for n in (5, 6, 7):
        place.say(n)
    await settle()
    assert line.texts == []
    place.gate.set()
    await settle()
    assert line.texts == ["whole a5", "a6", "a7"]


async def test_what_is_not_followed_is_not_sent(place):
    line, subscriber = place.line("a")
    await settle()
    place.say(1, "b")
    place.hub.publish(Message.of("clock"))
    await settle()
    assert line.texts == ["whole a0", "clock"]
    place.hub.leave(subscriber, "a")
    place.say(1)
    await settle()
    assert line.texts == ["whole a0", "clock"]
    assert place.hub.followed() == {}


async def test_what_was_left_while_its_snapshot_was_drawn_is_not_sent(place):
    place.gate.clear()
    line, subscriber = place.line("a")
    await settle()
    place.hub.leave(subscriber, "a")
    place.gate.set()
    await settle()
    assert line.texts == []


async def test_where_there_is_no_snapshot_nothing_is_followed(place):
    line, _ = place.line("none")
    await settle()
    place.say(1, "none")
    await settle()
    assert line.texts == ["sorry"]
    assert place.hub.followed() == {}


async def test_a_line_that_is_behind_is_left_out_warned_and_served_afresh(place):
    line, subscriber = place.line("a")
    other, _ = place.line("a")
    await settle()
    line.stalled = True
    for n in range(1, 30):
        place.say(n)
    await settle()
    held = line.texts.index("slow")
    assert line.texts[:held] == ["whole a0", *(f"a{n}" for n in range(1, held))]
    assert line.texts[held:] == ["slow"]
    assert other.texts == ["whole a0", *(f"a{n}" for n in range(1, 30))]
    assert subscriber.dropped == place.hub.tally.dropped == 30 - held
    assert place.hub.tally.slow == 1
    line.stalled, line.waiting = False, 0
    await until(lambda: "whole a29" in line.texts)
    place.say(30)
    await until(lambda: line.texts[-1] == "a30")
    assert line.texts[held:] == ["slow", "whole a29", "a30"]


async def test_a_line_that_stays_behind_is_closed(place):
    line, _ = place.line("a")
    await settle()
    line.stalled = True
    for n in range(1, 30):
        place.say(n)
    await settle()
    place.now_s = 9.0
    await asyncio.sleep(0.3)
    assert not line.aborted
    place.now_s = 10.1
    await until(lambda: line.aborted)
    assert place.hub.tally.closed == 1
    taken = len(line.taken)
    place.say(31)
    await settle()
    assert len(line.taken) == taken


async def test_a_line_that_is_gone_while_behind_is_forgotten(place):
    line, subscriber = place.line("a")
    await settle()
    line.stalled = True
    for n in range(1, 30):
        place.say(n)
    await settle()
    line.abort()
    place.hub.remove(subscriber)
    assert len(place.hub) == 0
    assert place.hub.followed() == {}


async def test_a_large_snapshot_is_no_sign_of_a_slow_client(place):
    line, _ = place.line("a" * 100, "b")
    line.stalled = True
    await until(lambda: line.waiting > 100)
    place.say(1, "a" * 100)
    await settle()
    assert place.hub.tally.slow == 0
    assert len(line.taken) == 2
    line.waiting = 0  # it has taken everything: what else it follows comes now
    line.stalled = False
    await until(lambda: line.texts[-1] == "whole b0")
    assert place.hub.tally.slow == 0


async def test_a_line_that_never_has_room_for_its_snapshots_is_closed(place):
    line, _ = place.line("a" * 100, "b")
    line.stalled = True
    await until(lambda: line.waiting > 100)
    place.now_s = 11.0
    await until(lambda: line.aborted)
    assert (len(line.taken), place.hub.tally.closed) == (1, 1)


async def test_asking_again_loses_nothing_that_waits_for_the_snapshot(place):
    place.gate.clear()
    line, subscriber = place.line("a")
    await settle()
    place.say(1)
    await settle()
    place.hub.join(subscriber, "a")
    place.gate.set()
    await settle()
    assert line.texts == ["whole a0", "a1"]


async def test_who_published_too_much_at_once_lets_all_start_afresh():
    place = Place()
    lines = [place.line("a")[0] for _ in range(2)]
    await settle()
    for n in range(1, MOST_WAITING + 3):
        place.say(n)
    part = asyncio.create_task(place.hub.spread())
    await settle()
    assert [line.texts for line in lines] == [["whole a0", f"whole a{MOST_WAITING + 2}"]] * 2
    assert place.hub.tally.dropped == MOST_WAITING
    part.cancel()


async def test_others_have_their_turn_while_a_crowd_is_served(place):
    for _ in range(2 * SLICE):
        place.hub.add(Line())
    place.hub.publish(Message.of("clock"))
    seen = []
    async with asyncio.timeout(10):
        while place.hub.tally.sent < 2 * SLICE:
            await asyncio.sleep(0)
            seen.append(place.hub.tally.sent)
    assert SLICE in seen
