"""Contracts of OKX, its recorded frames, and frames as its documents show them."""

import contextlib
import importlib.util
import json
import sys
from pathlib import Path

import aiohttp
import pytest

from adapters.instruments import Instrument, Instruments

DATA = Path(__file__).parents[2] / "data" / "okx"
NOW_MS = 1_692_266_434_500
COINS = {"BTC": 0.01, "ETH": 0.1, "SHIB": 1e6, "IOST": 1000.0, "WNCG": 1.0, "SOS": 1e6}


def contract(base, quote="USDT", coins=None, **more):
    return Instrument(
        venue="okx",
        native=f"{base}-{quote}-SWAP",
        symbol=base + quote,
        base=base,
        quote=quote,
        coins=COINS[base] if coins is None else coins,
        **more,
    )


def lines(name):
    return [line for line in (DATA / name).read_text().splitlines() if line]


def frame(channel, data, what="BTC-USDT-SWAP", key="instId"):
    return json.dumps({"arg": {"channel": channel, key: what}, "data": data})


def forced(*details, inst="BTC-USDT-SWAP", kind="SWAP"):
    """Return a frame of liquidations of one contract."""
    row = {
        "details": list(details),
        "instFamily": inst.removesuffix("-SWAP"),
        "instId": inst,
        "instType": kind,
        "uly": inst.removesuffix("-SWAP"),
    }
    return frame("liquidation-orders", [row], what=kind, key="instType")


def detail(**more):
    return {
        "bkLoss": "0",
        "bkPx": "60000",
        "ccy": "",
        "posSide": "long",
        "side": "sell",
        "sz": "13",
        "ts": str(NOW_MS),
        **more,
    }


@pytest.fixture
def known():
    return Instruments([*(contract(base) for base in COINS), contract("BTC", "USDC", 0.0001)])


@pytest.fixture
def kit():
    """Names that tests here share."""

    class Kit:
        NOW_MS, DATA = NOW_MS, DATA
        contract, lines, frame, forced, detail = map(staticmethod, (contract, lines, frame, forced, detail))

    return Kit


def load(name, path):
    """Load a module by its path: tests are no package."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


peer = load("peers_okx", Path(__file__).parents[2] / "peers" / "okx.py")


def furnished(server):
    """List three contracts, one of them inverse."""
    frames = server.frames
    server.list(
        frames.contract("BTC", ct_val="0.01"),
        frames.contract("ETH", ct_val="0.1", tick="0.01"),
        frames.contract("BTC", quote="USD", ct_val="100", lot="1"),
    )
    return server


@pytest.fixture
async def okx():
    """A local OKX; whoever exceeds a limit on purpose empties its faults again."""
    server = furnished(await peer.Okx().start())
    yield server
    await server.stop()
    assert server.faults == []


@pytest.fixture
async def session():
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
def opened():
    """Start local OKXs with settings of one's own."""

    @contextlib.asynccontextmanager
    async def start(**settings):
        server = furnished(await peer.Okx(**settings).start())
        try:
            yield server
        finally:
            await server.stop()

    return start


@pytest.fixture
def okx_frames():
    return peer.frames
