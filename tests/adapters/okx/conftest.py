"""Contracts of OKX, its recorded frames, and frames as its documents show them."""

import json
from pathlib import Path

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
