"""Tickers: one side of open interest, deltas merged into what stands, nothing guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.bybit.parse import Parser
from adapters.parsed import Dropped, Parsed
from engine.model import Funding, OpenInterest, Tick


def only(parsed, kind):
    return [each for each in parsed.events if isinstance(each, kind)]


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


SAID = st.fixed_dictionaries(
    {},
    optional={
        "lastPrice": st.sampled_from(["5", "6.5", ""]),
        "fundingRate": st.sampled_from(["0.0001", "-0.0002", ""]),
        "nextFundingTime": st.sampled_from(["1760025600000", "1760054400000", "0", ""]),
        "fundingIntervalHour": st.sampled_from(["8", "4", ""]),
        "bid1Price": st.just("4"),
    },
)


@given(said=st.lists(st.tuples(st.booleans(), SAID), min_size=1, max_size=12))
def test_whatever_the_order_what_stands_is_what_was_said_last(said, known, frames):
    parser, standing, told = Parser(), {}, None
    for index, (whole, fields) in enumerate(said):
        kind, ts = ("snapshot" if whole else "delta"), frames.NOW + 100 * index
        standing = {} if whole else standing
        standing |= {name: value for name, value in fields.items() if value not in ("", "0")}
        parsed = parser.parse(frames.ticker(kind, ts=ts, **fields), known, ts)
        rate, due = standing.get("fundingRate"), standing.get("nextFundingTime")
        hours = standing.get("fundingIntervalHour")
        now = (float(rate), int(due), float(hours) if hours else None) if rate and due else None
        expected = [now] if now is not None and now != told else []
        told = expected[0] if expected else told
        assert [(e.rate, e.funding_ts, e.interval_h) for e in only(parsed, Funding)] == expected
        if fields.get("lastPrice"):
            assert [e.price for e in only(parsed, Tick)] == [float(fields["lastPrice"])]
        assert all(e.price == float(standing["lastPrice"]) and e.ts == ts for e in only(parsed, Tick))
