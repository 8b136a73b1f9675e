"""What OKX's frames become, trap by trap, and what every recorded frame becomes."""

import gzip
import json
from collections import Counter

import pytest

from adapters.okx.parse import BACKLOG_MS, parse
from adapters.parsed import Answer, Dropped, Parsed
from engine.model import Candle, Funding, Liquidation, OpenInterest, PriceKind, Side, Tick

DOCUMENTED = (
    '{"arg":{"channel":"liquidation-orders","instType":"SWAP"},"data":[{"details":[{"bkLoss":"0",'
    '"bkPx":"0.007831","ccy":"","posSide":"short","side":"buy","sz":"13","ts":"1692266434010"}],'
    '"instFamily":"IOST-USDT","instId":"IOST-USDT-SWAP","instType":"SWAP","uly":"IOST-USDT"}]}'
)


def test_trap_the_pong_is_text_and_not_json(known, kit):
    for pong in ("pong", b"pong"):
        assert parse(pong, known, kit.NOW_MS) == Parsed(alive=True)
    assert parse("ponk", known, kit.NOW_MS).dropped == {Dropped.NOT_JSON: 1}


def test_the_documented_liquidation(known, kit):
    parsed = parse(DOCUMENTED, known, kit.NOW_MS)
    assert parsed.events == (
        Liquidation(
            venue="okx",
            symbol="IOSTUSDT",
            side=Side.SHORT,
            price=0.007831,
            price_kind=PriceKind.BANKRUPTCY,
            quantity=13_000.0,
            notional_usd=13_000.0 * 0.007831,
            ts=1692266434010,
            received_ms=kit.NOW_MS,
        ),
    )
    assert not parsed.backlog
    assert not parsed.dropped
    assert not parsed.alive


@pytest.mark.parametrize(
    ("side", "position", "closed"),
    [
        ("sell", "long", Side.LONG),
        ("buy", "short", Side.SHORT),
        ("sell", "net", Side.LONG),
        ("buy", "net", Side.SHORT),
        ("sell", "", Side.LONG),
    ],
)
def test_trap_the_side_is_the_orders_and_one_way_accounts_say_net(known, kit, side, position, closed):
    frame = kit.forced(kit.detail(side=side, posSide=position))
    assert [event.side for event in parse(frame, known, kit.NOW_MS).events] == [closed]


@pytest.mark.parametrize(("side", "position"), [("sell", "short"), ("buy", "long")])
def test_trap_sides_that_disagree_are_quarantined(known, kit, side, position):
    parsed = parse(kit.forced(kit.detail(side=side, posSide=position)), known, kit.NOW_MS)
    assert parsed == Parsed(dropped=Counter({Dropped.CONTRADICTORY: 1}))


def test_trap_every_detail_of_every_contract_counts(known, kit):
    first, second = (
        json.loads(kit.forced(kit.detail(sz="1"), kit.detail(sz="2"), inst=name))["data"][0]
        for name in ("BTC-USDT-SWAP", "ETH-USDT-SWAP")
    )
    frame = kit.frame("liquidation-orders", [first, second], "SWAP", "instType")
    events = parse(frame, known, kit.NOW_MS).events
    assert [(event.symbol, event.quantity) for event in events] == [
        ("BTCUSDT", 0.01),
        ("BTCUSDT", 0.02),
        ("ETHUSDT", 0.1),
        ("ETHUSDT", 0.2),
    ]


def test_equal_details_of_one_frame_are_told_apart(known, kit):
    same, other = kit.detail(), kit.detail(sz="13.5")
    written_otherwise = kit.detail(sz="13.0", bkPx="60000.00")
    events = parse(kit.forced(same, other, same, written_otherwise), known, kit.NOW_MS).events
    assert [event.nth for event in events] == [0, 0, 1, 2]


def test_trap_contracts_are_fractional_and_not_coins(known, kit):
    (event,) = parse(kit.forced(kit.detail(sz="246.27", bkPx="63446.2")), known, kit.NOW_MS).events
    assert event.quantity == pytest.approx(2.4627)
    assert event.notional_usd == pytest.approx(2.4627 * 63446.2)


def test_trap_the_first_frame_may_be_stale(known, kit):
    old, fresh = (kit.detail(ts=str(kit.NOW_MS - age)) for age in (BACKLOG_MS + 1, BACKLOG_MS))
    assert parse(kit.forced(old), known, kit.NOW_MS).backlog
    assert not parse(kit.forced(fresh), known, kit.NOW_MS).backlog
    mixed = parse(kit.forced(fresh, old), known, kit.NOW_MS)
    assert mixed.backlog
    assert len(mixed.events) == 2


@pytest.mark.parametrize(
    ("inst", "kind", "reason"),
    [
        ("BTC-USD-SWAP", "SWAP", Dropped.NOT_LINEAR),
        ("XRP-USD-230929", "FUTURES", Dropped.NOT_LINEAR),
        ("BTC-USDT-SWAP", "FUTURES", Dropped.NOT_LINEAR),
        ("NEW-USDT-SWAP", "SWAP", Dropped.NO_INSTRUMENT),
    ],
)
def test_trap_the_whole_market_comes_with_what_is_not_read(known, kit, inst, kind, reason):
    """Inverse contracts count dollars: taken for coins they would weigh thousands of times too much."""
    parsed = parse(kit.forced(kit.detail(), kit.detail(), inst=inst, kind=kind), known, kit.NOW_MS)
    assert parsed == Parsed(dropped=Counter({reason: 2}))


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"sz": "0"}, Dropped.IMPOSSIBLE),
        ({"sz": "-1"}, Dropped.IMPOSSIBLE),
        ({"bkPx": "0"}, Dropped.IMPOSSIBLE),
        ({"bkPx": "inf"}, Dropped.IMPOSSIBLE),
        ({"bkPx": "nan"}, Dropped.IMPOSSIBLE),
        ({"bkPx": "1e308", "sz": "1e308"}, Dropped.IMPOSSIBLE),
        ({"bkPx": "1e-300", "sz": "1e-300"}, Dropped.IMPOSSIBLE),
        ({"ts": "1692266434"}, Dropped.IMPOSSIBLE),
        ({"ts": "16922664340100"}, Dropped.IMPOSSIBLE),
        ({"ts": "16922664340100000"}, Dropped.MALFORMED),
        ({"ts": "1692266434010.5"}, Dropped.MALFORMED),
        ({"ts": None}, Dropped.MALFORMED),
        ({"ts": True}, Dropped.MALFORMED),
        ({"bkPx": ""}, Dropped.MALFORMED),
        ({"bkPx": None}, Dropped.MALFORMED),
        ({"bkPx": True}, Dropped.MALFORMED),
        ({"bkPx": 10**400}, Dropped.MALFORMED),
        ({"bkPx": "6_0"}, Dropped.MALFORMED),
        ({"bkPx": "٦"}, Dropped.MALFORMED),
        ({"bkPx": ["60000"]}, Dropped.MALFORMED),
        ({"side": "SELL"}, Dropped.MALFORMED),
        ({"side": ""}, Dropped.MALFORMED),
        ({"side": 1}, Dropped.MALFORMED),
        ({"posSide": "both"}, Dropped.MALFORMED),
        ({"posSide": {}}, Dropped.MALFORMED),
    ],
)
def test_a_detail_that_cannot_be_is_counted_and_the_others_stay(known, kit, changed, reason):
    parsed = parse(kit.forced(kit.detail(**changed), kit.detail()), known, kit.NOW_MS)
    assert len(parsed.events) == 1
    assert parsed.dropped == {reason: 1}


def test_numbers_that_are_not_text_are_numbers_still(known, kit):
    plain = kit.detail(sz=13, bkPx=60000.0, ts=kit.NOW_MS)
    (event,) = parse(kit.forced(plain), known, kit.NOW_MS).events
    assert (event.price, event.quantity, event.ts) == (60000.0, 0.13, kit.NOW_MS)


@pytest.mark.parametrize("data", [["x"], [{}], [{"details": "x"}], [{"details": None, "instType": "SWAP"}]])
def test_rows_that_are_no_liquidations(known, kit, data):
    frame = kit.frame("liquidation-orders", data, "SWAP", "instType")
    assert parse(frame, known, kit.NOW_MS).dropped == {Dropped.MALFORMED: 1}
    broken = kit.forced("x", [], kit.detail())
    assert parse(broken, known, kit.NOW_MS).dropped == {Dropped.MALFORMED: 2}


def test_prices_are_the_mark_price_and_trades_where_asked_for(known, kit):
    mark = {"instType": "SWAP", "instId": "BTC-USDT-SWAP", "markPx": "42310.6", "ts": "1630049139746"}
    assert parse(kit.frame("mark-price", [mark]), known, kit.NOW_MS).events == (
        Tick(venue="okx", symbol="BTCUSDT", ts=1630049139746, price=42310.6),
    )
    trade = {
        "instId": "BTC-USDT-SWAP",
        "tradeId": "130639474",
        "px": "42219.9",
        "sz": "0.12060306",
        "side": "buy",
        "ts": "1630048897897",
        "count": "3",
    }
    for channel in ("trades", "trades-all"):
        events = parse(kit.frame(channel, [trade, trade]), known, kit.NOW_MS).events
        assert [event.price for event in events] == [42219.9, 42219.9]


def test_trap_open_interest_is_in_contracts_and_in_coins(known, kit):
    row = {
        "instType": "SWAP",
        "instId": "BTC-USDT-SWAP",
        "oi": "2125419",
        "oiCcy": "21254.19",
        "ts": "1630049139746",
    }
    (event,) = parse(kit.frame("open-interest", [row]), known, kit.NOW_MS).events
    assert event == OpenInterest(venue="okx", symbol="BTCUSDT", ts=1630049139746, open_interest=21254.19)
    for unknown in ("", None):
        (event,) = parse(kit.frame("open-interest", [{**row, "oiCcy": unknown}]), known, kit.NOW_MS).events
        assert event.open_interest == pytest.approx(21254.19)
    (event,) = parse(kit.frame("open-interest", [{**row, "oiCcy": "0"}]), known, kit.NOW_MS).events
    assert event.open_interest == 0.0
    bad = parse(kit.frame("open-interest", [{**row, "oiCcy": "-1"}]), known, kit.NOW_MS)
    assert bad.dropped == {Dropped.IMPOSSIBLE: 1}


FUNDING = {
    "formulaType": "noRate",
    "fundingRate": "0.0000182221218054",
    "fundingTime": "1743609600000",
    "impactValue": "",
    "instId": "BTC-USDT-SWAP",
    "instType": "SWAP",
    "nextFundingRate": "",
    "nextFundingTime": "1743638400000",
    "settState": "settled",
    "ts": "1743588686291",
}


@pytest.mark.parametrize(
    ("following", "hours"),
    [("1743638400000", 8.0), ("1743613200000", 1.0), ("", None), (None, None), ("1743609600000", None)],
)
def test_trap_how_often_funding_is_paid_can_change(known, kit, following, hours):
    frame = kit.frame("funding-rate", [{**FUNDING, "nextFundingTime": following}])
    assert parse(frame, known, kit.NOW_MS).events == (
        Funding(
            venue="okx",
            symbol="BTCUSDT",
            ts=1743588686291,
            rate=0.0000182221218054,
            funding_ts=1743609600000,
            interval_h=hours,
        ),
    )


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"fundingRate": ""}, Dropped.MALFORMED),
        ({"fundingRate": "1.5"}, Dropped.IMPOSSIBLE),
        ({"fundingTime": "0"}, Dropped.IMPOSSIBLE),
        ({"ts": ""}, Dropped.MALFORMED),
    ],
)
def test_funding_that_says_nothing_is_none(known, kit, changed, reason):
    parsed = parse(kit.frame("funding-rate", [{**FUNDING, **changed}]), known, kit.NOW_MS)
    assert parsed == Parsed(dropped=Counter({reason: 1}))


ROW = ["1763712000000", "3.721", "3.743", "3.677", "3.708", "8422410", "22698348.04", "84165674.5", "1"]


def test_trap_a_candles_volume_is_the_base_currencys_and_it_says_whether_it_is_closed(known, kit):
    (closed,) = parse(kit.frame("candle5m", [ROW]), known, kit.NOW_MS).events
    assert closed == Candle(
        venue="okx",
        symbol="BTCUSDT",
        ts=1763712000000,
        open=3.721,
        high=3.743,
        low=3.677,
        close=3.708,
        volume=22698348.04,
        quote_volume=84165674.5,
        closed=True,
    )
    (forming,) = parse(kit.frame("candle5m", [[*ROW[:8], "0"]]), known, kit.NOW_MS).events
    assert not forming.closed
    (unknown,) = parse(kit.frame("candle5m", [[*ROW[:7], "", "0"]]), known, kit.NOW_MS).events
    assert unknown.quote_volume is None


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ([*ROW[:8], "2"], Dropped.MALFORMED),
        ([*ROW[:8], 1], Dropped.MALFORMED),
        (ROW[:8], Dropped.MALFORMED),
        ("123456789", Dropped.MALFORMED),
        ({}, Dropped.MALFORMED),
        (["1763712000001", *ROW[1:]], Dropped.IMPOSSIBLE),
        ([ROW[0], "9", *ROW[2:]], Dropped.IMPOSSIBLE),
        ([*ROW[:6], "-1", *ROW[7:]], Dropped.IMPOSSIBLE),
        ([ROW[0], "0", *ROW[2:]], Dropped.IMPOSSIBLE),
    ],
)
def test_candles_that_cannot_be(known, kit, row, reason):
    assert parse(kit.frame("candle5m", [row]), known, kit.NOW_MS).dropped == {reason: 1}


def test_trap_days_open_at_sixteen_hours_unless_asked_for_in_utc(known, kit):
    day = 86_400_000
    utc, eastern = 1763683200000, 1763654400000
    frame = kit.frame("candle1Dutc", [[str(utc), *ROW[1:]]])
    assert parse(frame, known, kit.NOW_MS, step_ms=day).events[0].ts == utc
    frame = kit.frame("candle1Dutc", [[str(eastern), *ROW[1:]]])
    assert parse(frame, known, kit.NOW_MS, step_ms=day).dropped == {Dropped.IMPOSSIBLE: 1}
    frame = kit.frame("candle1D", [[str(eastern), *ROW[1:]]])
    assert parse(frame, known, kit.NOW_MS, step_ms=day).dropped == {Dropped.UNKNOWN: 1}


def test_candles_of_another_length_are_not_taken_for_the_one_that_is_read(known, kit):
    for channel in ("candle1m", "candle1H", "candle", "candleNone"):
        assert parse(kit.frame(channel, [ROW]), known, kit.NOW_MS).dropped == {Dropped.UNKNOWN: 1}
    assert parse(kit.frame("candleNone", [ROW]), known, kit.NOW_MS, step_ms=7).dropped == {Dropped.UNKNOWN: 1}


@pytest.mark.parametrize(
    ("name", "reason"), [("BTC-USD-SWAP", Dropped.NOT_LINEAR), ("NO-USDT-SWAP", Dropped.NO_INSTRUMENT)]
)
def test_contracts_that_are_not_read(known, kit, name, reason):
    row = {"instId": name, "markPx": "1", "ts": "1630049139746"}
    assert parse(kit.frame("mark-price", [row], name), known, kit.NOW_MS).dropped == {reason: 1}
    assert parse(kit.frame("candle5m", [ROW], name), known, kit.NOW_MS).dropped == {reason: 1}


def test_a_row_of_another_contract_than_its_frames(known, kit):
    row = {"instId": "ETH-USDT-SWAP", "markPx": "1", "ts": "1630049139746"}
    assert parse(kit.frame("mark-price", [row]), known, kit.NOW_MS).dropped == {Dropped.CONTRADICTORY: 1}
    broken = kit.frame("mark-price", ["x", {"instId": ["x"]}], "SWAP", "instType")
    assert parse(broken, known, kit.NOW_MS).dropped == {Dropped.MALFORMED: 2}


def test_a_frame_without_rows_is_a_sign_of_life(known, kit):
    for frame in (kit.frame("mark-price", []), kit.frame("liquidation-orders", [], "SWAP", "instType")):
        assert parse(frame, known, kit.NOW_MS) == Parsed(alive=True)


def test_acks_come_one_a_topic(known, kit):
    ack = (
        '{"id":"1512","event":"subscribe","arg":{"channel":"liquidation-orders","instType":"SWAP"},'
        '"connId":"a4d3ae55"}'
    )
    assert parse(ack, known, kit.NOW_MS).answers == (
        Answer(ok=True, request_id="1512", topics=("liquidation-orders:SWAP",)),
    )
    off = '{"event":"unsubscribe","arg":{"channel":"candle5m","instId":"BTC-USDT-SWAP"},"connId":"a4d3ae55"}'
    assert parse(off, known, kit.NOW_MS).answers == (Answer(ok=True, topics=("candle5m:BTC-USDT-SWAP",)),)


@pytest.mark.parametrize(
    ("words", "topics"),
    [
        ('Invalid request: {"op": "subscribe"}', ()),
        (
            "Wrong URL or channel:candle5m,instId:NO-USDT-SWAP doesn't exist. Please use the correct URL",
            ("candle5m:NO-USDT-SWAP",),
        ),
        ("channel:tickers,instId:LTC-USD doesn't exist", ("tickers:LTC-USD",)),
        ("Wrong URL or channel:tickers,instType:SWAP doesn't exist", ("tickers:SWAP",)),
    ],
)
def test_refusals_name_their_topic_in_words_only(known, kit, words, topics):
    for code in ("60018", 60018):
        frame = json.dumps({"id": "7", "event": "error", "code": code, "msg": words, "connId": "a"})
        assert parse(frame, known, kit.NOW_MS).answers == (
            Answer(ok=False, request_id="7", code="60018", text=words, topics=topics),
        )


def test_answers_with_broken_fields(known, kit):
    frame = json.dumps({"event": "error", "code": None, "msg": ["x"], "id": True, "arg": [1]})
    assert parse(frame, known, kit.NOW_MS).answers == (Answer(ok=False),)
    frame = json.dumps({"event": "subscribe", "arg": {"channel": 1, "instId": "x"}})
    assert parse(frame, known, kit.NOW_MS).answers == (Answer(ok=True),)


def test_trap_the_notice_comes_before_the_connection_goes(known, kit):
    notice = {
        "event": "notice",
        "code": "64008",
        "msg": "The connection will soon be closed for a service upgrade. Please reconnect.",
        "connId": "a4d3ae55",
    }
    for code in ("64008", 64008):
        assert parse(json.dumps({**notice, "code": code}), known, kit.NOW_MS) == Parsed(closing=True)
    assert parse(json.dumps({**notice, "code": "1"}), known, kit.NOW_MS).dropped == {Dropped.UNKNOWN: 1}


def test_what_is_said_of_private_connections(known, kit):
    counts = '{"event":"channel-conn-count","channel":"orders","connCount":"2","connId":"abcd1234"}'
    assert parse(counts, known, kit.NOW_MS) == Parsed(alive=True)
    too_many = '{"event":"channel-conn-count-error","channel":"orders","connCount":"30","connId":"a4d3ae55"}'
    assert [answer.ok for answer in parse(too_many, known, kit.NOW_MS).answers] == [False]


@pytest.mark.parametrize(
    "frame",
    [
        "1",
        "null",
        "[]",
        '"pong"',
        "{}",
        '{"arg":{}}',
        '{"arg":[],"data":[]}',
        '{"event":"login","code":"0"}',
        '{"event":{}}',
        '{"table":"swap/trade","data":[]}',
        '{"arg":{"channel":"books"},"data":[{}]}',
    ],
)
def test_messages_of_other_kinds(known, kit, frame):
    assert parse(frame, known, kit.NOW_MS).dropped == {Dropped.UNKNOWN: 1}


@pytest.mark.parametrize(
    "frame", ["", "{", b"\xff\xfe\x00", "[" * 100_000, '{"a":' + "9" * 5000 + "}", b"\x00"]
)
def test_what_is_no_json(known, kit, frame):
    assert parse(frame, known, kit.NOW_MS).dropped == {Dropped.NOT_JSON: 1}


def test_a_channel_that_is_no_text(known, kit):
    assert parse('{"arg":{"channel":1},"data":[{}]}', known, kit.NOW_MS).dropped == {Dropped.MALFORMED: 1}


def test_shipped_recordings(known, kit):
    """Every frame says what it says, or is counted: of swaps in USDT, five facts; nothing of the rest."""
    total, events, silent = Counter(), [], []
    for line in kit.lines("tardis.jsonl") + kit.lines("cryptofeed.jsonl"):
        parsed = parse(line, known, kit.NOW_MS)
        total += parsed.dropped
        events += parsed.events
        if not (parsed.events or parsed.answers or parsed.dropped):
            silent.append(line)
    assert silent == []
    assert [(type(event).__name__, event.symbol) for event in events] == [
        ("Tick", "BTCUSDT"),
        ("Tick", "WNCGUSDT"),
        ("OpenInterest", "WNCGUSDT"),
    ]
    assert [event.price for event in events if isinstance(event, Tick)] == [48938.5, 2.1729]
    assert set(total) == {Dropped.UNKNOWN, Dropped.NOT_LINEAR, Dropped.MALFORMED}
    assert total[Dropped.MALFORMED] == 2  # funding of 2021: without a time, and without a rate


def test_all_recordings(samples, known, kit):
    """Whatever was recorded of OKX becomes an event, an answer, or a count."""
    folder = samples / "frames"
    frames = [
        line
        for path in sorted((folder / "tardis_node").glob("okex*.jsonl"))
        for line in path.read_text().splitlines()
    ]
    with gzip.open(folder / "cryptofeed" / "OKX.ws.1.0.gz", "rt") as text:
        frames += [line.partition(": ")[2] for line in text if ": {" in line and " <- " not in line]
    assert len(frames) > 400
    for each in frames:
        parsed = parse(each, known, kit.NOW_MS)
        assert parsed.events or parsed.answers or parsed.dropped, each
        assert Dropped.NOT_JSON not in parsed.dropped, each
