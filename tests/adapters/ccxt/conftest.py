"""Markets as ccxt tells them, and a local Bybit that ccxt and the native adapter can both read."""

import importlib.util
import sys
from pathlib import Path

import pytest

from adapters.ccxt.names import installed
from adapters.instruments import Instrument


def load(name):
    """Load a peer by its path: tests are no package."""
    known = f"peers_{name}"
    if known not in sys.modules:
        path = Path(__file__).parents[2] / "peers" / f"{name}.py"
        spec = importlib.util.spec_from_file_location(known, path)
        module = sys.modules[known] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[known]


@pytest.fixture
def library():
    """Skip where ccxt is not installed."""
    if not installed():
        pytest.skip("needs ccxt: pip install 'liqwatch[ccxt]'")


@pytest.fixture
def make_known():
    def make(**changed):
        usual = {
            "venue": "gate",
            "native": "BTC/USDT:USDT",
            "symbol": "BTCUSDT",
            "base": "BTC",
            "quote": "USDT",
        }
        return Instrument(**(usual | changed))

    return make


@pytest.fixture
def make_market():
    def make(base="BTC", quote="USDT", **changed):
        return {
            "symbol": f"{base}/{quote}:{quote}",
            "base": base,
            "quote": quote,
            "settle": quote,
            "swap": True,
            "spot": False,
            "linear": True,
            "active": True,
            "contractSize": 1.0,
            "precision": {"price": 0.1, "amount": 0.001},
        } | changed

    return make


@pytest.fixture
async def bybit(library):
    four = load("four_venues")
    venue = await load("bybit").Bybit(there=four.Present()).start()
    yield venue
    await venue.stop()
    assert venue.exceeded == []


@pytest.fixture
def config(bybit):
    """What makes ccxt ask the local Bybit."""
    rest = dict.fromkeys(("spot", "futures", "v2", "public", "private"), bybit.url)
    streams = dict.fromkeys(("spot", "inverse", "option", "linear"), bybit.ws_url)
    return {"urls": {"api": {**rest, "ws": {"public": streams}}}}
