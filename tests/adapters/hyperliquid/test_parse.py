"""Frames: what the sheet says of them, every trap by name, and nothing that is not there."""

import importlib.util
import json
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.hyperliquid.contexts import Universe
from adapters.hyperliquid.fills import HLP, LIQUIDATORS
from adapters.hyperliquid.parse import BACKLOG_MS, Bars, parse
from adapters.instruments import Instruments
from adapters.parsed import Answer, Dropped, Parsed
from engine.model import Candle, Funding, Liquidation, OpenInterest, PriceKind, Side, Tick


def _conftest():
    name = "hyperliquid_conftest"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("conftest.py"))
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


made = _conftest()
NOW = made.NOW_MS
SHIPPED = (made.DATA / "frames.jsonl").read_text().splitlines()
ALL = Universe(
    [made.coin("BTC"), made.coin("MATIC", made.Status.DELISTED), made.coin("ETH"), made.coin("kPEPE")]
)


def trades(*found):
    rows = [
        {"coin": "BTC", "side": "A", "px": "100.0", "sz": "0.5", "time": NOW, "hash": "0x", "tid": 1} | each
        for each in found
    ]
    return json.dumps({"channel": "trades", "data": rows})


def of(parsed, kind):
    return [event for event in parsed.events if isinstance(event, kind)]


# price, open interest, funding


def test_a_context_gives_mark_price_open_interest_and_hourly_funding(universe):
    frame = json.dumps({"channel": "activeAssetCtx", "data": {"coin": "BTC", "ctx": made.context()}})
    hour = 3_600_000
    assert parse(frame, universe, NOW) == Parsed(
        events=(
            Tick(venue="hyperliquid", symbol="BTCUSDT", ts=NOW, price=77562.0),
            OpenInterest(venue="hyperliquid", symbol="BTCUSDT", ts=NOW, open_interest=27353.17682),
            Funding(
                venue="hyperliquid",
                symbol="BTCUSDT",
                ts=NOW,
                rate=-0.0000015186,
                funding_ts=(NOW // hour + 1) * hour,
                interval_h=1.0,
            ),
        )
    )


def test_trap_a_bundle_is_1000_coins_and_its_name_has_a_small_letter(universe):
    ctx = made.context(markPx="0.0123", openInterest="5000000")
    frame = json.dumps({"channel": "activeAssetCtx", "data": {"coin": "kPEPE", "ctx": ctx}})
    tick, interest, _ = parse(frame, universe, NOW).events
    assert (tick.symbol, tick.price) == ("PEPEUSDT", pytest.approx(0.0000123))
    assert interest.open_interest == 5e9
    frame = json.dumps({"channel": "activeAssetCtx", "data": {"coin": "KPEPE", "ctx": ctx}})
    assert parse(frame, universe, NOW).dropped == {Dropped.NO_INSTRUMENT: 1}


def test_trap_fields_of_illiquid_coins_are_null(universe):
    ctx = made.context(midPx=None, premium=None, impactPxs=None)
    frame = json.dumps({"channel": "activeAssetCtx", "data": {"coin": "ETH", "ctx": ctx}})
    parsed = parse(frame, universe, NOW)
    assert (len(parsed.events), parsed.dropped) == (3, Counter())
    ctx = made.context(markPx=None, funding="1.5")
    frame = json.dumps({"channel": "activeAssetCtx", "data": {"coin": "ETH", "ctx": ctx}})
    parsed = parse(frame, universe, NOW)
    assert [type(event) for event in parsed.events] == [OpenInterest]
    assert parsed.dropped == {Dropped.MALFORMED: 1, Dropped.IMPOSSIBLE: 1}


def test_trap_contexts_belong_to_the_universe_by_index_and_delisted_ones_stay(universe):
    contexts = [made.context(markPx=price) for price in ("1", "2", "3", "4000")]
    frame = json.dumps({"channel": "allDexsAssetCtxs", "data": {"ctxs": [["", contexts], ["xyz", contexts]]}})
    parsed = parse(frame, universe, NOW)
    assert [(t.symbol, t.price) for t in of(parsed, Tick)] == [
        ("BTCUSDT", 1.0),
        ("ETHUSDT", 3.0),
        ("PEPEUSDT", 4.0),
    ]
    assert parsed.dropped == {Dropped.NOT_LINEAR: 4}  # of another dex, whose places mean other coins


def test_trap_positions_are_never_guessed(universe):
    def frame(count):
        ctxs = [["", [made.context()] * count]]
        return json.dumps({"channel": "allDexsAssetCtxs", "data": {"ctxs": ctxs}})

    assert parse(frame(3), universe, NOW) == Parsed(dropped=Counter({Dropped.CONTRADICTORY: 3}))
    assert parse(frame(5), universe, NOW).dropped == {Dropped.NO_INSTRUMENT: 1}
    chosen = Instruments([universe.native("ETH")])
    assert parse(frame(1), chosen, NOW) == Parsed(dropped=Counter({Dropped.NO_INSTRUMENT: 1}))
    holed = Universe([None, universe.native("ETH")])
    parsed = parse(frame(2), holed, NOW)
    assert [tick.symbol for tick in of(parsed, Tick)] == ["ETHUSDT"]
    assert parsed.dropped == {Dropped.NO_INSTRUMENT: 1}


def test_contexts_of_no_shape_are_counted(universe):
    data = {"ctxs": [["", [1, 2, None, made.context()]], 7, ["x"]]}
    parsed = parse(json.dumps({"channel": "allDexsAssetCtxs", "data": data}), universe, NOW)
    assert [tick.symbol for tick in of(parsed, Tick)] == ["PEPEUSDT"]
    assert parsed.dropped == {Dropped.MALFORMED: 4}


def test_a_delisted_coin_has_no_price(universe):
    frame = json.dumps({"channel": "activeAssetCtx", "data": {"coin": "MATIC", "ctx": made.context()}})
    assert parse(frame, universe, NOW) == Parsed(dropped=Counter({Dropped.NO_INSTRUMENT: 1}))


# trades


def test_trades_become_prices_in_order_of_time(universe):
    frame = trades(
        {"px": "102", "time": NOW + 3},
        {"px": "101", "time": NOW},
        {"px": "101", "time": NOW + 1},
        {"px": "100", "time": NOW + 2},
    )
    parsed = parse(frame, universe, NOW)
    assert [(tick.ts - NOW, tick.price) for tick in parsed.events] == [(0, 101.0), (2, 100.0), (3, 102.0)]
    assert not parsed.backlog


def test_trap_the_first_trades_are_an_unflagged_backlog(universe):
    old = trades({"time": NOW - 177 * 60_000}, {"time": NOW - 10, "px": "101"})
    assert parse(old, universe, NOW).backlog
    assert parse(trades({"time": NOW - BACKLOG_MS}), universe, NOW).backlog is False
    assert parse(trades({"time": NOW - BACKLOG_MS - 1}), universe, NOW).backlog is True


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"coin": "xyz:TSLA"}, Dropped.NOT_LINEAR),
        ({"coin": "@107"}, Dropped.NOT_LINEAR),
        ({"coin": "PURR/USDC"}, Dropped.NOT_LINEAR),
        ({"coin": "NOPE"}, Dropped.NO_INSTRUMENT),
        ({"coin": 5}, Dropped.MALFORMED),
        ({"coin": ""}, Dropped.MALFORMED),
        ({"px": "0"}, Dropped.IMPOSSIBLE),
        ({"px": "1e999"}, Dropped.IMPOSSIBLE),
        ({"px": "1_000"}, Dropped.MALFORMED),
        ({"px": "nan"}, Dropped.MALFORMED),
        ({"px": ""}, Dropped.MALFORMED),
        ({"px": True}, Dropped.MALFORMED),
        ({"px": 10**400}, Dropped.MALFORMED),
        ({"sz": "-1"}, Dropped.IMPOSSIBLE),
        ({"side": "C"}, Dropped.MALFORMED),
        ({"time": "x"}, Dropped.MALFORMED),
        ({"time": 1_000_000_000_000}, Dropped.IMPOSSIBLE),
        ({"time": NOW + 2 * 86_400_000}, Dropped.IMPOSSIBLE),
    ],
)
def test_one_bad_trade_is_counted_and_the_others_are_read(change, reason, universe):
    parsed = parse(trades(change, {}), universe, NOW)
    assert (len(parsed.events), parsed.dropped) == (1, {reason: 1})


def test_numbers_may_be_numbers(universe):
    assert parse(trades({"px": 100.5}), universe, NOW).events[0].price == 100.5


# candles


def test_a_candle_forms(universe):
    parsed = parse(made.candle(), universe, NOW)
    assert parsed.events == (
        Candle(
            venue="hyperliquid",
            symbol="BTCUSDT",
            ts=1_781_527_800_000,
            open=100.0,
            high=102.0,
            low=99.0,
            close=101.0,
            volume=12.5,
            closed=False,
        ),
    )


def test_a_bundles_candle_is_in_coins(universe):
    candle = parse(made.candle(s="kPEPE"), universe, NOW).events[0]
    assert (candle.symbol, candle.close, candle.volume) == ("PEPEUSDT", pytest.approx(0.101), 12_500.0)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"h": "98"}, Dropped.CONTRADICTORY),
        ({"l": "100.5"}, Dropped.CONTRADICTORY),
        ({"T": 5}, Dropped.CONTRADICTORY),
        ({"t": 1_781_527_800_001}, Dropped.IMPOSSIBLE),
        ({"v": "-1"}, Dropped.IMPOSSIBLE),
        ({"i": "1h"}, Dropped.UNKNOWN),
        ({"i": None}, Dropped.MALFORMED),
        ({"o": None}, Dropped.MALFORMED),
        ({"s": "ABC"}, Dropped.NO_INSTRUMENT),
    ],
)
def test_candles_that_cannot_be_are_dropped(change, reason, universe):
    assert parse(made.candle(**change), universe, NOW) == Parsed(dropped=Counter({reason: 1}))


def test_trap_a_candle_is_closed_when_a_later_one_comes(universe):
    bars, first = Bars(), 1_781_527_800_000
    assert [e.closed for e in bars.close(parse(made.candle(), universe, NOW)).events] == [False]
    parsed = bars.close(parse(made.candle(c="100.5", v="13"), universe, NOW))
    assert [(e.closed, e.close) for e in parsed.events] == [(False, 100.5)]
    parsed = bars.close(parse(made.candle(first + 300_000), universe, NOW))
    assert [(e.ts, e.closed, e.close) for e in parsed.events] == [
        (first, True, 100.5),
        (first + 300_000, False, 101.0),
    ]
    assert len(bars) == 1


def test_candles_of_two_symbols_close_each_by_itself(universe):
    bars = Bars()
    bars.close(parse(made.candle(), universe, NOW))
    parsed = bars.close(parse(made.candle(1_781_528_100_000, s="ETH"), universe, NOW))
    assert [event.closed for event in parsed.events] == [False]


def test_late_copies_of_a_candle_are_dropped(universe):
    bars = Bars()
    bars.close(parse(made.candle(v="13"), universe, NOW))
    assert bars.close(parse(made.candle(), universe, NOW)).dropped == {Dropped.CONTRADICTORY: 1}
    bars.close(parse(made.candle(1_781_528_100_000), universe, NOW))
    late = bars.close(parse(made.candle(v="14"), universe, NOW))
    assert late == Parsed(dropped=Counter({Dropped.CONTRADICTORY: 1}))


def test_what_was_forming_before_a_break_is_never_called_closed(universe):
    bars = Bars()
    for forget in (bars.forget, lambda: bars.forget("BTCUSDT")):
        bars.close(parse(made.candle(), universe, NOW))
        forget()
        parsed = bars.close(parse(made.candle(1_781_528_100_000), universe, NOW))
        assert [event.closed for event in parsed.events] == [False]
        bars.forget()


def test_other_frames_pass_the_bars_untouched(universe):
    parsed = parse(trades({}), universe, NOW)
    assert Bars().close(parsed) is parsed
    mixed = Parsed(events=(*parsed.events, *parse(made.candle(), universe, NOW).events))
    assert Bars().close(mixed) == mixed


# liquidations


def test_a_fill_of_a_counterparty_tells_a_liquidation(universe):
    assert parse(made.fills(made.fill()), universe, NOW) == Parsed(
        events=(
            Liquidation(
                venue="hyperliquid",
                symbol="BTCUSDT",
                side=Side.SHORT,
                price=66653.0,
                price_kind=PriceKind.FILL,
                quantity=0.001,
                notional_usd=66.653,
                ts=1_781_528_065_899,
                received_ms=NOW,
                venue_id="1781528065899:BTC:745210434703679",
            ),
        )
    )


@pytest.mark.parametrize(
    ("own", "side", "start", "liquidated"),
    [
        (True, "A", "2.5", Side.LONG),
        (True, "B", "-2.5", Side.SHORT),
        (True, "A", None, Side.LONG),
        (False, "A", "2.5", Side.SHORT),
        (False, "B", "2.5", Side.LONG),
    ],
)
def test_trap_the_mark_is_on_both_sides_of_the_trade(own, side, start, liquidated, universe):
    user = made.STRANGER if own else made.FOLLOWED
    frame = made.fills(made.fill(side=side, startPosition=start), user=user.upper().replace("0X", "0x"))
    assert [event.side for event in parse(frame, universe, NOW).events] == [liquidated]


def test_both_sides_of_a_trade_have_one_name(universe):
    ours = parse(made.fills(made.fill()), universe, NOW).events[0]
    own = made.fill(side="B", startPosition="-1", dir="Close Short", crossed=True)
    theirs = parse(made.fills(own, user=made.STRANGER), universe, NOW).events[0]
    assert ours == theirs


@pytest.mark.parametrize("start", ["2.5", "0.0"])
def test_a_liquidation_that_would_open_a_position_is_contradictory(start, universe):
    frame = made.fills(made.fill(side="B", startPosition=start), user=made.STRANGER)
    assert parse(frame, universe, NOW) == Parsed(dropped=Counter({Dropped.CONTRADICTORY: 1}))


def test_trap_a_vault_that_is_deleveraged_is_no_liquidation(universe):
    about = {"liquidatedUser": LIQUIDATORS[0], "markPx": "1", "method": "backstop"}
    adl = made.fill(dir="Auto-Deleveraging", fee="0.0", liquidation=about)
    internal = Counter({Dropped.INTERNAL: 1})
    assert parse(made.fills(adl), universe, NOW) == Parsed(dropped=internal)
    by_direction = made.fill(dir="Auto-Deleveraging")
    assert parse(made.fills(by_direction), universe, NOW) == Parsed(dropped=internal)
    by_vault = made.fill(liquidation=about | {"liquidatedUser": HLP.upper().replace("0X", "0x")})
    assert parse(made.fills(by_vault), universe, NOW) == Parsed(dropped=internal)
    other = {made.STRANGER}
    assert parse(made.fills(made.fill()), universe, NOW, vaults=other) == Parsed(dropped=internal)


def test_a_vault_that_takes_a_position_over_tells_whose_it_was(universe):
    about = {"liquidatedUser": made.STRANGER, "markPx": "1", "method": "backstop"}
    frame = made.fills(made.fill(side="B", liquidation=about), user=LIQUIDATORS[0])
    assert [event.side for event in parse(frame, universe, NOW).events] == [Side.LONG]


def test_trap_a_vault_unwinding_is_an_ordinary_fill(universe):
    plain = made.fill()
    del plain["liquidation"]
    assert parse(made.fills(plain, plain | {"liquidation": None}), universe, NOW) == Parsed()


def test_a_snapshot_of_fills_is_backlog(universe):
    assert parse(made.fills(made.fill(), isSnapshot=True), universe, NOW).backlog
    assert not parse(made.fills(made.fill(), isSnapshot=False), universe, NOW).backlog


def test_equal_fills_without_an_id_are_told_apart(universe):
    frame = made.fills(made.fill(tid=None), made.fill(tid=None), made.fill(tid=None, px="66654"))
    assert [event.nth for event in parse(frame, universe, NOW).events] == [0, 1, 0]
    frame = made.fills(made.fill(), made.fill())
    assert [event.nth for event in parse(frame, universe, NOW).events] == [0, 0]


def test_a_bundles_liquidation_is_in_coins(universe):
    event = parse(made.fills(made.fill(coin="kPEPE", px="0.02", sz="50")), universe, NOW).events[0]
    assert (event.symbol, event.quantity) == ("PEPEUSDT", 50_000.0)
    assert event.notional_usd == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"liquidation": 5}, Dropped.MALFORMED),
        ({"liquidation": {"method": "market"}}, Dropped.MALFORMED),
        ({"liquidation": {"liquidatedUser": "0x1", "method": "else"}}, Dropped.UNKNOWN),
        ({"coin": "xyz:TSLA"}, Dropped.NOT_LINEAR),
        ({"px": "-1"}, Dropped.IMPOSSIBLE),
        ({"side": None}, Dropped.MALFORMED),
    ],
)
def test_fills_that_cannot_be_read_are_counted(change, reason, universe):
    assert parse(made.fills(made.fill(**change)), universe, NOW) == Parsed(dropped=Counter({reason: 1}))


def test_trap_user_events_do_not_say_whose_they_are(universe):
    frame = json.dumps({"channel": "user", "data": {"fills": [made.fill()]}})
    assert parse(frame, universe, NOW) == Parsed(dropped=Counter({Dropped.UNKNOWN: 1}))


# what is said about requests


@pytest.mark.parametrize("frame", ["Websocket connection established.", b"Websocket connection established."])
def test_trap_the_greeting_is_no_json(frame, universe):
    assert parse(frame, universe, NOW) == Parsed(alive=True)


def test_a_pong_is_a_sign_of_life(universe):
    assert parse('{"channel":"pong"}', universe, NOW) == Parsed(alive=True)


def answer(frame):
    parsed = parse(json.dumps(frame), ALL, NOW)
    assert not parsed.events
    assert not parsed.dropped
    return parsed.answers[0]


@pytest.mark.parametrize(
    ("subscription", "topics"),
    [
        ({"type": "candle", "coin": "kPEPE", "interval": "5m"}, ("candle:kPEPE:5m",)),
        ({"type": "activeAssetCtx", "coin": "BTC", "nSigFigs": None}, ("activeAssetCtx:BTC",)),
        ({"type": "userFills", "user": "0xABC", "aggregateByTime": False}, ("userFills:0xabc",)),
        ({"type": "allDexsAssetCtxs"}, ("allDexsAssetCtxs",)),
        ({"type": "l2Book", "coin": "BTC"}, ()),
        ({"type": "trades"}, ()),
        ({"type": 5}, ()),
        (None, ()),
    ],
)
def test_an_ack_is_matched_by_what_it_repeats(subscription, topics):
    for method in ("subscribe", "unsubscribe"):
        data = {"method": method, "subscription": subscription}
        found = answer({"channel": "subscriptionResponse", "data": data})
        assert found == Answer(ok=True, code=method, topics=topics)


def test_refusals_name_what_they_are_about():
    words = 'Invalid subscription {"type":"trades","coin":"NOPE"}'
    assert answer({"channel": "error", "data": words}) == Answer(
        ok=False, code="error", text=words, topics=("trades:NOPE",)
    )
    words = 'Error: {"method":"subscribe","subscription":{"type":"trades","coin":"A"}} is not it'
    assert answer({"channel": "error", "data": words}).topics == ("trades:A",)
    words = 'Already subscribed: {"type":"activeAssetCtx","coin":"BTC"}'
    found = answer({"channel": "error", "data": words})
    assert (found.ok, found.code, found.topics) == (True, "already_subscribed", ("activeAssetCtx:BTC",))
    words = 'Already unsubscribed: {"type":"trades","coin":"BTC"}'
    found = answer({"channel": "error", "data": words})
    assert (found.ok, found.code, found.topics) == (True, "already_unsubscribed", ("trades:BTC",))
    found = answer({"channel": "error", "data": "Cannot track more than 15 total users."})
    assert (found.ok, found.code, found.topics) == (False, "too_many_users", ())
    found = answer({"channel": "error", "data": "Invalid subscription {broken}"})
    assert (found.ok, found.topics) == (False, ())
    assert not answer({"channel": "error", "data": {"odd": "\ud800"}}).ok


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ("", Dropped.NOT_JSON),
        (b"\xff\xfe", Dropped.NOT_JSON),
        ("<html>", Dropped.NOT_JSON),
        ('{"channel":"trades","data":[NaN]}', Dropped.NOT_JSON),
        ("[" * 100_000, Dropped.NOT_JSON),
        ("null", Dropped.MALFORMED),
        ("[]", Dropped.MALFORMED),
        ("{}", Dropped.UNKNOWN),
        ('{"channel":["trades"]}', Dropped.UNKNOWN),
        ('{"channel":"l2Book","data":{}}', Dropped.UNKNOWN),
        ('{"channel":"trades"}', Dropped.MALFORMED),
        ('{"channel":"trades","data":[5]}', Dropped.MALFORMED),
        ('{"channel":"userFills","data":{"fills":[]}}', Dropped.MALFORMED),
        ('{"channel":"activeSpotAssetCtx","data":{}}', Dropped.NOT_LINEAR),
        ('{"channel":"subscriptionResponse","data":{"method":"x"}}', Dropped.UNKNOWN),
    ],
)
def test_what_is_not_understood_is_counted(frame, reason, universe):
    assert parse(frame, universe, NOW) == Parsed(dropped=Counter({reason: 1}))


# recordings

HEARD = {
    "trades": (Tick, Dropped.NO_INSTRUMENT),
    "l2Book": (None, Dropped.UNKNOWN),
    "bbo": (None, Dropped.UNKNOWN),
    "activeAssetCtx": (Tick, Dropped.NO_INSTRUMENT),
    "activeSpotAssetCtx": (None, Dropped.NOT_LINEAR),
}


def check_recorded(frames):
    known = Universe(made.coin(name) for name in ("FXS", "BTC", "MOODENG"))
    for frame in frames:
        message = json.loads(frame)
        kind, reason = HEARD[message["channel"]]
        data = message["data"]
        parsed = parse(frame, known, NOW)
        if kind is None:
            assert parsed == Parsed(dropped=Counter({reason: 1}))
            continue
        assert of(parsed, kind)
        assert not parsed.dropped
        prices = (
            {float(row["px"]) for row in data} if isinstance(data, list) else {float(data["ctx"]["markPx"])}
        )
        assert {tick.price for tick in of(parsed, Tick)} == prices
        unknown = parse(frame, Universe(), NOW)
        assert (unknown.events, set(unknown.dropped)) == ((), {reason})


def test_every_recorded_frame_that_ships(recorded):
    assert len(recorded) == 10
    check_recorded(recorded)


def test_every_recorded_frame(samples):
    check_recorded((samples / "frames/tardis_node/hyperliquid.jsonl").read_text().splitlines())


# mutations

WHOLE = [
    *SHIPPED,
    made.candle(),
    made.fills(made.fill(), made.fill(tid=None)),
    json.dumps({"channel": "allDexsAssetCtxs", "data": {"ctxs": [["", [made.context()] * 4]]}}),
    json.dumps({"channel": "error", "data": 'Invalid subscription {"type":"trades","coin":"A"}'}),
    json.dumps(
        {
            "channel": "subscriptionResponse",
            "data": {"method": "subscribe", "subscription": {"type": "trades", "coin": "A"}},
        }
    ),
]
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=12),
    st.just([]),
    st.just({}),
    st.sampled_from(["NaN", "1e400", "-0.0", "\ud800", "0x", "1_0", "٣", "BTC", "A"]),
)


def check_honest(frame):
    parsed = parse(frame, ALL, NOW)
    for event in parsed.events:
        assert ALL.symbol(event.symbol) is not None
        assert 1_230_768_000_000 <= event.ts <= NOW + 86_400_000
        if isinstance(event, Candle):
            assert 0 < event.low <= event.high < float("inf")
        elif isinstance(event, Liquidation):
            assert event.notional_usd == event.quantity * event.price > 0
    said = parsed.events or parsed.answers or parsed.dropped or parsed.alive
    return parsed, said


@given(st.binary(max_size=200))
def test_any_bytes_are_counted(frame):
    parsed, _ = check_honest(frame)
    assert sum(parsed.dropped.values()) == 1


@given(st.sampled_from(WHOLE), st.integers(0, 4000), st.integers(0, 255))
def test_a_changed_byte_never_raises(frame, at, byte):
    raw = bytearray(frame.encode())
    raw[at % len(raw)] = byte
    check_honest(bytes(raw))
    check_honest(bytes(raw[: at % len(raw)]))


@st.composite
def mutated(draw):
    """A whole frame with one of its values replaced or taken out."""
    message = json.loads(draw(st.sampled_from(WHOLE)))
    node = message
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not keys:
            return message
        key = draw(st.sampled_from(keys))
        if isinstance(node[key], dict | list) and draw(st.integers(0, 3)):
            node = node[key]
            continue
        if draw(st.booleans()):
            node[key] = draw(ODD)
        else:
            del node[key]
        return message


def nothing_said(message):
    """Say whether a frame holds nothing that could be told or dropped."""
    data = message["data"]
    if message["channel"] == "trades":
        return data == []
    if message["channel"] == "userFills":
        return all(fill.get("liquidation") is None for fill in data["fills"])
    pairs = data["ctxs"]
    return message["channel"] == "allDexsAssetCtxs" and all(pair[0] != "" and pair[1] == [] for pair in pairs)


@given(mutated())
def test_a_changed_value_never_raises_and_is_never_silently_lost(message):
    _, said = check_honest(json.dumps(message))
    assert said or nothing_said(message)
