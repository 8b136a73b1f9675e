"""Topics are asked for within Bybit's limits, and only those of symbols that trade."""

import json
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.bybit import streams
from adapters.bybit.streams import ARGS_CHARS, BATCH, FEEDS, TOPICS, Bybit, args_chars, channels
from adapters.instruments import Instruments, Status
from adapters.parsed import Dropped
from adapters.rest.verdicts import Answered, Outcome
from adapters.stream.dialect import Op
from adapters.venue import Feed


@pytest.fixture
def dialect(known):
    return Bybit(lambda: known)


def test_a_symbol_has_three_topics(known):
    found = channels([known.native("1000PEPEUSDT")], FEEDS)
    assert [(each.topic, each.feed) for each in found] == [
        ("allLiquidation.1000PEPEUSDT", Feed.LIQUIDATIONS),
        ("tickers.1000PEPEUSDT", Feed.PRICES),
        ("kline.5.1000PEPEUSDT", Feed.CANDLES),
    ]
    assert {each.url for each in found} == {streams.URL}


def test_silence_of_liquidations_proves_nothing(known):
    silent = {each.feed: each.silent_s for each in channels(known.all, FEEDS)}
    assert silent[Feed.LIQUIDATIONS] is None
    assert silent[Feed.PRICES] < silent[Feed.CANDLES] > 60


@pytest.mark.parametrize("feed", [Feed.PRICES, Feed.OPEN_INTEREST, Feed.FUNDING])
def test_one_topic_gives_price_open_interest_and_funding(known, feed):
    assert [each.topic for each in channels([known.native("BTCUSDT")], {feed})] == ["tickers.BTCUSDT"]


def test_ratios_are_not_streamed(known):
    assert channels(known.all, {Feed.LONG_SHORT}) == []


@pytest.mark.parametrize("status", [each for each in Status if each is not Status.TRADING])
def test_trap_a_symbol_that_is_gone_is_not_asked_for(known, status):
    gone = replace(known.native("BTCUSDT"), status=status)
    assert [each.topic for each in channels([gone, known.native("LTCUSDT")], {Feed.LIQUIDATIONS})] == [
        "allLiquidation.LTCUSDT"
    ]


def test_messages_are_as_documented_and_small(dialect):
    topics = [f"tickers.S{index}USDT" for index in range(23)]
    sent = dialect.requests(Op.SUBSCRIBE, topics, count(1))
    assert [len(each.topics) for each in sent] == [BATCH, BATCH, 3]
    assert [json.loads(each.text) for each in sent] == [
        {"req_id": each.request_id, "op": "subscribe", "args": list(each.topics)} for each in sent
    ]
    assert [each.request_id for each in sent] == ["1.10", "2.10", "3.3"]
    assert [topic for each in sent for topic in each.topics] == topics
    (off,) = dialect.requests(Op.UNSUBSCRIBE, topics[:2], count(7))
    assert json.loads(off.text) == {"req_id": "7.2", "op": "unsubscribe", "args": topics[:2]}
    assert dialect.requests(Op.SUBSCRIBE, [], count(1)) == []


def test_the_heartbeat(dialect):
    assert json.loads(dialect.heartbeat(5)) == {"req_id": "5", "op": "ping"}
    assert dialect.manners.heartbeat_s == 20.0
    assert 2 * 20.0 < dialect.manners.silent_s < 600.0
    assert dialect.manners.life_s is None


def test_limits_are_below_the_venues(dialect):
    manners = dialect.manners
    assert manners.connects.budget < 500
    assert manners.connects.window_s == 300.0
    assert manners.connections < 1000
    assert dialect.venue == "bybit"


@given(names=st.lists(st.text("ABC0123456789币", min_size=1, max_size=40), max_size=400, unique=True))
def test_trap_what_fits_is_never_more_than_21_000_characters(names):
    known = Instruments()
    dialect = Bybit(lambda: known)
    asked = [
        streams.Channel(topic=f"allLiquidation.{name}USDT", feed=Feed.LIQUIDATIONS, url="") for name in names
    ]
    written = json.dumps([each.topic for each in asked], ensure_ascii=False, separators=(",", ":"))
    if dialect.fits(asked):
        assert len(written) <= ARGS_CHARS + 2
        assert len(asked) <= TOPICS
    else:
        assert len(asked) > TOPICS or args_chars(each.topic for each in asked) > ARGS_CHARS


def test_characters_alone_can_be_too_many(dialect):
    long = [streams.Channel(topic="x" * 100 + str(i), feed=Feed.PRICES, url="") for i in range(TOPICS)]
    assert not dialect.fits(long)
    assert dialect.fits(long[:100])


def test_each_connection_merges_its_own_deltas(dialect, frames):
    first, second = dialect.parser(), dialect.parser()
    first(frames.ticker(fundingRate="0.1", nextFundingTime="1760342400000"), frames.NOW)
    delta = frames.ticker("delta", fundingRate="0.2")
    assert len(first(delta, frames.NOW).events) == 1
    assert second(delta, frames.NOW).events == ()


def test_a_renewed_list_is_used_at_once(known, frames):
    lists = [Instruments()]
    read = Bybit(lambda: lists[-1]).parser()
    frame = frames.ticker(lastPrice="5")
    assert read(frame, frames.NOW).dropped == {Dropped.NO_INSTRUMENT: 1}
    lists.append(known)
    assert len(read(frame, frames.NOW).events) == 1


def test_a_refused_handshake(dialect):
    for worked in (False, True):  # nothing tells a ban from a block here, so nothing is final
        verdict = dialect.judge(Answered(status=403, worked_before=worked))
        assert (verdict.outcome, verdict.retry_after_s) == (Outcome.RETRY, 600.0)
    assert dialect.judge(Answered(status=503)).outcome is Outcome.RETRY
