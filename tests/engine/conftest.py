import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.model import STEP_MS, Candles
from engine.presets import FLOW, Level, Lifetime

START_MS = 1_760_000_100_000 // STEP_MS * STEP_MS


def _module(name):
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def oracle():
    """The class of the slow reference."""
    return _module("oracle").Oracle


@pytest.fixture(scope="session")
def zone_oracle():
    """The module of zones in plain Python."""
    return _module("zone_oracle")


@pytest.fixture(scope="session")
def small():
    """`flow` with a short norm and few levels, so that short histories go through everything."""
    levels = tuple(Level.at(d, weight=d) for d in (0.002, 0.0065, 0.02))
    return replace(
        FLOW, name="small", levels=levels, norm_days=0.25, norm_min_days=0.02, warm_days=0.1, reach=0.03
    )


@pytest.fixture(scope="session")
def variants(small):
    """Presets that put other parts into the kernel."""
    from engine.presets import EntryPoint

    several = (EntryPoint(low=1.0, share=0.25), EntryPoint(open=0.4, high=0.6, share=0.75))
    return (
        small,
        replace(small, name="kept", take_profit=None),
        replace(small, name="brief", lifetimes=(Lifetime(half_life_h=0.01, amplitude=1.0),)),
        replace(small, name="forever", lifetimes=(Lifetime(half_life_h=float("inf"), amplitude=2.0),)),
        replace(small, name="several", entry=several),
        replace(small, name="fine", step_ms=60_000),
    )


@pytest.fixture(scope="session")
def market():
    """A function that makes candles: seeded, off bin edges, with whatever is asked of them."""

    def make(count, *, seed=1, step_ms=STEP_MS, volatility=0.002, price=100.0, missing=0.0, dead=0.0):
        rng = np.random.default_rng(seed)
        close = price * np.exp(np.cumsum(rng.normal(0, volatility, count)))
        open_ = np.concatenate([[price], close[:-1]]) * np.exp(rng.normal(0, volatility / 4, count))
        wick = np.exp(np.abs(rng.normal(0, volatility / 2, (2, count))))
        volume = rng.exponential(10.0, count)
        flat = rng.random(count) < dead
        volume[flat] = 0.0
        open_[flat] = close[flat]
        wick[:, flat] = 1.0
        quote = np.where(rng.random(count) < 0.5, np.nan, volume * close)
        steps = np.cumsum(np.where(rng.random(count) < missing, rng.integers(2, 30, count), 1))
        return Candles(
            ts=START_MS + steps * step_ms,
            open=open_,
            high=np.maximum(open_, close) * wick[0],
            low=np.minimum(open_, close) / wick[1],
            close=close,
            volume=volume,
            quote_volume=quote,
            taker_buy_volume=np.full(count, np.nan),
            open_interest=np.where(rng.random(count) < 0.5, np.nan, 5.0),
        )

    return make
