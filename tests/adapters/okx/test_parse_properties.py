"""Whatever OKX sends, parsing never raises, never invents, and counts what it drops."""

import json
from math import isclose, isfinite
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from adapters.instruments import Instrument, Instruments
from adapters.okx.parse import parse
from engine.model import Candle, Funding, Liquidation, OpenInterest, Tick

NOW_MS = 1_692_266_434_500
KNOWN = Instruments(
    Instrument(venue="okx", native=f"{b}-USDT-SWAP", symbol=f"{b}USDT", base=b, quote="USDT", coins=c)
    for b, c in (("BTC", 0.01), ("ETH", 0.1), ("WNCG", 1.0), ("SOS", 1e6))
)
SYMBOLS = {each.symbol for each in KNOWN.all}
SWAP = "BTC-USDT-SWAP"
TIME = str(NOW_MS)
FRAMES = [
    {
        "arg": {"channel": "liquidation-orders", "instType": "SWAP"},
        "data": [
            {
                "details": [
                    {"bkPx": "60000", "posSide": "long", "side": "sell", "sz": "13", "ts": TIME},
                    {"bkPx": "61000", "posSide": "net", "side": "buy", "sz": "0.5", "ts": TIME},
                ],
                "instId": SWAP,
                "instType": "SWAP",
            }
        ],
    },
    {
        "arg": {"channel": "mark-price", "instId": SWAP},
        "data": [{"instId": SWAP, "markPx": "60000", "ts": TIME}],
    },
    {
        "arg": {"channel": "open-interest", "instId": SWAP},
        "data": [{"instId": SWAP, "oi": "5000", "oiCcy": "50", "ts": TIME}],
    },
    {
        "arg": {"channel": "funding-rate", "instId": SWAP},
        "data": [{"fundingRate": "0.0001", "fundingTime": TIME, "nextFundingTime": TIME, "ts": TIME}],
    },
    {
        "arg": {"channel": "candle5m", "instId": SWAP},
        "data": [["1692266400000", "10", "12", "9", "11", "100", "1", "10.5", "0"]],
    },
    {
        "event": "error",
        "id": "1",
        "code": "60018",
        "msg": "channel:candle5m,instId:X doesn't exist",
        "arg": {},
    },
    {"event": "notice", "code": "64008"},
]
DATA = Path(__file__).parents[2] / "data" / "okx"
RECORDED = [
    json.loads(line)
    for name in ("tardis.jsonl", "cryptofeed.jsonl")
    for line in (DATA / name).read_text().splitlines()
]
ALL = FRAMES + RECORDED
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["0", "-1", "1e999", "nan", "", SWAP, "BTC-USD-SWAP", "sell", "SWAP", TIME, "1" * 30]),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
)


def places(value, path=()):
    """Yield every place in a message."""
    yield path
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield from places(inner, (*path, key))


def put(value, path, new):
    """Return a message with another value in one place."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = put(copy[path[0]], path[1:], new)
    return copy


def sound(event):
    """Say whether an event could be true."""
    numbers = {
        Liquidation: ("price", "quantity", "notional_usd"),
        Tick: ("price",),
        Candle: ("open", "high", "low", "close"),
    }
    positive = [getattr(event, name) for name in numbers.get(type(event), ())]
    others = [event.open_interest] if isinstance(event, OpenInterest) else []
    others += [event.rate] if isinstance(event, Funding) else []
    times = event.ts > 1_230_000_000_000 and event.symbol in SYMBOLS
    return times and all(isfinite(n) and n > 0 for n in positive) and all(map(isfinite, others))


@given(st.data())
def test_a_message_with_anything_in_any_place(data):
    whole = data.draw(st.sampled_from(FRAMES) | st.sampled_from(ALL))
    path = data.draw(st.sampled_from(list(places(whole))))
    spoilt = put(whole, path, data.draw(VALUES))
    parsed = parse(json.dumps(spoilt), KNOWN, NOW_MS)
    assert all(sound(event) for event in parsed.events)
    assert parsed.events or parsed.answers or parsed.dropped or parsed.alive or parsed.closing
    assert all(count > 0 for count in parsed.dropped.values())


@given(st.sampled_from(FRAMES) | st.sampled_from(ALL), st.data())
def test_a_frame_with_any_bytes_changed(message, data):
    frame = bytearray(json.dumps(message).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        frame[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
    assert all(sound(event) for event in parse(bytes(frame), KNOWN, NOW_MS).events)


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_anything_at_all(frame):
    assert parse(frame, KNOWN, NOW_MS).events == ()


@given(st.integers(1, 5), st.integers(1, 5), st.floats(0.01, 1e6), st.floats(0.01, 1e6))
def test_every_detail_is_an_event_and_equal_ones_differ(same, other, contracts, price):
    one = {"bkPx": str(price), "posSide": "net", "side": "sell", "sz": str(contracts), "ts": TIME}
    row = {"details": [one] * same + [{**one, "side": "buy"}] * other, "instId": SWAP, "instType": "SWAP"}
    frame = json.dumps({"arg": {"channel": "liquidation-orders", "instType": "SWAP"}, "data": [row]})
    events = parse(frame, KNOWN, NOW_MS).events
    assert [event.nth for event in events] == [*range(same), *range(other)]
    assert len(set(events)) == same + other
    for event in events:
        assert isclose(event.notional_usd, contracts * 0.01 * price)
