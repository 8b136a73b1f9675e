"""Be a local Binance in a process of its own, and let somebody trade so many times a second.

It writes its address as one line of JSON; each line `RATE SECONDS` that it reads lets the trading begin, and
is answered with how many frames were sent.
"""

import asyncio
import importlib.util
import json
import sys
import time
from pathlib import Path
from types import ModuleType

PEER = Path(__file__).parents[1] / "tests" / "peers" / "binance.py"
SYMBOL = "BTCUSDT"
PRICE = 60_000.0
SPREAD = 5_000
"""How many prices there are, a cent apart: each is the only one of its millisecond."""


def _peer() -> ModuleType:
    """Return the local venue that the tests use."""
    spec = importlib.util.spec_from_file_location("bench_binance_peer", PEER)
    if spec is None or spec.loader is None:
        raise OSError(f"{PEER} cannot be read")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


async def _serve() -> None:
    venue = await _peer().Binance().start()
    venue.lines.messages_per_s = 1_000
    _say({"rest": venue.url, "stream": f"{venue.ws_url}/market/stream"})
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        rate, seconds = (float(word) for word in line.split())
        sent, began_s = 0, time.monotonic()
        while (passed_s := time.monotonic() - began_s) < seconds:
            while sent < passed_s * rate:
                await venue.trade(SYMBOL, f"{PRICE + sent % SPREAD / 100:.2f}")
                sent += 1
            await asyncio.sleep(0.0005)
        _say({"sent": sent})
    await venue.stop()


def _say(body: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(body) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_serve())
