"""Bybit's frames become what its documentation says, trap by trap, or are dropped under a reason."""

import json

import pytest

from adapters.bybit.parse import ALREADY, BAD_TOPIC, parse
from adapters.parsed import Answer, Dropped, Parsed
from engine.model import Candle, Funding, Liquidation, OpenInterest, PriceKind, Side, Tick


def only(parsed, kind):
    return [each for each in parsed.events if isinstance(each, kind)]


# liquidations


def test_documented_liquidation(read, frames):
    parsed = read(
        '{"topic":"allLiquidation.ROSEUSDT","type":"snapshot","ts":1739502303204,"data":[{"T":1739502302929,'
        '"s":"ROSEUSDT","S":"Sell","v":"20000","p":"0.04499"}]}'
    )
    assert parsed.events == (
        Liquidation(
            venue="bybit",
            symbol="ROSEUSDT",
            side=Side.SHORT,
            price=0.04499,
            price_kind=PriceKind.BANKRUPTCY,
            quantity=20000.0,
            notional_usd=pytest.approx(899.8),
            ts=1739502302929,
            received_ms=frames.NOW,
        ),
    )
    assert not parsed.dropped


@pytest.mark.parametrize(("said", "side"), [("Buy", Side.LONG), ("Sell", Side.SHORT)])
def test_trap_the_side_is_that_of_the_position(read, frames, said, side):
    (event,) = read(frames.liquidations(frames.liquidation(S=said))).events
    assert event.side is side


def test_trap_the_price_is_where_the_margin_is_gone_not_the_fill(read, frames):
    (event,) = read(frames.liquidations(frames.liquidation())).events
    assert event.price_kind is PriceKind.BANKRUPTCY


def test_trap_a_push_holds_several_events(read, frames):
    rows = [frames.liquidation(S="Buy", v="1"), frames.liquidation(v="2"), frames.liquidation(v="3")]
    parsed = read(frames.liquidations(*rows))
    assert [(e.side, e.quantity, e.nth) for e in parsed.events] == [
        (Side.LONG, 1.0, 0),
        (Side.SHORT, 2.0, 0),
        (Side.SHORT, 3.0, 0),
    ]


def test_trap_equal_events_of_one_frame_are_each_real(read, frames):
    frame = frames.liquidations(
        frames.liquidation(), frames.liquidation(v="7"), frames.liquidation(), frames.liquidation()
    )
    assert [e.nth for e in read(frame).events] == [0, 0, 1, 2]
    assert [e.nth for e in read(frame).events] == [0, 0, 1, 2]  # another frame counts anew


@pytest.mark.parametrize("native", ["1000PEPEUSDT", "SHIB1000USDT"])
def test_trap_bundles_are_told_before_and_after_the_name(read, frames, native):
    row = frames.liquidation(s=native, v="3", p="0.02")
    (event,) = read(frames.liquidations(row, topic=native)).events
    assert (event.quantity, event.price) == (3000.0, 0.00002)
    assert event.notional_usd == pytest.approx(0.06)
    assert event.symbol in ("PEPEUSDT", "SHIBUSDT")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"S": "buy"}, Dropped.MALFORMED),
        ({"S": None}, Dropped.MALFORMED),
        ({"S": ["Buy"]}, Dropped.MALFORMED),
        ({"v": ""}, Dropped.MALFORMED),
        ({"v": None}, Dropped.MALFORMED),
        ({"v": True}, Dropped.MALFORMED),
        ({"v": "1_000"}, Dropped.MALFORMED),
        ({"v": "１２"}, Dropped.MALFORMED),
        ({"v": 10**400}, Dropped.MALFORMED),
        ({"v": "0"}, Dropped.IMPOSSIBLE),
        ({"v": "-1"}, Dropped.IMPOSSIBLE),
        ({"v": "nan"}, Dropped.IMPOSSIBLE),
        ({"v": "1e308", "p": "1e308"}, Dropped.IMPOSSIBLE),
        ({"p": "0"}, Dropped.IMPOSSIBLE),
        ({"p": "inf"}, Dropped.IMPOSSIBLE),
        ({"p": {}}, Dropped.MALFORMED),
        ({"T": 0}, Dropped.IMPOSSIBLE),
        ({"T": 10**18}, Dropped.IMPOSSIBLE),
        ({"T": "1.5"}, Dropped.MALFORMED),
        ({"T": 1.5}, Dropped.MALFORMED),
        ({"T": True}, Dropped.MALFORMED),
        ({"s": "BTCUSDT"}, Dropped.CONTRADICTORY),
    ],
)
def test_a_bad_row_is_counted_and_spoils_no_other(read, frames, changed, reason):
    good = frames.liquidation(v="5")
    parsed = read(frames.liquidations(frames.liquidation(**changed), good))
    assert [e.quantity for e in parsed.events] == [5.0]
    assert parsed.dropped == {reason: 1}


def test_rows_that_are_none_are_counted(read, frames):
    assert read(frames.liquidations(1, None, [])).dropped == {Dropped.MALFORMED: 3}
    assert read('{"topic":"allLiquidation.ROSEUSDT","data":{}}').dropped == {Dropped.MALFORMED: 1}
    assert read(frames.liquidations()) == Parsed()


@pytest.mark.parametrize(
    ("native", "reason"),
    [
        ("BTCUSD", Dropped.NOT_LINEAR),
        ("BTCUSDZ25", Dropped.NOT_LINEAR),
        ("NEWUSDT", Dropped.NO_INSTRUMENT),
        ("BTCUSDT-26DEC25", Dropped.NO_INSTRUMENT),
        ("", Dropped.NO_INSTRUMENT),
    ],
)
def test_what_is_not_read_is_told_apart(read, frames, native, reason):
    row = frames.liquidation(s=native)
    assert read(frames.liquidations(row, row, topic=native)).dropped == {reason: 2}
    assert read(frames.ticker(topic=native, lastPrice="1")).dropped == {reason: 1}
    assert read(frames.kline(f"5.{native}")).dropped == {reason: 1}


def test_trap_the_old_liquidation_topic_is_never_guessed(read):
    parsed = read(
        '{"data":{"price":"0.03803","side":"Buy","size":"1637","symbol":"ROSEUSDT","updatedTime":1673251091822},'
        '"topic":"liquidation.ROSEUSDT","ts":1673251091822,"type":"snapshot"}'
    )
    assert parsed.events == ()
    assert parsed.dropped == {Dropped.UNKNOWN: 1}


# tickers

SNAPSHOT = {
    "lastPrice": "17216.00",
    "markPrice": "17217.33",
    "openInterest": "68744.762",
    "singleOpenInterest": "34372.381",
    "fundingRate": "-0.000212",
    "nextFundingTime": "1760342400000",
    "fundingIntervalHour": "8",
}


def test_a_snapshot_gives_price_open_interest_and_funding(read, frames):
    parsed = read(frames.ticker(**SNAPSHOT))
    assert parsed.events == (
        Tick(venue="bybit", symbol="BTCUSDT", ts=frames.NOW, price=17216.0),
        OpenInterest(venue="bybit", symbol="BTCUSDT", ts=frames.NOW, open_interest=34372.381),
        Funding(
            venue="bybit",
            symbol="BTCUSDT",
            ts=frames.NOW,
            rate=-0.000212,
            funding_ts=1760342400000,
            interval_h=8.0,
        ),
    )


def test_trap_open_interest_counts_both_sides(read, frames):
    both = {name: value for name, value in SNAPSHOT.items() if name != "singleOpenInterest"}
    (interest,) = only(read(frames.ticker(**both)), OpenInterest)
    assert interest.open_interest == pytest.approx(34372.381)


def test_one_side_of_a_delta_follows_what_the_two_were_together(read, frames):
    read(frames.ticker(**SNAPSHOT))
    (interest,) = only(read(frames.ticker("delta", openInterest="68000")), OpenInterest)
    assert interest.open_interest == 34000.0
    read(frames.ticker(**SNAPSHOT | {"openInterest": "34372.381"}))  # a symbol that is not doubled
    (interest,) = only(read(frames.ticker("delta", openInterest="68000")), OpenInterest)
    assert interest.open_interest == 68000.0


@pytest.mark.parametrize("both", ["0", "-4", "inf", "x"])
def test_an_odd_total_does_not_change_how_totals_are_read(read, frames, both):
    read(frames.ticker(openInterest=both, singleOpenInterest="0"))
    (interest,) = only(read(frames.ticker("delta", openInterest="10")), OpenInterest)
    assert interest.open_interest == 5.0


def test_one_side_cannot_be_more_than_both(read, frames):
    parsed = read(frames.ticker(openInterest="10", singleOpenInterest="11"))
    assert parsed.dropped == {Dropped.CONTRADICTORY: 1}
    assert parsed.events == ()


def test_trap_deltas_hold_only_what_changed(read, frames):
    read(frames.ticker(**SNAPSHOT))
    parsed = read(frames.ticker("delta", ts=frames.NOW + 100, fundingRate="0.0001"))
    assert parsed.events == (
        Funding(
            venue="bybit",
            symbol="BTCUSDT",
            ts=frames.NOW + 100,
            rate=0.0001,
            funding_ts=1760342400000,
            interval_h=8.0,
        ),
    )
    assert read(frames.ticker("delta", bid1Price="1", fundingRate="0.0001")) == Parsed()


def test_a_snapshot_may_come_at_any_time_and_starts_anew(read, frames):
    read(frames.ticker(**SNAPSHOT))
    read(frames.ticker(lastPrice="17000"))
    parsed = read(frames.ticker("delta", fundingRate="0.0003"))
    assert parsed == Parsed()  # when it is paid was not said again: not guessed
    assert only(read(frames.ticker("delta", nextFundingTime="1760371200000")), Funding) == [
        Funding(
            venue="bybit",
            symbol="BTCUSDT",
            ts=frames.NOW,
            rate=0.0003,
            funding_ts=1760371200000,
            interval_h=None,
        )
    ]


def test_a_delta_before_any_snapshot_says_what_it_holds(read, parser, frames):
    assert [e.price for e in read(frames.ticker("delta", lastPrice="5")).events] == [5.0]
    assert read(frames.ticker("delta", fundingRate="0.1")) == Parsed()
    read(frames.ticker(**SNAPSHOT))
    parser.forget()
    assert read(frames.ticker("delta", fundingRate="0.2")) == Parsed()


def test_a_price_that_stands_is_said_again_each_second(read, frames):
    read(frames.ticker(lastPrice="5"))
    prices = [
        [e.price for e in only(read(frames.ticker("delta", ts=frames.NOW + after, bid1Price="4")), Tick)]
        for after in (999, 1000, 1500, 2000)
    ]
    assert prices == [[], [5.0], [], [5.0]]
    read(frames.ticker(ts=frames.NOW + 9000))  # a snapshot without a price: none is known any more
    assert read(frames.ticker("delta", ts=frames.NOW + 12000, bid1Price="4")) == Parsed()


def test_symbols_do_not_mix(read, frames):
    read(frames.ticker(**SNAPSHOT))
    assert read(frames.ticker("delta", topic="LTCUSDT", fundingRate="0.1")) == Parsed()


def test_fields_that_do_not_apply_are_empty(read, frames):
    empty = dict.fromkeys(SNAPSHOT, "")
    assert read(frames.ticker(**empty)) == Parsed()
    assert read(frames.ticker(**SNAPSHOT | {"nextFundingTime": "0"})).dropped == {}


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"lastPrice": "0"}, Dropped.IMPOSSIBLE),
        ({"lastPrice": "x"}, Dropped.MALFORMED),
        ({"singleOpenInterest": "-1"}, Dropped.IMPOSSIBLE),
        ({"singleOpenInterest": []}, Dropped.MALFORMED),
        ({"fundingRate": "1.5"}, Dropped.IMPOSSIBLE),
        ({"fundingRate": "nan"}, Dropped.IMPOSSIBLE),
        ({"fundingRate": {}}, Dropped.MALFORMED),
        ({"nextFundingTime": "2026-01-01"}, Dropped.MALFORMED),
        ({"nextFundingTime": "7"}, Dropped.IMPOSSIBLE),
        ({"fundingIntervalHour": "0"}, Dropped.IMPOSSIBLE),
    ],
)
def test_one_bad_field_spoils_no_other(read, frames, changed, reason):
    parsed = read(frames.ticker(**SNAPSHOT | changed))
    assert parsed.dropped == {reason: 1}
    assert 2 <= len(parsed.events) <= 3


def test_a_bundles_ticker_is_in_coins(read, frames):
    parsed = read(
        frames.ticker(topic="1000PEPEUSDT", lastPrice="0.02", openInterest="8", singleOpenInterest="4")
    )
    assert [e.price for e in only(parsed, Tick)] == [0.00002]
    assert [e.open_interest for e in only(parsed, OpenInterest)] == [4000.0]


def test_a_price_too_small_for_a_coin_is_none(read, frames):
    assert read(frames.ticker(topic="1000PEPEUSDT", lastPrice="1e-323")).dropped == {Dropped.IMPOSSIBLE: 1}


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ('{"topic":"tickers.BTCUSDT","type":"snapshot","ts":1760000000000,"data":[]}', Dropped.MALFORMED),
        ('{"topic":"tickers.BTCUSDT","type":"other","ts":1760000000000,"data":{}}', Dropped.MALFORMED),
        ('{"topic":"tickers.BTCUSDT","type":"delta","data":{"lastPrice":"1"}}', Dropped.MALFORMED),
        ('{"topic":"tickers.BTCUSDT","type":"delta","ts":5,"data":{"lastPrice":"1"}}', Dropped.IMPOSSIBLE),
        (
            '{"topic":"tickers.BTCUSDT","type":"delta","ts":1760000000000,"data":{"symbol":"X"}}',
            Dropped.CONTRADICTORY,
        ),
    ],
)
def test_a_ticker_of_another_shape_is_dropped(read, frame, reason):
    assert read(frame).dropped == {reason: 1}


# candles


def test_documented_candle_while_it_forms_and_when_it_is_closed(read, frames):
    (forming,) = read(frames.kline()).events
    assert forming == Candle(
        venue="bybit",
        symbol="BTCUSDT",
        ts=1672324800000,
        open=16649.5,
        high=16677.0,
        low=16608.0,
        close=16677.0,
        volume=2.081,
        quote_volume=34666.4005,
        taker_buy_volume=None,  # Bybit says it nowhere
        closed=False,
    )
    (closed,) = read(frames.kline(confirm=True)).events
    assert closed.closed


def test_a_bundles_candle_is_in_coins(read, frames):
    (candle,) = read(frames.kline("5.SHIB1000USDT")).events
    assert (candle.symbol, candle.volume, candle.close) == ("SHIBUSDT", 2081.0, 16.677)
    assert candle.quote_volume == 34666.4005


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"confirm": "true"}, Dropped.MALFORMED),
        ({"confirm": None}, Dropped.MALFORMED),
        ({"start": "x"}, Dropped.MALFORMED),
        ({"end": None}, Dropped.MALFORMED),
        ({"start": 1}, Dropped.IMPOSSIBLE),
        ({"end": 1672325399999}, Dropped.CONTRADICTORY),
        ({"interval": "1"}, Dropped.CONTRADICTORY),
        ({"start": 1672324800001, "end": 1672325100000}, Dropped.CONTRADICTORY),
        ({"low": "16650"}, Dropped.CONTRADICTORY),
        ({"high": "16640"}, Dropped.CONTRADICTORY),
        ({"open": "0"}, Dropped.IMPOSSIBLE),
        ({"volume": "-1"}, Dropped.IMPOSSIBLE),
        ({"volume": ""}, Dropped.MALFORMED),
        ({"turnover": "inf"}, Dropped.IMPOSSIBLE),
    ],
)
def test_an_odd_candle_is_dropped(read, frames, changed, reason):
    parsed = read(frames.kline(**changed))
    assert (parsed.events, parsed.dropped) == ((), {reason: 1})


def test_a_candle_of_another_length_is_not_taken_for_five_minutes(read, frames):
    assert read(frames.kline("1.BTCUSDT", interval="1")).dropped == {Dropped.UNKNOWN: 1}
    assert read('{"topic":"kline.5.BTCUSDT","data":[7]}').dropped == {Dropped.MALFORMED: 1}
    assert read('{"topic":"kline.5.BTCUSDT","data":{}}').dropped == {Dropped.MALFORMED: 1}


# answers


def test_trap_a_pong_has_op_ping(read):
    frame = '{"success":true,"ret_msg":"pong","conn_id":"c","req_id":"x","op":"ping"}'
    assert read(frame) == Parsed(alive=True)
    assert read('{"op":"pong","args":["1672"],"conn_id":"c","req_id":"x"}') == Parsed(alive=True)


def test_a_ping_that_was_refused_is_no_pong(read):
    parsed = read('{"success":false,"ret_msg":"pong","op":"ping"}')
    assert (parsed.alive, parsed.answers[0].ok) == (False, False)


def test_an_acknowledgement(read):
    parsed = read('{"success":true,"ret_msg":"","conn_id":"c","req_id":"1","op":"subscribe"}')
    assert parsed == Parsed(answers=(Answer(ok=True, request_id="1"),))


@pytest.mark.parametrize(
    ("text", "topics", "code"),
    [
        ("Invalid topic: allLiquidation.GONEUSDT", ("allLiquidation.GONEUSDT",), BAD_TOPIC),
        ("error:handler not found,topic:kline.5.GONEUSDT", ("kline.5.GONEUSDT",), BAD_TOPIC),
        ("error:handler not found,topic:tickers.币安人生USDT", ("tickers.币安人生USDT",), BAD_TOPIC),
        ("Invalid topic: [tickers.A,tickers.B,tickers.A]", ("tickers.A", "tickers.B"), BAD_TOPIC),
        ("error:already subscribed,topic:tickers.BTCUSDT", ("tickers.BTCUSDT",), ALREADY),
        ("something else", (), ""),
        ("", (), ""),
    ],
)
def test_trap_a_refusal_names_the_topic_that_spoiled_the_batch(read, text, topics, code):
    frame = {"success": False, "ret_msg": text, "conn_id": "c", "req_id": "9", "op": "subscribe"}
    (answer,) = read(json.dumps(frame)).answers
    assert answer == Answer(ok=code == ALREADY, request_id="9", code=code, text=text, topics=topics)


@pytest.mark.parametrize(
    ("number", "ok"), [("4.1", True), ("4.2", False), ("", True), ("4", True), ("4.x", True), ("4.²", True)]
)
def test_trap_a_topic_that_is_on_already_fails_the_others(read, number, ok):
    topic = "tickers.BTCUSDT"
    text = f"error:already subscribed,topic:{topic}"
    frame = {"success": False, "ret_msg": text, "conn_id": "c", "req_id": number, "op": "subscribe"}
    (answer,) = read(json.dumps(frame)).answers
    named = (topic,) if ok else ()
    assert answer == Answer(ok=ok, request_id=number, code=ALREADY, text=text, topics=named)


def test_words_of_the_venue_can_be_written_anywhere(read):
    (answer,) = read('{"success":false,"ret_msg":"\\ud800' + "x" * 1000 + '","req_id":5}').answers
    answer.text.encode("utf-8")
    assert (len(answer.text), answer.request_id) == (300, "")


# anything else


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ("", Dropped.NOT_JSON),
        ("{", Dropped.NOT_JSON),
        (b"\xff\xfe\x00", Dropped.NOT_JSON),
        ("[" * 100_000, Dropped.NOT_JSON),
        ("1" * 5000, Dropped.NOT_JSON),
        ("[]", Dropped.UNKNOWN),
        ("null", Dropped.UNKNOWN),
        ("{}", Dropped.UNKNOWN),
        ('{"topic":5}', Dropped.UNKNOWN),
        ('{"success":"yes"}', Dropped.UNKNOWN),
        ('{"topic":""}', Dropped.UNKNOWN),
        ('{"topic":"tickers"}', Dropped.NO_INSTRUMENT),
        ('{"topic":"orderbook.1.BTCUSDT","data":{}}', Dropped.UNKNOWN),
        ('{"topic":"adlAlert.USDT","data":[]}', Dropped.UNKNOWN),
        ('{"topic":"publicTrade.BTCUSDT","data":[]}', Dropped.UNKNOWN),
    ],
)
def test_what_nobody_asked_for_is_counted(read, frame, reason):
    parsed = read(frame)
    assert (parsed.events, parsed.answers, parsed.dropped) == ((), (), {reason: 1})


def test_unknown_fields_change_nothing(read, frames):
    plain = json.loads(frames.liquidations(frames.liquidation()))
    plain["new"] = plain["data"][0]["new"] = {"deep": [1]}
    assert read(json.dumps(plain)) == read(frames.liquidations(frames.liquidation()))


def test_bytes_and_text_are_the_same(known, frames):
    frame = frames.kline()
    assert parse(frame.encode(), known, frames.NOW) == parse(frame, known, frames.NOW)
