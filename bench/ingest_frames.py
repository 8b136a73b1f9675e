"""Frames to time the adapters with: those recorded in tests/data, each repeated at times of its own.

Where no recording of a venue's liquidations may be shipped (OKX, Hyperliquid) they have the shape that the
venue documents. A repeated frame differs from the recorded one in its times and ids alone.
"""

import copy
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.binance import parse as binance
from adapters.bybit.parse import Parser as Bybit
from adapters.hyperliquid import parse as hyperliquid
from adapters.hyperliquid.fills import LIQUIDATORS
from adapters.instruments import Instrument, Instruments
from adapters.okx import parse as okx
from adapters.parsed import Parsed

DATA = Path(__file__).parents[1] / "tests" / "data"
STEP_MS = 7
"""How far apart repeated frames are."""

Body = dict[str, Any]
Frame = tuple[str, int]
"""A frame's text and when it came, ms UTC."""


@dataclass(frozen=True, slots=True)
class Venue:
    """How one venue's frames are made and parsed: `move` puts one at another time, as another event."""

    name: str
    trades: tuple[Body, ...]
    liquidations: tuple[Body, ...]
    known: Instruments
    parse: Callable[[str, Instruments, int], Parsed]
    move: Callable[[Body, int], int]

    def read(self, frame: Frame) -> Parsed:
        """Return what a frame holds."""
        return self.parse(frame[0], self.known, frame[1])

    def repeated(self, recorded: tuple[Body, ...], count: int) -> list[Frame]:
        """Return so many frames, one after the other in time; `count` of one event each."""
        frames: list[Frame] = []
        for number in range(count):
            body = copy.deepcopy(recorded[number % len(recorded)])
            at_ms = self.move(body, number)
            frames.append((json.dumps(body, separators=(",", ":"), ensure_ascii=False), at_ms + 40))
        return frames


def venues() -> tuple[Venue, ...]:
    """Return the four venues; raise OSError where the recordings are not there."""
    return (_binance(), _bybit(), _okx(), _hyperliquid())


def _recorded(folder: str, *words: str) -> tuple[Body, ...]:
    """Return the recorded frames of a venue that hold all of some words."""
    texts = [path.read_text("utf-8") for path in sorted((DATA / folder).glob("*.jsonl"))]
    lines = [line for text in texts for line in text.splitlines()]
    return tuple(json.loads(line) for line in lines if all(word in line for word in words))


def _known(venue: str, names: Iterable[str], coins: float = 1.0) -> Instruments:
    return Instruments(
        Instrument(venue=venue, native=name, symbol=name, base=name, quote="USDT", coins=coins)
        for name in dict.fromkeys(names)
    )


def _binance() -> Venue:
    trades = _recorded("binance", "usdt@aggTrade")
    liquidations = _recorded("binance", "usdt@forceOrder")

    def move(body: Body, number: int) -> int:
        data = body["data"]
        inner = data.get("o", data)
        data["E"] = inner["T"] = inner["T"] + number * STEP_MS
        return int(inner["T"])

    names = [each["data"].get("o", each["data"])["s"] for each in (*trades, *liquidations)]
    return Venue("binance", trades, liquidations, _known("binance", names), binance.parse, move)


def _bybit() -> Venue:
    trades = _recorded("bybit", "tickers.BTCUSDT", "snapshot")
    liquidations = _recorded("bybit", "allLiquidation.")

    def move(body: Body, number: int) -> int:
        body["ts"] = body.get("ts", 1_680_000_000_000) + number * STEP_MS
        if isinstance(body["data"], list):
            for row in body["data"]:
                row["T"] = body["ts"]
        return int(body["ts"])

    names = [each["topic"].partition(".")[2] for each in (*trades, *liquidations)]
    return Venue("bybit", trades, liquidations, _known("bybit", names), Bybit().parse, move)


def _okx() -> Venue:
    trades = _recorded("okx", '"channel":"trades","instId":"BTC-USDT-SWAP"},"data"')
    detail = {"bkLoss": "0", "bkPx": "48938.5", "ccy": "", "posSide": "long", "side": "sell", "sz": "15"}
    row = {"instFamily": "BTC-USDT", "instId": "BTC-USDT-SWAP", "instType": "SWAP", "uly": "BTC-USDT"}
    arg = {"channel": "liquidation-orders", "instType": "SWAP"}
    liquidations: Body = {"arg": arg, "data": [row | {"details": [detail | {"ts": "1640131236050"}]}]}

    def move(body: Body, number: int) -> int:
        found = body["data"][0]
        inner = found["details"][0] if "details" in found else found
        at_ms = int(inner["ts"]) + number * STEP_MS
        inner["ts"] = str(at_ms)
        return at_ms

    known = _known("okx", ["BTC-USDT-SWAP"], coins=0.01)
    return Venue("okx", trades, (liquidations,), known, okx.parse, move)


def _hyperliquid() -> Venue:
    trades = tuple(
        each for each in _recorded("hyperliquid", '"channel":"trades"') if each["data"][0]["coin"] == "BTC"
    )
    fill = {
        "coin": "BTC", "px": "69997.0", "sz": "0.38", "side": "B", "time": 1_730_160_006_192,
        "startPosition": "0.0", "dir": "Open Long", "closedPnl": "0.0", "hash": "0x40d169aa",
        "oid": 55030848197, "crossed": False, "fee": "0.009997", "tid": 1_016_375_172_059_570,
        "feeToken": "USDC", "twapId": None,
        "liquidation": {"liquidatedUser": "0x" + "ab" * 20, "markPx": "69990.0", "method": "market"},
    }  # fmt: skip
    liquidation: Body = {"channel": "userFills", "data": {"user": LIQUIDATORS[0], "fills": [fill]}}

    def move(body: Body, number: int) -> int:
        data = body["data"]
        for place, row in enumerate(data if isinstance(data, list) else data["fills"]):
            row["time"] += number * STEP_MS
            row["tid"] += number * 1_000 + place
        return int(row["time"])

    known = _known("hyperliquid", ["BTC"])
    return Venue("hyperliquid", trades, (liquidation,), known, hyperliquid.parse, move)
