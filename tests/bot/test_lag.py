"""The loop-lag meter sees a blocked loop."""

import asyncio
import time

from bot.lag import LoopLag


async def test_a_blocked_loop_shows():
    lag = LoopLag()
    assert lag.p99_ms() == 0.0
    task = asyncio.create_task(lag.run())
    await asyncio.sleep(0.1)
    time.sleep(0.2)  # the very thing that must never happen
    await asyncio.sleep(0.05)
    assert lag.max_ms() > 100
    assert lag.p99_ms() <= lag.max_ms()
    lag.reset()
    assert lag.max_ms() == 0.0
    task.cancel()
