"""What tests of Bybit share: a few instruments, and frames as the venue writes them."""

import json
from pathlib import Path

import pytest

from adapters.bybit.parse import Parser
from adapters.instruments import Instrument, Instruments

DATA = Path(__file__).parents[2] / "data" / "bybit"
NOW = 1_760_000_000_000
"""Our clock in the tests, ms."""


def instrument(native, symbol, base, quote="USDT", coins=1.0):
    return Instrument(
        venue="bybit", native=native, symbol=symbol, base=base, quote=quote, coins=coins, priced=coins
    )


KNOWN = Instruments(
    [
        instrument("BTCUSDT", "BTCUSDT", "BTC"),
        instrument("BTCPERP", "BTCUSDC", "BTC", "USDC"),
        instrument("LTCUSDT", "LTCUSDT", "LTC"),
        instrument("PIPPINUSDT", "PIPPINUSDT", "PIPPIN"),
        instrument("ROSEUSDT", "ROSEUSDT", "ROSE"),
        instrument("1000PEPEUSDT", "PEPEUSDT", "PEPE", coins=1000.0),
        instrument("SHIB1000USDT", "SHIBUSDT", "SHIB", coins=1000.0),
    ]
)


class Frames:
    """Frames in the shapes that the venue sends."""

    NOW, DATA = NOW, DATA

    @staticmethod
    def liquidations(*rows, topic="ROSEUSDT"):
        return json.dumps(
            {"topic": f"allLiquidation.{topic}", "type": "snapshot", "ts": NOW, "data": list(rows)}
        )

    @staticmethod
    def liquidation(**changed):
        return {"T": NOW - 375, "s": "ROSEUSDT", "S": "Sell", "v": "20000", "p": "0.04499"} | changed

    @staticmethod
    def ticker(kind="snapshot", topic="BTCUSDT", ts=NOW, **said):
        return json.dumps(
            {"topic": f"tickers.{topic}", "type": kind, "data": {"symbol": topic} | said, "cs": 1, "ts": ts}
        )

    @staticmethod
    def kline(topic="5.BTCUSDT", **changed):
        row = {
            "start": 1672324800000,
            "end": 1672325099999,
            "interval": "5",
            "open": "16649.5",
            "close": "16677",
            "high": "16677",
            "low": "16608",
            "volume": "2.081",
            "turnover": "34666.4005",
            "confirm": False,
            "timestamp": 1672324988882,
        } | changed
        return json.dumps({"topic": f"kline.{topic}", "data": [row], "ts": NOW, "type": "snapshot"})


@pytest.fixture(scope="session")
def frames():
    return Frames


@pytest.fixture(scope="session")
def known():
    return KNOWN


@pytest.fixture
def parser():
    return Parser()


@pytest.fixture
def read(parser, known):
    """Parse frames one after the other with one parser."""
    return lambda frame: parser.parse(frame, known, NOW)


@pytest.fixture(scope="session")
def btc():
    return KNOWN.native("BTCUSDT")


@pytest.fixture(scope="session")
def pepe():
    return KNOWN.native("1000PEPEUSDT")


@pytest.fixture(scope="session")
def answer():
    """Wrap a result as the venue does."""

    def make(rows=None, *, now=NOW, code=0, **result):
        held = {"category": "linear", **result} | ({} if rows is None else {"list": rows})
        return {"retCode": code, "retMsg": "OK", "result": held, "retExtInfo": {}, "time": now}

    return make
