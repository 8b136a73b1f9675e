"""Bybit's answers become events in coins, one side, marked where they form; what is odd is counted."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.bybit import rest
from adapters.bybit.answers import (
    read_candles,
    read_funding,
    read_interest,
    read_ratios,
    read_tickers,
    read_time,
)
from adapters.bybit.listing import read_listing, read_tier_page, tier_tables
from adapters.instruments import Instruments
from adapters.parsed import Dropped
from adapters.rest.verdicts import Answered
from engine.model import Candle, Funding, LongShortRatio, OpenInterest, Tick

STEP = 300_000
OPEN = 1_759_999_800_000
"""The open of the candle that is forming at the tests' clock."""


def row(start=OPEN, **changed):
    names = ("open", "high", "low", "close", "volume", "turnover")
    values = dict(zip(names, ("17071", "17073", "17027", "17055.5", "268", "15.7"), strict=True)) | changed
    return [str(start), *values.values()]


def test_documented_time(frames):
    body = (
        '{"retCode":0,"retMsg":"OK","result":{"timeSecond":"1688639403","timeNano":"1688639403423213947"},'
        '"retExtInfo":{},"time":1688639403423}'
    )
    assert read_time(json.loads(body)) == 1688639403423
    assert [read_time(each) for each in (None, [], {}, {"time": "x"}, {"time": 5})] == [None] * 5


def test_trap_candles_come_newest_first_and_the_first_is_open(answer, btc, frames):
    parsed = rest.candles(btc, STEP).read(answer([row(), row(OPEN - STEP)], symbol="BTCUSDT"))
    assert parsed.events == (
        Candle(
            venue="bybit",
            symbol="BTCUSDT",
            ts=OPEN,
            open=17071.0,
            high=17073.0,
            low=17027.0,
            close=17055.5,
            volume=268.0,
            quote_volume=15.7,
            closed=False,
        ),
        Candle(
            venue="bybit",
            symbol="BTCUSDT",
            ts=OPEN - STEP,
            open=17071.0,
            high=17073.0,
            low=17027.0,
            close=17055.5,
            volume=268.0,
            quote_volume=15.7,
        ),
    )
    assert OPEN < frames.NOW < OPEN + STEP


def test_a_candle_is_closed_by_the_venues_clock_to_the_millisecond(answer, btc):
    for now, closed in ((OPEN + STEP - 1, False), (OPEN + STEP, True)):
        (candle,) = read_candles(answer([row()], now=now), btc, STEP).events
        assert candle.closed is closed


def test_more_coins_than_can_be_counted_are_none(answer, pepe):
    assert read_candles(answer([row(volume="1e308")]), pepe, STEP).dropped == {Dropped.IMPOSSIBLE: 1}


def test_prices_too_small_for_a_coin_are_none(answer, pepe):
    tiny = row(**dict.fromkeys(("open", "high", "low", "close"), "1e-323"))
    assert read_candles(answer([tiny]), pepe, STEP).dropped == {Dropped.IMPOSSIBLE: 1}


def test_bundles_are_in_coins(answer, pepe):
    (candle,) = read_candles(answer([row(volume="3")]), pepe, STEP).events
    assert (candle.symbol, candle.volume, candle.close) == ("PEPEUSDT", 3000.0, 17.0555)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (row(low="17060"), Dropped.CONTRADICTORY),
        (row(open="0"), Dropped.IMPOSSIBLE),
        (row(volume="-1"), Dropped.IMPOSSIBLE),
        (row(volume="1e308", turnover="1e999"), Dropped.IMPOSSIBLE),
        (row(start=OPEN - 1), Dropped.CONTRADICTORY),
        (row(start=OPEN + STEP), Dropped.IMPOSSIBLE),  # it has not begun
        (row(start="x"), Dropped.MALFORMED),
        (row()[:6], Dropped.MALFORMED),
        ({"start": 1}, Dropped.MALFORMED),
        (None, Dropped.MALFORMED),
    ],
)
def test_a_bad_candle_spoils_no_other(answer, btc, bad, reason):
    parsed = read_candles(answer([bad, row(OPEN - STEP)]), btc, STEP)
    assert [candle.ts for candle in parsed.events] == [OPEN - STEP]
    assert parsed.dropped == {reason: 1}


@pytest.mark.parametrize(
    "read",
    [
        lambda decoded, btc, known: read_candles(decoded, btc, STEP),
        lambda decoded, btc, known: read_interest(decoded, btc),
        lambda decoded, btc, known: read_funding(decoded, btc),
        lambda decoded, btc, known: read_ratios(decoded, btc, STEP),
        lambda decoded, btc, known: read_tickers(decoded, known),
    ],
)
def test_an_answer_of_another_shape_is_counted(answer, btc, known, read):
    odd = [None, [], "x", {}, {"retCode": 0}, answer(), answer([], code=10001), answer({})]
    odd += [{**answer([]), "result": []}]
    for decoded in odd:
        parsed = read(decoded, btc, known)
        assert (parsed.events, parsed.dropped) == ((), {Dropped.MALFORMED: 1})
    assert read(answer([]), btc, known).dropped == {}
    assert read(answer([5]), btc, known).dropped == {Dropped.MALFORMED: 1}


def test_an_answer_about_something_else_is_not_taken(answer, btc):
    assert read_candles(answer([row()], symbol="ETHUSDT"), btc, STEP).dropped == {Dropped.CONTRADICTORY: 1}
    assert read_candles(answer([row()], category="inverse"), btc, STEP).dropped == {Dropped.NOT_LINEAR: 1}
    assert read_candles({**answer([row()]), "time": None}, btc, STEP).dropped == {Dropped.MALFORMED: 1}


def test_trap_open_interest_counts_both_sides(answer, btc):
    rows = [
        {"openInterest": "63910691.00000000", "singleOpenInterest": "31955346", "timestamp": "1780963200000"},
        {"openInterest": "63910691.00000000", "timestamp": "1759963200000"},  # before it was told apart
    ]
    parsed = rest.interest(btc, STEP).read(answer(rows, symbol="BTCUSDT"))
    assert parsed.events == (
        OpenInterest(venue="bybit", symbol="BTCUSDT", ts=1780963200000, open_interest=31955346.0),
        OpenInterest(venue="bybit", symbol="BTCUSDT", ts=1759963200000, open_interest=31955345.5),
    )


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ({"timestamp": "1780963200000"}, Dropped.MALFORMED),
        ({"timestamp": "0", "openInterest": "1"}, Dropped.IMPOSSIBLE),
        ({"timestamp": "1780963200000", "openInterest": "-1"}, Dropped.IMPOSSIBLE),
        (
            {"timestamp": "1780963200000", "openInterest": "1", "singleOpenInterest": "2"},
            Dropped.CONTRADICTORY,
        ),
        ({"timestamp": "1780963200000", "openInterest": "1.7e308"}, Dropped.IMPOSSIBLE),
    ],
)
def test_bad_open_interest(answer, pepe, bad, reason):
    assert read_interest(answer([bad]), pepe).dropped == {reason: 1}


def test_funding_that_was_paid(answer, btc):
    good = {"symbol": "BTCUSDT", "fundingRate": "0.0001", "fundingRateTimestamp": "1672041600000"}
    rows = [
        good,
        good | {"symbol": "ETHPERP"},
        good | {"fundingRate": "2"},
        good | {"fundingRateTimestamp": None},
    ]
    parsed = rest.funding(btc).read(answer(rows))
    assert parsed.events == (
        Funding(
            venue="bybit",
            symbol="BTCUSDT",
            ts=1672041600000,
            rate=0.0001,
            funding_ts=1672041600000,
            interval_h=None,
            settled=True,
        ),
    )
    assert parsed.dropped == {Dropped.CONTRADICTORY: 1, Dropped.IMPOSSIBLE: 1, Dropped.MALFORMED: 1}


def test_ratio_of_accounts(answer, btc):
    good = {"symbol": "BTCUSDT", "buyRatio": "0.6", "sellRatio": "0.4", "timestamp": "1696262400000"}
    rows = [
        good,
        good | {"symbol": "X"},
        good | {"sellRatio": "0"},
        good | {"buyRatio": "0"},
        good | {"sellRatio": "0.9"},
        good | {"timestamp": ""},
    ]
    parsed = rest.ratios(btc, 3_600_000).read(answer(rows))
    (ratio,) = parsed.events
    assert isinstance(ratio, LongShortRatio)
    assert (ratio.ratio, ratio.kind, ratio.step_ms, ratio.ts) == (
        pytest.approx(1.5),
        "accounts",
        3_600_000,
        1696262400000,
    )
    assert parsed.dropped == {Dropped.CONTRADICTORY: 2, Dropped.IMPOSSIBLE: 2, Dropped.MALFORMED: 1}


def test_all_tickers_in_one_call(answer, known, frames):
    rows = [
        {
            "symbol": "BTCUSDT",
            "lastPrice": "60000",
            "openInterest": "100",
            "singleOpenInterest": "50",
            "fundingRate": "0.0001",
            "nextFundingTime": "1760025600000",
            "fundingIntervalHour": "8",
        },
        {"symbol": "NEWUSDT", "lastPrice": "1"},
        {"symbol": "BTCUSD", "lastPrice": "1"},
        {"lastPrice": "1"},
        {"symbol": "1000PEPEUSDT", "lastPrice": "0.02", "fundingRate": "", "nextFundingTime": ""},
    ]
    parsed = read_tickers(answer(rows), known)
    assert [(type(e), e.symbol, e.ts) for e in parsed.events] == [
        (Tick, "BTCUSDT", frames.NOW),
        (OpenInterest, "BTCUSDT", frames.NOW),
        (Funding, "BTCUSDT", frames.NOW),
        (Tick, "PEPEUSDT", frames.NOW),
    ]
    assert parsed.dropped == {Dropped.NO_INSTRUMENT: 1, Dropped.NOT_LINEAR: 1, Dropped.MALFORMED: 1}


# whatever comes

KEYS = ["symbol", "timestamp", "openInterest", "fundingRate", "fundingRateTimestamp", "buyRatio", "sellRatio"]
KEYS += ["lastPrice", "status", "priceFilter", "nextPageCursor", "riskLimitValue"]
SEEN = ["BTCUSDT", "0.5", "1760000000000", "linear", "Trading", "1e308", "NaN"]
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(SEEN)
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=8) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)


@given(rows=st.lists(VALUES, max_size=5), code=st.sampled_from([0, 0, 0, 10006]), time=VALUES)
def test_answers_never_raise_and_never_invent(rows, code, time, known):
    btc = known.native("BTCUSDT")
    for now in (1_760_000_000_000, time):
        decoded = {"retCode": code, "retMsg": "", "result": {"list": rows, "category": "linear"}, "time": now}
        events = [
            *read_candles(decoded, btc, STEP).events,
            *read_interest(decoded, btc).events,
            *read_funding(decoded, btc).events,
            *read_ratios(decoded, btc, STEP).events,
            *read_tickers(decoded, known).events,
        ]
        assert all(event.symbol == "BTCUSDT" for event in events)
        for event in events:
            floats = [getattr(event, name) for name in event.__slots__]
            assert all(math.isfinite(value) for value in floats if isinstance(value, float))
        assert all(Instruments([each]) for each in read_listing(decoded).instruments)
        tier_tables(read_tier_page(decoded).rows, known, "", "")
        rest.judge(Answered(status=200, decoded=decoded))


@given(
    starts=st.lists(st.integers(-5, 5), max_size=12),
    mutation=st.tuples(st.integers(0, 11), st.integers(0, 6), VALUES),
)
def test_rows_in_are_rows_out_or_counted(starts, mutation, known):
    rows = [row(OPEN + STEP * start) for start in starts]
    place, column, value = mutation
    if place < len(rows):
        rows[place][column] = value
    decoded = {"retCode": 0, "result": {"list": rows}, "time": 1_760_000_000_000}
    parsed = read_candles(decoded, known.native("BTCUSDT"), STEP)
    assert len(parsed.events) + parsed.dropped.total() == len(rows)
    assert all(candle.ts <= 1_760_000_000_000 for candle in parsed.events)
