"""What each kind of frame becomes, and every trap of the venue's streams by name."""

import copy
import json
from collections import Counter

import binance_frames as frames
import pytest

from adapters.binance.parse import parse
from adapters.parsed import Answer, Dropped, Parsed
from engine.model import Candle, Funding, Liquidation, PriceKind, Side, Tick

KNOWN, NOW_MS = frames.KNOWN, frames.NOW_MS


def read(said, **options):
    frame = said if isinstance(said, str | bytes) else json.dumps(said)
    return parse(frame, KNOWN, NOW_MS, **options)


def changed(said, **values):
    """Return a frame with other values; `order_x` and `k_x` are those inside, None takes a field away."""
    said = copy.deepcopy(said)
    for name, value in values.items():
        inside, _, field = name.partition("_")
        part, field = (said[inside[0]], field) if field else (said, name)
        if value is None:
            del part[field]
        else:
            part[field] = value
    return said


def only(parsed):
    assert (parsed.answers, sum(parsed.dropped.values()), parsed.alive, len(parsed.events)) == (
        (),
        0,
        False,
        1,
    )
    return parsed.events[0]


def reason(parsed):
    """Return why the one thing in a frame was dropped."""
    assert (parsed.events, parsed.answers, sum(parsed.dropped.values())) == ((), (), 1)
    return next(iter(parsed.dropped))


# what frames become


def test_a_trade_is_a_price_at_the_time_of_the_trade():
    assert only(read(frames.TRADE)) == Tick(
        venue="binance", symbol="BTCUSDT", ts=1751000000085, price=0.001, interpolated=False
    )


def test_a_bar_is_a_candle_with_quote_volume_and_the_takers_buys():
    assert only(read(frames.KLINE)) == Candle(
        venue="binance",
        symbol="BTCUSDT",
        ts=1638747600000,
        open=0.001,
        high=0.0025,
        low=0.001,
        close=0.002,
        volume=1000.0,
        quote_volume=1.0,
        taker_buy_volume=500.0,
        open_interest=None,
        closed=True,
    )


def test_a_bar_that_still_forms_says_so():
    assert only(read(changed(frames.KLINE, k_x=False))).closed is False


def test_bars_of_another_length_are_not_taken_for_the_wanted_ones():
    minute = changed(frames.KLINE, k_i="1m", k_t=1638747660000, k_T=1638747719999)
    assert reason(read(minute)) is Dropped.UNKNOWN
    assert only(read(minute, interval="1m")).ts == 1638747660000
    assert reason(read(frames.KLINE, interval="1m")) is Dropped.UNKNOWN


def test_a_mark_price_is_funding_and_no_price():
    assert only(read(frames.MARK)) == Funding(
        venue="binance",
        symbol="BTCUSDT",
        ts=1562305380000,
        rate=0.00038167,
        funding_ts=1562306400000,
        interval_h=None,
        settled=False,
    )


def test_a_sold_forced_order_is_a_long_that_was_liquidated_at_its_average_fill():
    assert only(read(frames.FORCED)) == Liquidation(
        venue="binance",
        symbol="BTCUSDT",
        side=Side.LONG,
        price=9911.0,
        price_kind=PriceKind.FILL,
        quantity=0.014,
        notional_usd=0.014 * 9911.0,
        ts=1568014460893,
        received_ms=NOW_MS,
        venue_id="",
        nth=0,
    )


def test_a_bought_forced_order_is_a_short_that_was_liquidated():
    assert only(read(changed(frames.FORCED, order_S="BUY"))).side is Side.SHORT


@pytest.mark.parametrize(
    "said", [frames.TRADE, frames.KLINE, frames.MARK, frames.FORCED], ids=lambda said: said["e"]
)
def test_frames_come_raw_wrapped_in_arrays_and_as_bytes(said):
    raw = read(said)
    assert read({"stream": "x@y", "data": said}) == raw
    assert read([said]) == raw
    assert read({"stream": "!x@arr", "data": [said]}) == raw
    assert read(json.dumps(said).encode()) == raw
    assert read(changed(said, unheard="of")) == raw


def test_bundles_become_coins():
    tick = only(read(changed(frames.TRADE, s="1000PEPEUSDT", p="0.0123")))
    assert (tick.symbol, tick.price) == ("PEPEUSDT", pytest.approx(0.0000123))
    bar = only(read(changed(frames.KLINE, s="1000PEPEUSDT", k_s="1000PEPEUSDT")))
    assert (bar.volume, bar.taker_buy_volume, bar.quote_volume) == (1_000_000.0, 500_000.0, 1.0)
    assert bar.high == pytest.approx(0.0000025)
    forced = only(
        read(changed(frames.FORCED, order_s="1000PEPEUSDT", order_ap="0.01", order_z="7", order_q="7"))
    )
    assert (forced.quantity, forced.notional_usd) == (7_000.0, pytest.approx(0.07))


# traps


def test_trap_one_object_a_frame_for_all_forced_orders_and_arrays_too():
    one = read({"stream": "!forceOrder@arr", "data": frames.FORCED})
    assert len(one.events) == 1
    other = changed(frames.FORCED, order_s="ETHUSDT", order_S="BUY")
    both = read({"stream": "!forceOrder@arr", "data": [frames.FORCED, other]})
    assert [event.symbol for event in both.events] == ["BTCUSDT", "ETHUSDT"]


def test_trap_equal_liquidations_in_one_frame_are_all_real():
    other = changed(frames.FORCED, order_S="BUY")
    found = read([frames.FORCED, other, frames.FORCED, frames.FORCED]).events
    assert [event.nth for event in found] == [0, 0, 1, 2]
    assert len(set(found)) == 4


def test_trap_coin_margined_symbols_come_on_the_same_stream():
    assert reason(read(changed(frames.FORCED, st=2))) is Dropped.NOT_LINEAR
    assert reason(read(changed(frames.FORCED, order_st=2))) is Dropped.NOT_LINEAR
    assert reason(read(changed(frames.TRADE, st=2))) is Dropped.NOT_LINEAR
    old = changed(frames.FORCED, st=None, order_s="BTCUSD_PERP", order_q="3", order_z="3", order_ap="9352.7")
    assert reason(read(old)) is Dropped.NOT_LINEAR


@pytest.mark.parametrize("kind", ["aggTrade", "trade"])
def test_trap_a_trade_of_the_spot_market_has_the_name_of_the_perpetual(kind):
    spot = changed(frames.TRADE, e=kind, st=None, nq=None, M=True)
    assert reason(read(spot)) is Dropped.NOT_LINEAR
    assert only(read(changed(spot, M=None))).price == 0.001  # as it was before products were marked
    assert only(read(changed(spot, st=1))).price == 0.001  # what is marked is ours, whatever comes with it


def test_frames_from_before_the_products_were_merged_are_read():
    assert read(changed(frames.FORCED, st=None, ps=None)) == read(frames.FORCED)
    assert read(changed(frames.TRADE, st=None, nq=None)) == read(frames.TRADE)


def test_trap_equities_and_deliveries_are_not_instruments_of_ours():
    mixed = [changed(frames.MARK, s=name) for name in ("AAPLUSDT", "BTCUSDT", "BTCUSDT_261225", "ETHUSDT")]
    found = read({"stream": "!markPrice@arr", "data": mixed})
    assert [event.symbol for event in found.events] == ["BTCUSDT", "ETHUSDT"]
    assert found.dropped == Counter({Dropped.NO_INSTRUMENT: 2})


def test_trap_the_average_price_counts_and_never_the_limit_price():
    assert only(read(changed(frames.FORCED, order_p="1"))) == only(read(frames.FORCED))
    assert reason(read(changed(frames.FORCED, order_ap=None))) is Dropped.MALFORMED
    assert reason(read(changed(frames.FORCED, order_ap="0"))) is Dropped.IMPOSSIBLE


def test_trap_what_was_filled_counts_and_not_the_order_nor_its_last_fill():
    part = changed(frames.FORCED, order_X="PARTIALLY_FILLED", order_z="0.005", order_l="0.001")
    assert only(read(part)).quantity == 0.005
    assert only(read(changed(frames.FORCED, order_l="0.015"))).quantity == 0.014
    assert only(read(changed(frames.FORCED, order_z=None))).quantity == 0.014
    unknown = changed(frames.FORCED, order_z=None, order_X="PARTIALLY_FILLED")
    assert reason(read(unknown)) is Dropped.MALFORMED
    assert reason(read(changed(frames.FORCED, order_z="0", order_X="NEW"))) is Dropped.IMPOSSIBLE
    assert reason(read(changed(frames.FORCED, order_z="0.015"))) is Dropped.CONTRADICTORY
    assert only(read(changed(frames.FORCED, order_q=None))).quantity == 0.014


def test_trap_acks_and_errors_in_both_forms():
    assert read({"result": None, "id": 1}) == Parsed(answers=(Answer(ok=True, request_id="1"),))
    assert read({"id": 1000, "result": None, "error": None}).answers[0].ok
    listed = read({"result": ["btcusdt@aggTrade"], "id": 3}).answers[0]
    assert (listed.ok, listed.request_id, listed.topics) == (True, "3", ("btcusdt@aggTrade",))
    assert read({"result": True, "id": 4}).answers[0].text == "true"
    words = "Invalid request: request ID must be an unsigned integer"
    refusal = Answer(ok=False, code="2", text=words)
    assert read({"code": 2, "msg": words}).answers == (refusal,)
    wrapped = read({"error": {"code": 2, "msg": words}, "id": 7}).answers[0]
    assert wrapped == Answer(ok=False, request_id="7", code="2", text=words)
    assert read({"error": "no", "id": "a"}).answers[0] == Answer(ok=False, request_id="a", text="no")
    assert read({"error": {"code": [1], "msg": {}}}).answers[0] == Answer(ok=False)


def test_trap_no_funding_is_no_rate_of_zero():
    assert reason(read(changed(frames.MARK, r=""))) is Dropped.MALFORMED
    assert reason(read(changed(frames.MARK, T=0))) is Dropped.IMPOSSIBLE
    assert reason(read(changed(frames.MARK, r="1.5"))) is Dropped.IMPOSSIBLE
    assert only(read(changed(frames.MARK, r="-0.0001"))).rate == -0.0001


def test_trap_trades_of_the_insurance_fund_are_the_venues_own():
    trade = {"e": "trade", "T": 1596034530235, "s": "ETHUSDT", "p": "2366.55", "q": "0.070"}
    for kind in ("INSURANCE_FUND", "ADL", "NA"):
        assert reason(read(trade | {"X": kind})) is Dropped.INTERNAL
    assert only(read(trade | {"X": "MARKET"})).price == 2366.55
    assert only(read(trade)).ts == 1596034530235


def test_trap_symbols_need_not_be_latin():
    assert only(read(changed(frames.TRADE, s="币安人生USDT"))).symbol == "币安人生USDT"


def test_trap_one_inch_is_a_coin_and_no_bundle():
    assert only(read(changed(frames.TRADE, s="1INCHUSDT"))).price == 0.001


# what cannot be true or understood


@pytest.mark.parametrize(
    "frame", ["", "{", "[1,", b"\xff\xfe", b"\x80", "pong", "[" * 100_000, '{"T":' + "9" * 5000 + "}"]
)
def test_what_is_not_json_is_counted(frame):
    assert reason(read(frame)) is Dropped.NOT_JSON


@pytest.mark.parametrize("frame", ["5", "null", '"x"', "true", "NaN", '{"e":5}', '{"e":["aggTrade"]}'])
def test_json_that_is_no_message_is_malformed(frame):
    assert reason(read(frame)) is Dropped.MALFORMED


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"e": "24hrTicker", "s": "BTCUSDT"},
        {"e": "bookTicker"},
        {"e": "contractInfo"},
        {"e": "aggTradE"},
        {"symbol": "BTCUSDT", "openInterest": "26286.181"},
        {"stream": "btcusdt@x"},
        [{}],
    ],
)
def test_kinds_that_nobody_asked_for_are_counted(said):
    assert reason(read(said)) is Dropped.UNKNOWN


def test_an_empty_array_is_a_sign_of_life():
    assert read("[]") == Parsed(alive=True)


@pytest.mark.parametrize(
    "value", [0, -1, True, None, "", "x", "1_0", "١", [], {}, "nan", "inf", "1e999", 10**400]
)
def test_no_price_is_made_of_what_is_none(value):
    said = copy.deepcopy(frames.TRADE)
    said["p"] = value
    assert reason(read(said)) in (Dropped.MALFORMED, Dropped.IMPOSSIBLE)


@pytest.mark.parametrize("value", ["1751000000085", 1751000000.085, True, None, 0, -1, 1751000000, 10**16])
def test_no_time_is_made_of_what_is_none(value):
    said = copy.deepcopy(frames.TRADE)
    said["T"] = value
    assert reason(read(said)) in (Dropped.MALFORMED, Dropped.IMPOSSIBLE)


@pytest.mark.parametrize(
    "wrong",
    [
        {"k_h": "0.0015"},  # below the close
        {"k_l": "0.0011"},  # above the open
        {"k_V": "1001"},  # more bought than traded
        {"k_t": 1638747600001},
        {"k_T": 1638747900000},
        {"k_t": 1638747660000, "k_T": 1638747959999},  # five minutes that begin at no mark of five
        {"k_s": "ETHUSDT"},
    ],
    ids=str,
)
def test_bars_that_contradict_themselves_are_dropped(wrong):
    assert reason(read(changed(frames.KLINE, **wrong))) is Dropped.CONTRADICTORY


@pytest.mark.parametrize(
    "wrong",
    [
        {"k": []},
        {"k_x": "true"},
        {"k_o": None},
        {"k_i": 5},
        {"k_v": "-1"},
        {"k_l": "0"},
        {"k_t": None},
        {"k_q": "x"},
    ],
    ids=str,
)
def test_bars_that_are_broken_are_dropped(wrong):
    assert reason(read(changed(frames.KLINE, **wrong))) in (Dropped.MALFORMED, Dropped.IMPOSSIBLE)


@pytest.mark.parametrize(
    "wrong",
    [{"order_S": "LONG"}, {"order_S": None}, {"order_S": []}, {"o": "x"}, {"order_T": None}, {"order_s": 7}],
    ids=str,
)
def test_forced_orders_that_are_broken_are_dropped(wrong):
    assert reason(read(changed(frames.FORCED, **wrong))) is Dropped.MALFORMED
