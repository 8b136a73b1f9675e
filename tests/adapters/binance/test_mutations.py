"""Whatever is done to a frame: nothing is raised, nothing is made up, and what is lost is counted."""

import copy
import json
import math

import binance_frames as frames
from hypothesis import given
from hypothesis import strategies as st

from adapters.binance.parse import parse
from engine.model import Candle, Funding, Liquidation, Tick

SEEDS = [frames.TRADE, frames.KLINE, frames.MARK, frames.FORCED] + [
    json.loads(line)["data"] for line in frames.recorded("tardis.jsonl") + frames.recorded("cryptofeed.jsonl")
]
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=1_230_768_000_000, max_value=4_102_444_800_000),
    st.floats(),
    st.text(max_size=8),
    st.floats().map(str),
    st.floats(min_value=1e-9, max_value=1e9).map(str),
    st.sampled_from(
        ["BTCUSDT", "ETHUSDT", "1000PEPEUSDT", "BTCUSD_PERP", "BUY", "SELL", "5m", "1m", "", "0", 2]
    ),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=2),
)


@st.composite
def mutated(draw):
    """A message with some of its fields replaced, removed, or added to."""
    said = copy.deepcopy(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(0, 4))):
        inner = [part for part in (said.get("o"), said.get("k")) if isinstance(part, dict)]
        part = draw(st.sampled_from([said, *inner]))
        field = draw(st.one_of(st.sampled_from(sorted(part) or ["e"]), st.text(max_size=2)))
        if draw(st.booleans()):
            part.pop(field, None)
        else:
            part[field] = draw(JUNK)
    return said


def numbers_in(said):
    """Return every number that a message says, of fields of any depth."""
    if isinstance(said, dict):
        return {n for value in said.values() for n in numbers_in(value)}
    try:
        return set() if isinstance(said, list | None) else {float(said)}
    except (ValueError, OverflowError):
        return set()


def figures(event):
    """Return the figures of an event that must stand in its message, in the venue's units."""
    known = frames.KNOWN.symbol(event.symbol)
    if isinstance(event, Tick):
        return [event.ts], [event.price * known.priced]
    if isinstance(event, Funding):
        return [event.ts, event.funding_ts], [event.rate]
    if isinstance(event, Liquidation):
        return [event.ts], [event.price * known.priced, event.quantity / known.coins]
    prices = [event.open, event.high, event.low, event.close]
    volumes = [event.volume / known.coins, event.taker_buy_volume / known.coins, event.quote_volume]
    return [event.ts], [p * known.priced for p in prices] + volumes


def sane(event):
    known = frames.KNOWN.symbol(event.symbol)
    assert known is not None
    if isinstance(event, Tick):
        assert event.price > 0
        assert not event.interpolated
    elif isinstance(event, Liquidation):
        assert event.price > 0
        assert event.quantity > 0
        assert event.notional_usd == event.quantity * event.price
    elif isinstance(event, Candle):
        assert 0 < event.low <= min(event.open, event.close)
        assert max(event.open, event.close) <= event.high
        assert 0 <= event.taker_buy_volume <= event.volume


@given(st.lists(mutated(), min_size=1, max_size=4), st.booleans(), st.booleans())
def test_mutated_frames_never_raise_never_invent_and_count(messages, wrap, single):
    body = messages[0] if single else messages
    if single:
        messages = messages[:1]
    frame = json.dumps({"stream": "x", "data": body} if wrap else body)
    parsed = parse(frame, frames.KNOWN, frames.NOW_MS)
    got = len(parsed.events) + len(parsed.answers) + sum(parsed.dropped.values())
    assert got == len(messages)
    said = {n for message in messages for n in numbers_in(message)}
    for event in parsed.events:
        sane(event)
        times, values = figures(event)
        assert set(times) <= said
        assert all(math.isfinite(v) for v in values)
        assert all(any(math.isclose(v, n, rel_tol=1e-12) for n in said) for v in values)


@given(st.one_of(st.binary(max_size=64), st.text(max_size=64)))
def test_any_bytes_at_all(frame):
    parsed = parse(frame, frames.KNOWN, frames.NOW_MS)
    assert parsed.events == ()
    assert parsed.answers or parsed.alive or parsed.dropped


@given(st.sampled_from(SEEDS), st.data())
def test_frames_that_are_cut_or_whose_bytes_are_flipped(said, data):
    frame = bytearray(json.dumps(said).encode())
    frame = frame[: data.draw(st.integers(0, len(frame)))]
    for _ in range(data.draw(st.integers(0, 3))):
        if frame:
            frame[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
    parsed = parse(bytes(frame), frames.KNOWN, frames.NOW_MS)
    assert len(parsed.events) + len(parsed.answers) + sum(parsed.dropped.values()) + parsed.alive == 1
    for event in parsed.events:
        sane(event)
