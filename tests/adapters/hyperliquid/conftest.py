"""A small universe as the venue lists it, shipped samples, and frames of the venue's own shapes."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from adapters.hyperliquid.contexts import Universe
from adapters.instruments import Instrument, Status

TESTS = Path(__file__).parents[2]
DATA = TESTS / "data" / "hyperliquid"
NOW_MS = 1_781_528_070_000
STRANGER = "0x360878d351f05975e25f1807a27895e1e5e004fb"
FOLLOWED = "0x010461c14e146ac35fe42271bdc1134ee31c703a"


def load(name, path):
    """Load a module by its path: tests are no package."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


def coin(name, status=Status.TRADING):
    """Return one instrument as `meta` makes it."""
    bundle = 1000.0 if name.startswith("k") else 1.0
    base = name.removeprefix("k")
    return Instrument(
        venue="hyperliquid",
        native=name,
        symbol=f"{base}USDT",
        base=base,
        quote="USDC",
        coins=bundle,
        priced=bundle,
        status=status,
    )


def fill(**changes):
    """Return the fill of the sheet: a maker sold to a short that was being liquidated."""
    return {
        "coin": "BTC",
        "px": "66653.0",
        "sz": "0.001",
        "side": "A",
        "time": 1_781_528_065_899,
        "startPosition": "-0.0213",
        "dir": "Open Short",
        "closedPnl": "0.0",
        "hash": "0xe29f",
        "oid": 55030848197,
        "crossed": False,
        "fee": "0.009997",
        "tid": 745210434703679,
        "liquidation": {"liquidatedUser": STRANGER, "markPx": "66607.0", "method": "market"},
        "feeToken": "USDC",
        "twapId": None,
    } | changes


def fills(*found, user=FOLLOWED, **more):
    """Return a frame of `userFills`."""
    return json.dumps({"channel": "userFills", "data": {"user": user, "fills": list(found)} | more})


def context(**changes):
    """Return the context of the sheet."""
    return {
        "funding": "-0.0000015186",
        "openInterest": "27353.17682",
        "prevDayPx": "76317.0",
        "dayNtlVlm": "1516669192.1953897476",
        "premium": "-0.0005927453",
        "oraclePx": "77605.0",
        "markPx": "77562.0",
        "midPx": "77558.5",
        "impactPxs": ["77558.0", "77559.0"],
        "dayBaseVlm": "19707.77457",
    } | changes


def candle(t=1_781_527_800_000, **changes):
    """Return a frame of `candle`."""
    data = {
        "t": t,
        "T": t + 299_999,
        "s": "BTC",
        "i": "5m",
        "o": "100.0",
        "c": "101.0",
        "h": "102.0",
        "l": "99.0",
        "v": "12.5",
        "n": 7,
    }
    return json.dumps({"channel": "candle", "data": data | changes})


@pytest.fixture
def universe():
    """BTC, a delisted coin in the middle, ETH, a bundle."""
    return Universe([coin("BTC"), coin("MATIC", Status.DELISTED), coin("ETH"), coin("kPEPE")])


@pytest.fixture
def recorded():
    """The frames that ship."""
    return (DATA / "frames.jsonl").read_text().splitlines()


@pytest.fixture
def info():
    """The answers that ship, by the type of their request."""
    return json.loads((DATA / "info.json").read_text())
