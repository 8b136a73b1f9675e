"""Time cryptofeed's message handlers; run by the Python of an environment that has it, never imported.

Frames of each venue come as JSON on stdin; frames a second go out as JSON on the last line of stdout.
"""

import asyncio
import importlib
import json
import statistics
import sys
import time
from types import SimpleNamespace
from typing import Any

CLASSES = {
    "binance": ("binance_futures", "BinanceFutures"),
    "bybit": ("bybit", "Bybit"),
    "okx": ("okx", "OKX"),
}
SYMBOLS = ("BTCUSDT", "CTKUSDT", "AKROUSDT", "SUSHIUSDT", "BTC-USDT-SWAP")
REPEATS = 5


async def _nothing(*_: object) -> None:
    return


def _feed(venue: str) -> Any:  # noqa: ANN401 - a class of a package that is not installed here
    """Return a feed that knows its symbols without asking anybody."""
    module, name = CLASSES[venue]
    kind = getattr(importlib.import_module(f"cryptofeed.exchanges.{module}"), name)
    names = {f"{each}-PERP": each for each in SYMBOLS}
    info = {"instrument_type": dict.fromkeys(names, "perpetual"), "tick_size": dict.fromkeys(names, "0.1")}
    importlib.import_module("cryptofeed.symbols").Symbols.set(kind.id, names, info)
    feed = kind()
    for channel in ("trades", "liquidations", "ticker", "funding", "open_interest", "index"):
        feed.callbacks[channel] = [_nothing]
    return feed


async def _per_s(venue: str, frames: list[str]) -> float:
    feed = _feed(venue)
    wanted = {"tickers": list(SYMBOLS)}
    address = "wss://stream.bybit.com/v5/public/linear"
    connection = SimpleNamespace(address=address, uuid="bench", subscription=wanted)
    rates = []
    for _ in range(REPEATS):
        began_s = time.perf_counter()
        for frame in frames:
            await feed.message_handler(frame, connection, 1_760_000_000.0)
        rates.append(len(frames) / (time.perf_counter() - began_s))
    return statistics.median(rates)


def main() -> None:
    """Read frames, time each venue's, and write what was found."""
    given: dict[str, list[str]] = json.load(sys.stdin)
    found = {venue: asyncio.run(_per_s(venue, frames)) for venue, frames in given.items()}
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
