"""Liquidations pass once and only once; of everything else the newest counts."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.dedup import BELIEVED_AFTER, WINDOW_MS, Liquidations, Newest, Once
from engine.model import Candle, Funding, Liquidation, LongShortRatio, OpenInterest, PriceKind, Side, Tick


def liquidation(ts=1000, *, price=10.0, received_ms=1_000_000, venue_id="", symbol="BTCUSDT"):
    return Liquidation(
        venue="v",
        symbol=symbol,
        side=Side.LONG,
        price=price,
        price_kind=PriceKind.FILL,
        quantity=1.0,
        notional_usd=price,
        ts=ts,
        received_ms=received_ms,
        venue_id=venue_id,
    )


def test_equal_events_of_a_frame_are_events_and_the_same_frame_again_is_not():
    once = Liquidations()
    twins = [liquidation(), liquidation()]
    assert [event.nth for event in once.new(twins)] == [0, 1]
    assert once.new(twins) == ()
    assert [event.nth for event in once.new([*twins, liquidation()])] == [2]
    assert once.repeated == 4


def test_an_id_is_known_for_ever_and_whatever_else_is_said():
    once = Liquidations()
    assert once.new([liquidation(venue_id="7")])
    later = liquidation(venue_id="7", price=11.0, received_ms=1_000_000 + 10 * WINDOW_MS)
    assert once.new([later, liquidation(venue_id="8")])[0].venue_id == "8"
    assert once.new([liquidation(venue_id="7", symbol="ETHUSDT")])


def test_content_is_known_for_a_window_after_it_was_seen_last():
    once = Liquidations()
    assert once.new([liquidation(received_ms=0)])
    assert not once.new([liquidation(received_ms=WINDOW_MS)])
    assert not once.new([liquidation(received_ms=2 * WINDOW_MS)])
    assert once.new([liquidation(received_ms=3 * WINDOW_MS + 1)])


def test_a_frame_is_handed_on_by_time():
    fresh = Liquidations().new([liquidation(30), liquidation(10), liquidation(20)])
    assert [event.ts for event in fresh] == [10, 20, 30]


def test_memory_is_bounded_and_says_what_it_forgot():
    once = Liquidations(kept=10)
    once.new([liquidation(ts) for ts in range(25)])
    once.new([liquidation(ts, venue_id=str(ts)) for ts in range(25)])
    assert len(once) == 20
    assert once.forgotten == 30


FRAMES = st.lists(st.lists(st.integers(0, 4), max_size=6), max_size=12)


@given(FRAMES)
def test_what_passes_of_equal_events_is_the_most_that_stood_in_one_frame(frames):
    once = Liquidations()
    passed = Counter()
    for number, frame in enumerate(frames):
        fresh = once.new([liquidation(ts, received_ms=number) for ts in frame])
        passed.update(event.ts for event in fresh)
    most = Counter()
    for frame in frames:
        most |= Counter(frame)
    assert passed == most
    assert once.repeated == sum(map(len, frames)) - passed.total()


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 400_000)), max_size=40))
def test_the_window_is_what_a_plain_list_says_it_is(steps):
    once, seen, now_ms = Liquidations(), {}, 0
    for ts, later_ms in steps:
        now_ms += later_ms
        known = ts in seen and now_ms - seen[ts] <= WINDOW_MS
        seen[ts] = now_ms
        assert bool(once.new([liquidation(ts, received_ms=now_ms)])) is not known


@given(st.lists(st.integers(0, 30), max_size=80), st.integers(1, 8))
def test_ids_pass_once_while_they_are_remembered(ids, kept):
    once = Liquidations(kept=kept)
    recent = []
    for each in ids:
        fresh = once.new([liquidation(venue_id=str(each))])
        assert bool(fresh) is (each not in recent)
        recent = ([one for one in recent if one != each] + [each])[-kept:]
        assert len(once) <= kept


def tick(ts, price=1.0):
    return Tick(venue="v", symbol="BTCUSDT", ts=ts, price=price)


def bar(ts, *, closed=False, close=1.0):
    prices = {"open": 1.0, "high": 2.0, "low": 0.5, "close": close}
    return Candle(venue="v", symbol="BTCUSDT", ts=ts, volume=1.0, closed=closed, **prices)


def test_prices_neither_repeat_nor_run_backwards():
    newest = Newest()
    assert [newest.fresh(each) for each in (tick(1), tick(1), tick(2), tick(1), tick(2, 3.0))] == [
        True,
        False,
        True,
        False,
        True,
    ]
    assert newest.repeated == 2


def test_one_time_far_ahead_does_not_silence_a_symbol():
    newest = Newest()
    assert newest.fresh(tick(10**15))
    passed = [newest.fresh(tick(ts)) for ts in range(BELIEVED_AFTER + 2)]
    assert passed == [False] * BELIEVED_AFTER + [True, True]


def test_a_candle_closes_once_even_after_the_next_one_began():
    newest = Newest()
    said = [
        bar(0),
        bar(0),
        bar(60),
        bar(0, closed=True),
        bar(0, closed=True),
        bar(0, close=9.0),
        bar(60, close=2.0),
    ]
    assert [newest.fresh(each) for each in said] == [True, False, True, True, False, False, True]


@pytest.mark.parametrize(
    "event",
    [
        OpenInterest(venue="v", symbol="A", ts=5, open_interest=1.0),
        Funding(venue="v", symbol="A", ts=5, rate=0.1, funding_ts=9),
        LongShortRatio(venue="v", symbol="A", ts=5, step_ms=1, kind="accounts", ratio=1.0),
    ],
)
def test_every_state_has_its_own_newest(event):
    once = Once()
    assert once.new([event, event, replace(event, ts=4), replace(event, symbol="B")]) == (
        event,
        replace(event, symbol="B"),
    )
    assert once.repeated == 2
    assert once.new([liquidation(), replace(event, ts=6)]) == (replace(event, ts=6), liquidation())
