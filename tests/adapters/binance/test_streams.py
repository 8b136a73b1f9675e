"""Which topics there are, how they are asked for, and what the venue wants of its sockets."""

import itertools
import json

import binance_frames as frames
import pytest

from adapters.binance.streams import BATCH, CHARS, FEEDS, MANNERS, TOPICS, Binance, channels
from adapters.instruments import Instrument, Instruments, Status
from adapters.rest.verdicts import Answered, Outcome, Scope
from adapters.stream.dialect import Op
from adapters.venue import Feed

DIALECT = Binance(lambda: frames.KNOWN)
SUBSCRIBED = [each for each in frames.KNOWN.all if each.symbol in ("BTCUSDT", "PEPEUSDT")]


def topics(feeds, instruments=SUBSCRIBED):
    return [channel.topic for channel in channels(instruments, feeds)]


def test_each_feed_has_its_topics():
    assert topics({Feed.LIQUIDATIONS}) == ["!forceOrder@arr"]
    assert topics({Feed.PRICES}) == ["btcusdt@aggTrade", "1000pepeusdt@aggTrade"]
    assert topics({Feed.CANDLES}) == ["btcusdt@kline_5m", "1000pepeusdt@kline_5m"]
    assert topics({Feed.FUNDING}) == ["btcusdt@markPrice", "1000pepeusdt@markPrice"]
    assert len(topics(FEEDS)) == 7


def test_open_interest_and_ratios_are_on_no_stream():
    assert topics({Feed.OPEN_INTEREST, Feed.LONG_SHORT}) == []
    assert not {Feed.OPEN_INTEREST, Feed.LONG_SHORT} & FEEDS


def test_trap_everything_is_asked_for_at_the_routed_path():
    assert {channel.url for channel in channels(SUBSCRIBED, FEEDS)} == {
        "wss://fstream.binance.com/market/stream"
    }
    local = channels(SUBSCRIBED, FEEDS, url="ws://127.0.0.1:1/market/stream")
    assert {channel.url for channel in local} == {"ws://127.0.0.1:1/market/stream"}


def test_trap_names_are_small_letters_but_not_behind_the_symbol():
    assert topics({Feed.PRICES}, [frames.perpetual("币安人生USDT")]) == ["币安人生usdt@aggTrade"]


def test_trap_a_delisted_symbol_would_be_accepted_and_silent_so_it_is_not_asked_for():
    gone = Instrument(
        venue="binance",
        native="LUNAUSDT",
        symbol="LUNAUSDT",
        base="LUNA",
        quote="USDT",
        status=Status.DELISTED,
    )
    assert topics({Feed.PRICES, Feed.CANDLES}, [gone]) == []


def test_silence_means_something_where_something_always_comes():
    silent = {channel.feed: channel.silent_s for channel in channels(SUBSCRIBED, FEEDS)}
    assert silent[Feed.FUNDING] == 30.0
    assert all(seconds is not None and seconds <= 600 for seconds in silent.values())


@pytest.mark.parametrize("op", Op)
def test_requests_name_their_topics_and_have_whole_numbers_for_ids(op):
    numbers = itertools.count(5)
    (request,) = DIALECT.requests(op, ["a@aggTrade", "币@kline_5m"], numbers)
    said = json.loads(request.text)
    assert said == {"method": op.value.upper(), "params": ["a@aggTrade", "币@kline_5m"], "id": 5}
    assert type(said["id"]) is int
    assert type(request.text) is str  # bytes would go out as a binary frame, which is refused
    assert (request.request_id, request.topics) == ("5", ("a@aggTrade", "币@kline_5m"))
    assert next(numbers) == 6


def test_no_message_is_too_large_and_none_is_lost():
    names = [f"{'x' * (index % 300)}{index}@aggTrade" for index in range(500)]
    requests = DIALECT.requests(Op.SUBSCRIBE, names, itertools.count())
    assert [topic for request in requests for topic in request.topics] == names
    assert all(len(request.topics) <= BATCH for request in requests)
    assert all(sum(map(len, request.topics)) <= CHARS for request in requests)
    assert len({request.request_id for request in requests}) == len(requests)
    assert DIALECT.requests(Op.SUBSCRIBE, [], itertools.count()) == []


def test_a_topic_longer_than_a_message_still_goes_out_alone():
    requests = DIALECT.requests(Op.SUBSCRIBE, ["a", "b" * CHARS * 2, "c"], itertools.count())
    assert [len(request.topics) for request in requests] == [1, 1, 1]


def test_connections_hold_as_many_topics_as_the_older_limit_allows():
    every = channels([frames.perpetual(f"C{index}USDT") for index in range(100)], FEEDS)
    assert DIALECT.fits(every[:TOPICS])
    assert not DIALECT.fits(every[: TOPICS + 1])
    assert TOPICS <= 200


def test_the_venues_manners():
    assert DIALECT.manners == MANNERS
    assert MANNERS.messages.budget < 10  # pongs count among ten messages a second
    assert MANNERS.life_s < 24 * 3600
    assert MANNERS.heartbeat_s is None
    assert DIALECT.heartbeat(1) == ""
    assert MANNERS.silent_s > 180  # the venue's own pings come every three minutes
    assert DIALECT.venue == "binance"


def test_the_parser_follows_a_renewed_list_of_instruments():
    known = Instruments()
    parse = Binance(lambda: known).parser()
    frame = json.dumps(frames.TRADE)
    assert parse(frame, 1).events == ()
    known = frames.KNOWN
    assert parse(frame, 1).events[0].symbol == "BTCUSDT"


def test_a_handshake_that_is_refused_by_country_is_final():
    verdict = DIALECT.judge(Answered(status=451))
    assert (verdict.outcome, verdict.scope) == (Outcome.FINAL, Scope.VENUE)
