"""What is asked, what it costs, what its answers become, and which refusals are final."""

import gzip
import json
from collections import Counter

import binance_frames as frames
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.binance import answers, rest
from adapters.instruments import Status
from adapters.parsed import Dropped
from adapters.rest.pages import Order
from adapters.rest.verdicts import Answered, Outcome, Scope
from engine.model import Candle, Funding, LongShortRatio, OpenInterest

BTC = frames.KNOWN.symbol("BTCUSDT")
PEPE = frames.KNOWN.symbol("PEPEUSDT")
STEP = 300_000
FIRST = 1_762_999_800_000
ROW = [FIRST, "10", "12", "9", "11", "100", FIRST + STEP - 1, "1050", 308, "60", "630", "0"]
INTEREST = {
    "symbol": "BTCUSDT",
    "sumOpenInterest": "75375.617",
    "sumOpenInterestValue": "1",
    "timestamp": FIRST,
}
PREMIUM = {
    "symbol": "BTCUSDT", "markPrice": "11793.63104562", "indexPrice": "11781.80495970",
    "estimatedSettlePrice": "11781.16138815", "lastFundingRate": "0.00038246", "interestRate": "0.0001",
    "nextFundingTime": 1597392000000, "time": 1597370495002,
}  # fmt: skip
RATIO = {
    "symbol": "BTCUSDT",
    "longShortRatio": "1.9559",
    "longAccount": "0.6617",
    "timestamp": "1583139900000",
}


def told(status=200, said=None, **headers):
    body = b"" if said is None else json.dumps(said).encode()
    return Answered(
        status=status, headers={k.replace("_", "-"): v for k, v in headers.items()}, body=body, decoded=said
    )


def good(parsed):
    assert not parsed.dropped
    assert not parsed.answers
    return list(parsed.events)


# what is asked


def test_every_call_counts_against_a_limit_that_is_known():
    names = {limit.name for limit in rest.LIMITS}
    pages = [
        rest.candles(BTC, "5m", 0),
        rest.funding_history(BTC),
        rest.open_interest_history(BTC, "5m"),
        *(rest.long_short(BTC, kind, "5m") for kind in rest.RATIOS),
    ]
    calls = [page.ask(FIRST, FIRST + STEP) for page in pages]
    calls += [
        rest.server_time,
        rest.instruments,
        rest.funding_now,
        rest.funding_rules,
        rest.open_interest(BTC),
    ]
    assert {call.limit for call in calls} == names
    assert all(call.path.startswith(("/fapi/v1/", "/futures/data/")) for call in calls)
    assert not [call for call in calls if "Force" in call.path or "leverage" in call.path]


@pytest.mark.parametrize(
    ("rows", "weight"), [(1, 1), (99, 1), (100, 2), (499, 2), (500, 5), (1000, 5), (1001, 10), (1500, 10)]
)
def test_bars_cost_by_how_many_are_asked_for(rows, weight):
    assert rest.candle_weight(rows) == weight


def test_a_page_of_bars_asks_for_no_more_than_it_needs():
    page = rest.candles(BTC, "5m", 0)
    few = page.ask(FIRST, FIRST + 9 * STEP)
    assert few.query == (
        ("symbol", "BTCUSDT"),
        ("interval", "5m"),
        ("startTime", str(FIRST)),
        ("endTime", str(FIRST + 9 * STEP)),
        ("limit", "10"),
    )
    assert (few.weight, few.limit, few.about) == (1, "weight", "BTCUSDT")
    many = page.ask(FIRST, FIRST + 5000 * STEP)
    assert (dict(many.query)["limit"], many.weight, page.size, page.order) == (
        "1000",
        5,
        1000,
        Order.OLDEST_FIRST,
    )
    assert page.step_ms == STEP


def test_trap_no_range_of_statistics_holds_more_than_a_page():
    page = rest.open_interest_history(BTC, "5m")
    call = page.ask(FIRST, FIRST + 5000 * STEP)
    query = dict(call.query)
    assert int(query["endTime"]) == FIRST + 5000 * STEP
    stamps = range(int(query["startTime"]), int(query["endTime"]) + 1, STEP)
    assert len(stamps) == page.size == 500
    assert page.order is Order.NEWEST_FIRST
    assert dict(page.ask(FIRST, FIRST + STEP).query)["startTime"] == str(FIRST)


def test_trap_statistics_have_a_limit_of_their_own():
    call = rest.long_short(BTC, "top_positions", "1h").ask(FIRST, FIRST)
    assert (call.path, call.limit) == ("/futures/data/topLongShortPositionRatio", "statistics")
    assert rest.STATISTICS.used_header == ""
    assert rest.WEIGHT.used_header == rest.WEIGHT.used_header.lower()


# what answers become


def test_the_clock():
    assert answers.read_time({"serverTime": 1763000000000}) == 1763000000000
    assert [answers.read_time(x) for x in (None, {}, {"serverTime": "1"}, [])] == [None] * 4


def test_bars_are_candles_and_the_last_may_still_form():
    later = [FIRST + STEP, *ROW[1:6], FIRST + 2 * STEP - 1, *ROW[7:]]
    page = rest.candles(BTC, "5m", FIRST + STEP)
    closed, forming = good(page.read([ROW, later]))
    assert closed == Candle(
        venue="binance",
        symbol="BTCUSDT",
        ts=FIRST,
        open=10.0,
        high=12.0,
        low=9.0,
        close=11.0,
        volume=100.0,
        quote_volume=1050.0,
        taker_buy_volume=60.0,
    )
    assert (forming.ts, forming.closed) == (FIRST + STEP, False)
    assert good(rest.candles(BTC, "5m", FIRST + STEP - 1).read([ROW]))[0].closed is False


def test_bars_of_bundles_are_in_coins():
    bar = good(rest.candles(PEPE, "5m", FIRST + STEP).read([ROW]))[0]
    assert (bar.symbol, bar.close, bar.volume, bar.taker_buy_volume) == (
        "PEPEUSDT",
        0.011,
        100_000.0,
        60_000.0,
    )


def test_bars_that_are_wrong_are_counted_and_the_others_kept():
    wrong = [
        ROW[:10],
        "row",
        [FIRST + 1, *ROW[1:]],
        [*ROW[:9], "101", *ROW[10:]],
        [*ROW[:2], "8", *ROW[3:]],
        [*ROW[:4], "0", *ROW[5:]],
    ]
    parsed = rest.candles(BTC, "5m", FIRST + STEP).read([ROW, *wrong])
    assert len(parsed.events) == 1
    assert parsed.dropped == {Dropped.MALFORMED: 2, Dropped.CONTRADICTORY: 3, Dropped.IMPOSSIBLE: 1}
    other_length = rest.candles(BTC, "1h", FIRST + STEP).read([ROW])
    assert other_length.dropped == {Dropped.CONTRADICTORY: 1}


def test_open_interest_now_and_then():
    said = {"openInterest": "10659.509", "symbol": "BTCUSDT", "time": 1589437530011}
    assert good(answers.read_open_interest(said, BTC)) == [
        OpenInterest(venue="binance", symbol="BTCUSDT", ts=1589437530011, open_interest=10659.509)
    ]
    page = rest.open_interest_history(BTC, "5m")
    assert good(page.read([INTEREST]))[0] == OpenInterest(
        venue="binance", symbol="BTCUSDT", ts=FIRST, open_interest=75375.617
    )
    assert good(rest.open_interest_history(PEPE, "5m").read([INTEREST | {"symbol": "1000PEPEUSDT"}]))[
        0
    ].open_interest == pytest.approx(75_375_617)
    other = answers.read_open_interest(said | {"symbol": "ETHUSDT"}, BTC)
    assert other.dropped == {Dropped.CONTRADICTORY: 1}


def test_trap_buckets_can_be_missing_and_are_not_filled():
    page = rest.open_interest_history(BTC, "5m")
    found = good(page.read([INTEREST, INTEREST | {"timestamp": FIRST + 3 * STEP}]))
    assert [event.ts - FIRST for event in found] == [0, 3 * STEP]


def test_funding_that_is_due_for_one_and_for_all():
    due = Funding(
        venue="binance",
        symbol="BTCUSDT",
        ts=1597370495002,
        rate=0.00038246,
        funding_ts=1597392000000,
        interval_h=4.0,
    )
    assert good(answers.read_funding_now(PREMIUM, frames.KNOWN, {"BTCUSDT": 4.0})) == [due]
    equity, delivery = PREMIUM | {"symbol": "AAPLUSDT"}, PREMIUM | {"symbol": "BTCUSDT_261225"}
    every = answers.read_funding_now([PREMIUM, equity, delivery], frames.KNOWN, {})
    assert [event.interval_h for event in every.events] == [None]
    assert every.dropped == {Dropped.NO_INSTRUMENT: 2}


def test_trap_an_absent_symbol_is_not_eight_hourly():
    rule = {"symbol": "BLZUSDT", "fundingIntervalHours": 4, "adjustedFundingRateCap": "0.03"}
    hours, dropped = answers.read_funding_rules([rule, rule | {"fundingIntervalHours": 0}, {}])
    assert hours == {"BLZUSDT": 4.0}
    assert sum(dropped.values()) == 2
    assert good(answers.read_funding_now(PREMIUM, frames.KNOWN, hours))[0].interval_h is None


def test_trap_the_interval_of_funding_follows_from_two_payments():
    hour = 3_600_000
    times = [0, 8 * hour + 5, 12 * hour, 13 * hour, 13 * hour + 1000, 18 * hour, 26.1 * hour, 42.1 * hour]
    rows = [{"symbol": "BTCUSDT", "fundingRate": "-0.0001", "fundingTime": FIRST + int(t)} for t in times]
    found = good(rest.funding_history(BTC).read(rows[::-1]))
    assert [event.interval_h for event in found] == [None, 8.0, 4.0, 1.0, None, None, None, None]
    assert all(e.settled and e.ts == e.funding_ts and e.rate == -0.0001 for e in found)


def test_ratios_say_whom_they_count():
    found = good(rest.long_short(BTC, "accounts", "5m").read([RATIO, RATIO | {"timestamp": 1583140200000}]))
    assert found[0] == LongShortRatio(
        venue="binance", symbol="BTCUSDT", ts=1583139900000, step_ms=STEP, kind="accounts", ratio=1.9559
    )
    assert found[1].ts == 1583140200000


def test_answers_of_another_shape_are_one_dropped_thing():
    readers = [
        rest.candles(BTC, "5m", 0).read,
        rest.funding_history(BTC).read,
        rest.open_interest_history(BTC, "5m").read,
        rest.long_short(BTC, "accounts", "5m").read,
        lambda said: answers.read_open_interest(said, BTC),
        lambda said: answers.read_funding_now(said, frames.KNOWN, {}),
    ]
    for read in readers:
        for said in (None, 5, "x", {"code": -1121, "msg": "Invalid symbol."}):
            parsed = read(said)
            assert parsed.events == ()
            assert sum(parsed.dropped.values()) == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
GOOD_ROWS = [ROW, INTEREST, PREMIUM, RATIO, {"symbol": "BTCUSDT", "fundingRate": "0.1", "fundingTime": FIRST}]


@given(st.data())
def test_whatever_answers_hold_nothing_is_raised_and_rows_are_counted(data):
    row = data.draw(st.sampled_from(GOOD_ROWS))
    if isinstance(row, dict):
        row = row | data.draw(st.dictionaries(st.sampled_from([*row, "x"]), JSON, max_size=3))
    else:
        row = list(row)
        row[data.draw(st.integers(0, len(row) - 1))] = data.draw(JSON)
    rows = [row, *data.draw(st.lists(JSON, max_size=3))]
    readers = (
        rest.candles(BTC, "5m", FIRST + STEP).read,
        rest.funding_history(BTC).read,
        rest.open_interest_history(BTC, "5m").read,
        rest.long_short(BTC, "accounts", "5m").read,
        lambda said: answers.read_funding_now(said, frames.KNOWN, {}),
    )
    for read in readers:
        parsed = read(rows)
        assert len(parsed.events) + sum(parsed.dropped.values()) == len(rows)
    known, dropped = answers.read_instruments({"symbols": rows})
    assert len(known) + sum(dropped.values()) == len(rows)


# what is traded


def info():
    return json.loads((frames.DATA / "exchange_info.json").read_text())


def symbol(**values):
    return info()["symbols"][0] | values


def test_what_is_traded_of_a_real_answer():
    known, dropped = answers.read_instruments(info())
    assert dropped == {Dropped.UNKNOWN: 2}  # a delivery, and one that is not listed yet
    btc, shib = known.symbol("BTCUSDT"), known.symbol("SHIBUSDT")
    assert (btc.native, btc.coins, btc.tick, btc.step, btc.status, btc.delist_ms) == (
        "BTCUSDT",
        1.0,
        0.01,
        0.001,
        Status.TRADING,
        None,
    )
    assert (shib.native, shib.coins, shib.priced) == ("1000SHIBUSDT", 1000.0, 1000.0)
    assert known.symbol("1INCHUSDT").base == "1INCH"
    assert known.native("BTCUSDT_210924") is None
    assert known.native("BTCBUSD").quote == "BUSD"


def test_the_whole_real_answer(samples):
    path = samples / "frames" / "cryptofeed" / "BINANCE_FUTURES.0.gz"
    with gzip.open(path, "rt") as lines:
        said = json.loads(lines.readline().partition(": ")[2])
    known, dropped = answers.read_instruments(said)
    assert len(known) == 119
    assert dropped == {Dropped.UNKNOWN: 3}


def test_trap_equities_deliveries_and_pairs_in_coins_are_not_read():
    rows = [
        symbol(symbol="AAPLUSDT", contractType="TRADIFI_PERPETUAL", underlyingType="EQUITY"),
        symbol(symbol="BTCUSDT_261225", contractType="CURRENT_QUARTER"),
        symbol(symbol="ETHBTC", baseAsset="ETH", quoteAsset="BTC", marginAsset="BTC"),
        symbol(symbol="BTCUSD_PERP", quoteAsset="USD", marginAsset="BTC"),
        symbol(contractType=None),
        symbol(filters=[]),
        "row",
    ]
    known, dropped = answers.read_instruments({"symbols": rows})
    assert len(known) == 0
    assert dropped == {Dropped.UNKNOWN: 2, Dropped.NOT_LINEAR: 2, Dropped.MALFORMED: 3}


def test_trap_a_delisted_symbol_stays_and_says_when_it_ended():
    gone = symbol(symbol="1000BTCUSDT", baseAsset="1000BTC", status="SETTLING", deliveryDate=FIRST)
    halted, soon = symbol(symbol="A", status="HALT"), symbol(symbol="B", status="PENDING_TRADING")
    known, _ = answers.read_instruments({"symbols": [gone, halted, soon, symbol()]})
    assert (known.native("1000BTCUSDT").status, known.native("1000BTCUSDT").delist_ms) == (
        Status.DELISTED,
        FIRST,
    )
    assert (known.native("A").status, known.native("B").status) == (Status.PAUSED, Status.PENDING)
    assert known.symbol("BTCUSDT").native == "BTCUSDT"


def test_trap_the_precision_is_not_the_tick():
    known, _ = answers.read_instruments({"symbols": [symbol(pricePrecision=7)]})
    assert known.symbol("BTCUSDT").tick == 0.01


def test_no_list_of_symbols_is_counted():
    for said in (None, [], {}, {"symbols": {}}):
        known, dropped = answers.read_instruments(said)
        assert (len(known), dropped) == (0, Counter({Dropped.MALFORMED: 1}))


# what refusals mean

BANNED = {
    "code": -1003,
    "msg": "Way too many requests; IP banned until 1659146400000. Please use the websocket.",
}
BLOCKED = {"code": 0, "msg": "Service unavailable from a restricted location according to 'b. Eligibility'"}


@pytest.mark.parametrize(
    ("answered", "outcome", "scope", "after_s"),
    [
        (told(200, [1]), Outcome.GOOD, Scope.CALL, None),
        (told(200, {"serverTime": 5}), Outcome.GOOD, Scope.CALL, None),
        (told(429, {"code": -1003, "msg": "Too many"}, retry_after="7"), Outcome.RETRY, Scope.LIMIT, 7.0),
        (told(429), Outcome.RETRY, Scope.LIMIT, 60.0),
        (told(400, {"code": -1003, "msg": "Too many"}), Outcome.RETRY, Scope.LIMIT, 60.0),
        (told(418, BANNED, retry_after="300"), Outcome.RETRY, Scope.VENUE, 300.0),
        (told(418), Outcome.RETRY, Scope.VENUE, 120.0),
        (told(403), Outcome.RETRY, Scope.VENUE, 600.0),
        (told(408), Outcome.RETRY, Scope.CALL, None),
        (told(503, {"code": -1000, "msg": "Unknown error"}, retry_after="2"), Outcome.RETRY, Scope.CALL, 2.0),
        (told(400, {"code": -1001, "msg": "Internal error"}), Outcome.RETRY, Scope.CALL, None),
        (told(200, None), Outcome.RETRY, Scope.CALL, None),
        (told(451, BLOCKED), Outcome.FINAL, Scope.VENUE, None),
        (told(451), Outcome.FINAL, Scope.VENUE, None),
        (told(403, BLOCKED), Outcome.FINAL, Scope.VENUE, None),
        (told(400, {"code": -1121, "msg": "Invalid symbol."}), Outcome.FINAL, Scope.CALL, None),
        (told(404), Outcome.FINAL, Scope.CALL, None),
        (told(400, {"code": -1120, "msg": "Invalid interval."}), Outcome.MISTAKE, Scope.CALL, None),
        (told(400, {"code": -1021, "msg": "Timestamp"}), Outcome.MISTAKE, Scope.CALL, None),
        (told(200, {"code": -1130, "msg": "Data sent"}), Outcome.MISTAKE, Scope.CALL, None),
        (told(400, "text"), Outcome.MISTAKE, Scope.CALL, None),
        (told(400, {"code": "x", "msg": 5}), Outcome.MISTAKE, Scope.CALL, None),
    ],
)
def test_refusals_are_told_apart(answered, outcome, scope, after_s):
    verdict = rest.judge(answered)
    assert (verdict.outcome, verdict.scope, verdict.retry_after_s) == (outcome, scope, after_s)
    assert bool(verdict.reason) is (outcome is not Outcome.GOOD)


def test_trap_a_ban_lasts_as_long_as_its_words_say():
    date = "Sat, 30 Jul 2022 01:50:00 GMT"  # ten minutes before it ends
    assert rest.judge(told(418, BANNED, retry_after="5", date=date)).retry_after_s == 600.0
    assert rest.judge(told(418, BANNED, date="soon")).retry_after_s == 120.0
    late = "Sat, 30 Jul 2022 02:50:00 GMT"
    assert rest.judge(told(418, BANNED, date=late)).retry_after_s == 120.0
