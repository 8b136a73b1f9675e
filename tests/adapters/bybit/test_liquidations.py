"""Liquidations: whose position it was, at which price, how often; trap by trap."""

import pytest

from adapters.parsed import Dropped, Parsed
from engine.model import Liquidation, PriceKind, Side


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
