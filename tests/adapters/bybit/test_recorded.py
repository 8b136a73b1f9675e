"""Every recorded frame becomes what it says or is dropped under a reason, and mutated ones do no harm."""

import gzip
import json
import math
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from adapters.bybit.parse import Parser, parse
from adapters.parsed import Dropped, Parsed
from engine.model import Candle, Funding, Liquidation, OpenInterest, Side, Tick


def shipped(frames):
    return (frames.DATA / "tardis.jsonl").read_text().splitlines()


def summary(lines, known, now):
    """Return how many of what came out of which topic."""
    parser, found = Parser(), Counter()
    for line in lines:
        parsed = parser.parse(line, known, now)
        assert parsed != Parsed(), line  # each is read or counted
        topic = json.loads(line).get("topic", "answer").split(".")[0]
        for event in parsed.events:
            found[topic, type(event).__name__] += 1
        for reason, count in parsed.dropped.items():
            found[topic, reason.value] += count
        found[topic, "answers"] += len(parsed.answers)
    return +found


EXPECTED = {
    ("answer", "answers"): 1,
    ("tickers", "not_linear"): 4,
    ("tickers", "Tick"): 1,
    ("tickers", "OpenInterest"): 1,
    ("tickers", "Funding"): 1,
    ("allLiquidation", "Liquidation"): 2,
}


def test_shipped_frames_become_what_they_say(known, frames):
    found = summary(shipped(frames), known, frames.NOW)
    assert {key: found[key] for key in EXPECTED} == EXPECTED
    rest = {key for key in found if key not in EXPECTED}
    assert {what for _, what in rest} == {"unknown_message"}
    assert {topic for topic, _ in rest} == {
        "instrument_info",
        "liquidation",
        "orderbook",
        "publicTrade",
    }


def test_recorded_values(known, frames):
    lines = shipped(frames)
    liquidation = next(line for line in lines if "allLiquidation" in line)
    (event,) = parse(liquidation, known, frames.NOW).events
    assert (event.symbol, event.side, event.price, event.quantity, event.ts) == (
        "PIPPINUSDT",
        Side.SHORT,
        0.02456,
        2846.0,
        1740480207110,
    )
    ticker = next(line for line in lines if '"tickers.BTCUSDT"' in line)
    tick, interest, funding = parse(ticker, known, frames.NOW).events
    assert (tick.price, tick.ts) == (28550.7, 1680673821770)
    assert interest.open_interest == 52774.528 / 2  # of 2023: both sides
    assert (funding.rate, funding.funding_ts, funding.interval_h) == (0.0001, 1680681600000, None)


def test_every_recorded_frame(samples, known, frames):
    lines = (samples / "frames" / "tardis_node" / "bybit.jsonl").read_text().splitlines()
    found = summary(lines, known, frames.NOW)
    assert {key: found[key] for key in EXPECTED} == EXPECTED
    assert sum(found.values()) == len(lines) + 2  # the one ticker that is read makes three events


def test_frames_of_the_protocol_before_are_dropped_whole(samples, known, frames):
    parser, reasons, answers, count = Parser(), Counter(), 0, 0
    for name in ("BYBIT.ws.25.0.gz", "BYBIT.ws.26.0.gz"):
        with gzip.open(samples / "frames" / "cryptofeed" / name, "rt") as file:
            for line in file:
                parsed = parser.parse(line.partition(": ")[2], known, frames.NOW)
                assert parsed.events == ()
                reasons.update(parsed.dropped)
                answers += len(parsed.answers)
                count += 1
    assert answers == 20
    assert set(reasons) == {Dropped.UNKNOWN, Dropped.NOT_JSON}
    assert sum(reasons.values()) == count - answers
    assert count > 4000


# mutations

SEEDS = [
    (
        '{"topic":"allLiquidation.ROSEUSDT","type":"snapshot","ts":1739502303204,"data":[{"T":1739502302929,'
        '"s":"ROSEUSDT","S":"Sell","v":"20000","p":"0.04499"},{"T":1739502302929,"s":"ROSEUSDT","S":"Buy",'
        '"v":"1","p":"0.05"}]}'
    ),
    (
        '{"topic":"tickers.BTCUSDT","type":"snapshot","data":{"symbol":"BTCUSDT","lastPrice":"17216.00",'
        '"openInterest":"68744.761","singleOpenInterest":"34372.3","nextFundingTime":"1673280000000",'
        '"fundingRate":"-0.000212","fundingIntervalHour":"8"},"cs":24987956059,"ts":1673272861686}'
    ),
    (
        '{"topic":"kline.5.BTCUSDT","data":[{"start":1672324800000,"end":1672325099999,"interval":"5",'
        '"open":"16649.5","close":"16677","high":"16677","low":"16608","volume":"2.081","turnover":"34666.4",'
        '"confirm":false,"timestamp":1672324988882}],"ts":1672324988882,"type":"snapshot"}'
    ),
    '{"success":false,"ret_msg":"error:handler not found,topic:a.b","req_id":"1","op":"subscribe"}',
]
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=6),
    st.sampled_from(["", "0", "-1", "nan", "inf", "-inf", "1e999", "1e308", "1_0", "Buy", "Sell", "delta"]),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


def places(value, path=()):
    """Return the path to every value inside of a message."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


def changed(value, path, new):
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(copy[path[0]], path[1:], new)
    return copy


@st.composite
def mutated(draw):
    message = json.loads(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(list(places(message))))
        message = changed(message, path, draw(ODD))
    return json.dumps(message)


def possible(event, now):
    """Say whether an event is one that a market can have."""
    numbers = [
        getattr(event, name)
        for name in event.__slots__
        if isinstance(getattr(event, name), float) and name != "rate"
    ]
    assert all(math.isfinite(number) and number >= 0.0 for number in numbers)
    assert 1_230_768_000_000 <= event.ts < 253_402_300_800_000
    if isinstance(event, Candle):
        assert event.ts % 300_000 == 0
        assert 0 < event.low <= min(event.open, event.close) <= max(event.open, event.close) <= event.high
    if isinstance(event, Liquidation):
        assert event.notional_usd == event.price * event.quantity > 0
        assert event.received_ms == now
    if isinstance(event, Funding):
        assert -1 <= event.rate <= 1
    if isinstance(event, Tick):
        assert event.price > 0
    return isinstance(event, Candle | Tick | Liquidation | OpenInterest | Funding)


def harmless(parser, frame, known, now):
    parsed = parser.parse(frame, known, now)
    assert all(possible(event, now) for event in parsed.events)
    assert all(event.symbol in ("ROSEUSDT", "BTCUSDT") for event in parsed.events)
    assert all(count > 0 for count in parsed.dropped.values())
    return parsed


@given(frames_in=st.lists(mutated(), min_size=1, max_size=4))
def test_mutated_frames_never_raise_and_never_invent(frames_in, known, frames):
    parser = Parser()
    for frame in frames_in:
        harmless(parser, frame, known, frames.NOW)


@given(seed=st.sampled_from(SEEDS), cut=st.integers(0, 600), put=st.binary(max_size=4))
def test_cut_and_spoiled_bytes_never_raise(seed, cut, put, known, frames):
    raw = seed.encode()
    cut = min(cut, len(raw))
    harmless(Parser(), raw[:cut] + put + raw[cut + 1 :], known, frames.NOW)
    parsed = harmless(Parser(), raw[:cut], known, frames.NOW)
    if cut < len(raw):
        assert parsed.dropped == {Dropped.NOT_JSON: 1}


@given(noise=st.binary(max_size=60) | st.text(max_size=60))
def test_noise_is_counted(noise, known, frames):
    parsed = harmless(Parser(), noise, known, frames.NOW)
    assert parsed.events == ()
    assert parsed.dropped.total() == 1


@given(row=st.dictionaries(st.sampled_from(["T", "s", "S", "v", "p"]), ODD))
def test_rows_in_are_rows_out_or_counted(row, known, frames):
    good = {"T": 1739502302929, "s": "ROSEUSDT", "S": "Sell", "v": "20000", "p": "0.04499"}
    frame = {"topic": "allLiquidation.ROSEUSDT", "data": [good, good | row, row]}
    parsed = harmless(Parser(), json.dumps(frame), known, frames.NOW)
    assert len(parsed.events) + parsed.dropped.total() == 3
