"""What is new is kept beside everything else, one write of a symbol at a time, and nothing is forgotten."""

import asyncio

from bot.live.keeping import KeepSoon


class Disk:
    """A slow disk that notes what is written, and what at the same time."""

    def __init__(self, slow_s=0.02):
        self.slow_s, self.written, self.busy, self.most = slow_s, [], {}, {}

    async def keep(self, symbol):
        self.busy[symbol] = self.busy.get(symbol, 0) + 1
        self.most[symbol] = max(self.most.get(symbol, 0), self.busy[symbol])
        await asyncio.sleep(self.slow_s)
        self.busy[symbol] -= 1
        self.written.append(symbol)


async def test_news_of_a_write_are_written_together_after_it():
    disk = Disk()
    keeping = KeepSoon(disk.keep)
    keeping.soon("BTC")
    await asyncio.sleep(0)
    for _ in range(5):
        keeping.soon("BTC")
    keeping.soon("ETH")
    await keeping.all()
    assert sorted(disk.written) == ["BTC", "BTC", "ETH"]
    assert disk.most == {"BTC": 1, "ETH": 1}


async def test_what_comes_just_as_a_write_ends_is_written():
    for turns in range(12):
        disk = Disk(slow_s=0)
        keeping = KeepSoon(disk.keep)
        keeping.soon("BTC")
        for _ in range(turns):
            await asyncio.sleep(0)
        before = len(disk.written)
        keeping.soon("BTC")
        await keeping.all()
        assert len(disk.written) > before, turns


async def test_a_write_that_fails_does_not_end_keeping():
    fails = [ValueError("a bug")]
    written = []

    async def keep(symbol):
        if fails:
            raise fails.pop()
        written.append(symbol)

    keeping = KeepSoon(keep)
    keeping.soon("BTC")
    await keeping.all()
    keeping.soon("BTC")
    await keeping.all()
    assert written == ["BTC"]
