"""Candles and answers of Bybit's stream become what they say, and anything else is dropped under a reason."""

import json

import pytest

from adapters.bybit.parse import ALREADY, BAD_TOPIC, parse
from adapters.parsed import Answer, Dropped, Parsed
from engine.model import Candle

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
