"""What ccxt returns, whole and spoiled."""

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.ccxt import parse
from adapters.ccxt.known import MEANINGS, PLAIN, Meaning, Unit, meaning
from adapters.instruments import Instrument
from adapters.parsed import Dropped
from engine.model import STEP_MS, Candle, Funding, Liquidation, OpenInterest, PriceKind, Side, Tick

AT = 1_760_000_100_000
ROW = [AT, 100.0, 110.0, 90.0, 105.0, 7.0]
PEPE = Instrument(
    venue="gate",
    native="1000PEPE/USDT:USDT",
    symbol="PEPEUSDT",
    base="PEPE",
    quote="USDT",
    coins=10_000.0,  # ten bundles a contract
    priced=1000.0,
)


def forced(**changed):
    usual = {
        "info": {},
        "symbol": "BTC/USDT:USDT",
        "contracts": 3.0,
        "contractSize": 0.01,
        "price": 60_000.0,
        "side": "sell",
        "baseValue": None,
        "quoteValue": None,
        "timestamp": AT,
    }
    return usual | changed


def test_a_bar_is_turned_into_prices_of_one_coin_and_coins():
    lots = Meaning(volume=Unit.CONTRACTS)
    (bar,) = parse.candles([ROW], PEPE, lots, AT + STEP_MS).events
    assert bar == Candle(
        venue="gate", symbol="PEPEUSDT", ts=AT, open=0.1, high=0.11, low=0.09, close=0.105, volume=70_000.0
    )
    (bar,) = parse.candles([ROW], PEPE, Meaning(volume=Unit.COINS), AT + STEP_MS).events
    assert bar.volume == 7000.0  # of the venue's coin, which is a bundle


def test_a_bar_has_closed_when_its_time_is_over():
    rows = [[AT + STEP_MS, *ROW[1:]], ROW]
    parsed = parse.candles(rows, PEPE, PLAIN, AT + 2 * STEP_MS - 1)
    assert [(each.ts, each.closed) for each in parsed.events] == [(AT, True), (AT + STEP_MS, False)]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ([AT, 100.0, 110.0, 90.0, 105.0, None], Dropped.MALFORMED),
        ([AT, "100", 110.0, 90.0, 105.0, 1.0], Dropped.MALFORMED),
        ([AT, True, 110.0, 90.0, 105.0, 1.0], Dropped.MALFORMED),
        ([AT, 100.0, 110.0, 90.0], Dropped.MALFORMED),
        ([AT + 1, *ROW[1:]], Dropped.CONTRADICTORY),
        ([AT, 100.0, 99.0, 90.0, 105.0, 1.0], Dropped.CONTRADICTORY),
        ([AT, 0.0, 110.0, 0.0, 105.0, 1.0], Dropped.IMPOSSIBLE),
        ([AT, 100.0, math.inf, 90.0, 105.0, 1.0], Dropped.IMPOSSIBLE),
        ([AT, 100.0, 110.0, 90.0, 105.0, -1.0], Dropped.IMPOSSIBLE),
        ([3000, *ROW[1:]], Dropped.IMPOSSIBLE),
        (None, Dropped.MALFORMED),
    ],
)
def test_a_bar_that_cannot_be_is_counted(row, why):
    parsed = parse.candles([row], PEPE, PLAIN, AT)
    assert (parsed.events, parsed.dropped) == ((), Counter({why: 1}))


def test_a_stream_of_bars_closes_one_when_the_next_begins(make_known):
    bars = parse.Bars(make_known(), PLAIN)
    assert [each.closed for each in bars.read([[AT - STEP_MS, *ROW[1:]], ROW]).events] == [False]
    grown = [AT, 100.0, 120.0, 90.0, 119.0, 9.0]
    following = [AT + STEP_MS, 119.0, 119.0, 119.0, 119.0, 0.0]
    closed, forming = bars.read([grown, following]).events
    assert (closed.ts, closed.closed, closed.close, closed.volume) == (AT, True, 119.0, 9.0)
    assert (forming.ts, forming.closed) == (AT + STEP_MS, False)
    late = [AT + 2 * STEP_MS, *following[1:]]
    closed, forming = bars.read([late]).events  # what was heard last of the one before is what it closed with
    assert (closed.ts, closed.closed, forming.ts) == (AT + STEP_MS, True, AT + 2 * STEP_MS)
    assert [each.ts for each in bars.read([following]).events] == [
        AT + 2 * STEP_MS
    ]  # an old one changes nothing


def test_a_stream_of_bars_closes_none_over_a_gap_or_after_an_outage(make_known):
    bars = parse.Bars(make_known(), PLAIN)
    bars.read([ROW])
    assert [each.closed for each in bars.read([[AT + 2 * STEP_MS, *ROW[1:]]]).events] == [False]
    bars.forget()
    assert [each.closed for each in bars.read([[AT + 3 * STEP_MS, *ROW[1:]]]).events] == [False]


def test_a_price_is_that_of_the_last_trade():
    (tick,) = parse.price({"last": 0.5, "bid": 0.4, "timestamp": AT}, PEPE, 5).events
    assert tick == Tick(venue="gate", symbol="PEPEUSDT", ts=AT, price=0.0005)
    (tick,) = parse.price({"last": 0.5, "timestamp": None}, PEPE, AT + 9).events
    assert tick.ts == AT + 9
    assert parse.price({"last": None, "bid": 0.4}, PEPE, AT).dropped == Counter({Dropped.MALFORMED: 1})


def test_open_interest_is_of_one_side_in_coins():
    row = {"openInterestAmount": 50.0, "timestamp": AT}
    for unit, sides, coins in (
        (Unit.CONTRACTS, 1, 500_000.0),
        (Unit.COINS, 1, 50_000.0),
        (Unit.COINS, 2, 25_000.0),
    ):
        meant = Meaning(interest=unit, interest_sides=sides)
        (told,) = parse.open_interest(row, PEPE, meant, 5).events
        assert told == OpenInterest(venue="gate", symbol="PEPEUSDT", ts=AT, open_interest=coins)
    later = row | {"timestamp": AT + 1}
    both = parse.open_interest([later, row, {"timestamp": AT}], PEPE, Meaning(interest=Unit.COINS), 5)
    assert [each.ts for each in both.events] == [AT, AT + 1]
    assert both.dropped == Counter({Dropped.MALFORMED: 1})


def test_funding_says_when_and_for_how_long_where_that_is_known():
    told = {"fundingRate": -0.0002, "fundingTimestamp": AT + 1000, "interval": "8h", "timestamp": AT}
    (rate,) = parse.funding(told, PEPE, 5).events
    assert rate == Funding(
        venue="gate", symbol="PEPEUSDT", ts=AT, rate=-0.0002, funding_ts=AT + 1000, interval_h=8.0
    )
    assert parse.funding(told | {"interval": None}, PEPE, 5).events[0].interval_h is None
    upcoming = told | {"fundingTimestamp": None, "nextFundingTimestamp": AT + 7}
    assert parse.funding(upcoming, PEPE, 5).events[0].funding_ts == AT + 7
    assert parse.funding(told | {"fundingTimestamp": None}, PEPE, 5).dropped == Counter(
        {Dropped.MALFORMED: 1}
    )
    assert parse.funding(told | {"fundingRate": 1.5}, PEPE, 5).dropped == Counter({Dropped.IMPOSSIBLE: 1})


def test_the_side_of_an_order_is_not_the_side_of_the_position(make_known):
    known = make_known(coins=0.01)
    (event,) = parse.liquidations([forced()], known, PLAIN, AT + 50).events
    assert event == Liquidation(
        venue="gate",
        symbol="BTCUSDT",
        side=Side.LONG,
        price=60_000.0,
        price_kind=PriceKind.FILL,
        quantity=0.03,
        notional_usd=1800.0,
        ts=AT,
        received_ms=AT + 50,
    )
    assert parse.liquidations([forced(side="buy")], known, PLAIN, AT).events[0].side is Side.SHORT
    lost = forced(side="s", info={"S": "Buy"})  # as ccxt gives Bybit's, where it is the position's
    (event,) = parse.liquidations([lost], known, meaning("bybit"), AT).events
    assert (event.side, event.price_kind) == (Side.LONG, PriceKind.BANKRUPTCY)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"symbol": "ETH/USDT:USDT"}, Dropped.NO_INSTRUMENT),
        ({"side": None}, Dropped.MALFORMED),
        ({"side": "long"}, Dropped.MALFORMED),
        ({"timestamp": None}, Dropped.MALFORMED),
        ({"contracts": None}, Dropped.MALFORMED),
        ({"contracts": 0.0}, Dropped.IMPOSSIBLE),
        ({"price": -1.0}, Dropped.IMPOSSIBLE),
        ({"price": 1e308, "contracts": 1e308}, Dropped.IMPOSSIBLE),
    ],
)
def test_a_liquidation_that_leaves_something_out_is_counted(make_known, changed, why):
    parsed = parse.liquidations([forced(**changed)], make_known(), PLAIN, AT)
    assert (parsed.events, parsed.dropped) == ((), Counter({why: 1}))


def test_a_venue_whose_liquidations_cannot_be_read_gives_none(make_known):
    parsed = parse.liquidations([forced()], make_known(), MEANINGS["bitmex"], AT)
    assert parsed.dropped == Counter({Dropped.MALFORMED: 1})


def test_all_that_ccxt_keeps_is_found_once():
    """ccxt returns the first of a frame alone."""
    found, kept = parse.Forced(), []
    first, second, third = ({"nth": 1}, {"nth": 1}, {"nth": 1})
    kept += [first, second]
    assert [id(row) for row in found.new([first], kept)] == [id(first), id(second)]
    assert found.new([second], kept) == []
    kept.append(third)
    assert [id(row) for row in found.new([second], kept)] == [id(third)]
    other = {"nth": 2}
    assert found.new([other], None) == [other]  # of a venue that keeps none
    assert found.new("nonsense", 5) == []


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["buy", "sell"]),
    lambda inner: st.lists(inner, max_size=7) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NAMES = """symbol side price contracts timestamp last openInterestAmount fundingRate info fundingTimestamp
interval baseValue nextFundingTimestamp"""
FIELDS = st.sampled_from(NAMES.split())
SPOILED = st.dictionaries(FIELDS, JUNK | st.just(AT) | st.just(PEPE.native), max_size=10)
ANSWERS = (
    JUNK | SPOILED | st.lists(SPOILED | st.lists(JUNK | st.just(AT), min_size=5, max_size=7), max_size=4)
)


@given(answer=ANSWERS, name=st.sampled_from(["gate", "bybit", "bitmex", "other"]))
def test_nothing_raises_and_nothing_is_invented(answer, name):
    meant = meaning(name)
    whole = [
        parse.candles(answer, PEPE, meant, AT),
        parse.price(answer, PEPE, AT),
        parse.open_interest(answer, PEPE, meant, AT),
        parse.funding(answer, PEPE, AT),
        parse.liquidations(answer, PEPE, meant, AT),
    ]
    rows = len(answer) if isinstance(answer, list) else 1
    for parsed, many in zip(whole, (rows, 1, rows, 1, rows), strict=True):
        assert len(parsed.events) + sum(parsed.dropped.values()) == many
        for event in parsed.events:
            assert (event.venue, event.symbol) == ("gate", "PEPEUSDT")
            numbers = [value for name in event.__slots__ if isinstance(value := getattr(event, name), float)]
            assert all(math.isfinite(value) for value in numbers)
    bars = parse.Bars(PEPE, meant)
    for each in (answer, [ROW], answer, [[AT + STEP_MS, *ROW[1:]]]):
        for event in bars.read(each).events:
            assert not event.closed or event.ts % STEP_MS == 0
