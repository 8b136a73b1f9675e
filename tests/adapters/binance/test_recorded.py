"""Every frame that was ever recorded becomes what it says, or is counted under a reason."""

import json
from collections import Counter

import binance_frames as frames
import pytest

from adapters.binance.parse import parse
from adapters.instruments import Instruments
from adapters.parsed import Dropped
from engine.model import Candle, Funding, Liquidation, Side, Tick

NOW_MS = frames.NOW_MS


def tally(lines, known=frames.KNOWN, interval="5m"):
    """Return what frames became: how many of which event, and of which reason; one thing a frame."""
    found = Counter()
    for line in lines:
        parsed = parse(line, known, NOW_MS, interval=interval)
        found.update(type(event).__name__ for event in parsed.events)
        found.update(parsed.dropped)
        found.update("Answer" for _ in parsed.answers)
    return found


def test_shipped_frames_of_tardis():
    lines = frames.recorded("tardis.jsonl")
    assert tally(lines) == {
        "Tick": 3,  # one aggTrade, two raw trades of the market
        "Funding": 2,
        "Liquidation": 1,
        Dropped.INTERNAL: 1,
        Dropped.NO_INSTRUMENT: 1,
        Dropped.UNKNOWN: 7,
    }
    forced = [e for line in lines for e in parse(line, frames.KNOWN, NOW_MS).events if type(e) is Liquidation]
    assert (forced[0].side, forced[0].price, forced[0].quantity) == (Side.SHORT, 4706.04, 0.014)


def test_shipped_coin_margined_frames_give_nothing():
    found = tally(frames.recorded("tardis_coin_m.jsonl"))
    assert set(found) == {Dropped.NO_INSTRUMENT, Dropped.INTERNAL}


def test_shipped_frames_of_cryptofeed():
    lines = frames.recorded("cryptofeed.jsonl")
    assert tally(lines, interval="1m") == {"Tick": 6, "Candle": 7, Dropped.UNKNOWN: 2}
    assert tally(lines) == {"Tick": 6, Dropped.UNKNOWN: 9}


def test_shipped_frames_of_hftbacktest():
    assert tally(frames.recorded("hftbacktest.jsonl")) == {"Tick": 5, Dropped.UNKNOWN: 1}


def test_shipped_forced_orders():
    lines = list(frames.forced_orders(frames.DATA / "forced_orders.csv"))
    known = Instruments(frames.perpetual(json.loads(line)["o"]["s"]) for line in lines)
    found = [parse(line, known, NOW_MS).events[0] for line in lines]
    assert len(found) == 16
    assert (found[0].symbol, found[0].side, found[0].price, found[0].quantity) == (
        "RAREUSDT",
        Side.SHORT,
        0.2185,
        4421.0,
    )


def test_every_frame_of_tardis(samples):
    folder = samples / "frames" / "tardis_node"
    lines = (folder / "binance_futures.jsonl").read_text().splitlines()
    assert lines == frames.recorded("tardis.jsonl")
    every = [line for path in sorted(folder.glob("binance*.jsonl")) for line in path.read_text().splitlines()]
    found = tally(every)
    assert sum(found.values()) == len(every) + 1  # one of them is an array of two
    assert not {Dropped.NOT_JSON, Dropped.MALFORMED, Dropped.IMPOSSIBLE} & set(found)


def test_every_frame_of_cryptofeed(samples):
    lines = list(frames.stamped(samples / "frames" / "cryptofeed" / "BINANCE_FUTURES.ws.1.0.gz"))
    found = tally(lines, interval="1m")
    assert found == {"Tick": 91, "Candle": 67, Dropped.UNKNOWN: 613 + 764}
    closed = [
        e
        for line in lines
        for e in parse(line, frames.KNOWN, NOW_MS, interval="1m").events
        if type(e) is Candle and e.closed
    ]
    assert closed
    assert all(e.ts == 1626992700000 for e in closed)


def test_every_frame_of_hftbacktest(samples):
    lines = list(frames.stamped(samples / "frames" / "hftbacktest" / "btcusdt_20240808.gz"))
    assert tally(lines) == {"Tick": 21_313, Dropped.UNKNOWN: 66_089 + 6_551 + 1}


@pytest.mark.parametrize(("name", "count"), [("binance", 456), ("binance_bigliqs", 385)])
def test_every_recorded_forced_order(samples, name, count):
    path = samples / "frames" / "binance_forceorder_events" / f"BandsThoBaby_{name}.csv"
    lines = list(frames.forced_orders(path))
    known = Instruments(frames.perpetual(json.loads(line)["o"]["s"]) for line in lines)
    found = [event for line in lines for event in parse(line, known, NOW_MS).events]
    assert len(found) == count
    limits = [float(json.loads(line)["o"]["p"]) for line in lines]
    # an order that sells goes through above its limit, one that buys below it: the limit is no trade
    assert all(
        (e.price > p) == (e.side is Side.LONG) for e, p in zip(found, limits, strict=True) if e.price != p
    )


def test_no_kind_of_event_is_left_out_here():
    lines = [*frames.recorded("tardis.jsonl"), *frames.recorded("cryptofeed.jsonl")]
    kinds = {type(e) for line in lines for e in parse(line, frames.KNOWN, NOW_MS, interval="1m").events}
    assert kinds == {Tick, Candle, Funding, Liquidation}
