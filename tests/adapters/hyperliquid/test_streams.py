"""Plans: topics, their messages, the venue's limits, a parser for each connection."""

import importlib.util
import json
import sys
from itertools import count
from pathlib import Path

import pytest

from adapters.hyperliquid import streams, topics
from adapters.hyperliquid.fills import VAULTS
from adapters.hyperliquid.parse import parse
from adapters.instruments import Instruments
from adapters.rest.verdicts import Answered, Outcome
from adapters.stream.dialect import Channel, Op
from adapters.venue import Feed
from engine.errors import SourceError

spec = importlib.util.spec_from_file_location("hyperliquid_conftest", Path(__file__).with_name("conftest.py"))
made = sys.modules.setdefault("hyperliquid_conftest", importlib.util.module_from_spec(spec))
spec.loader.exec_module(made)

NOW = made.NOW_MS


def test_one_topic_gives_price_open_interest_and_funding(universe):
    found = streams.channels(universe.all, streams.FEEDS)
    assert [each.topic for each in found if each.feed is not Feed.LIQUIDATIONS] == [
        "activeAssetCtx:BTC",
        "candle:BTC:5m",
        "activeAssetCtx:ETH",
        "candle:ETH:5m",
        "activeAssetCtx:kPEPE",
        "candle:kPEPE:5m",
    ]
    only = streams.channels(universe.all, {Feed.FUNDING})
    assert only[0] == Channel(
        topic="activeAssetCtx:BTC",
        feed=Feed.PRICES,
        url=streams.URL,
        silent_s=streams.CONTEXT_SILENT_S,
        symbol="BTCUSDT",
        also=frozenset({Feed.PRICES, Feed.OPEN_INTEREST, Feed.FUNDING}),
    )
    assert streams.channels(universe.all, {Feed.LONG_SHORT}) == []
    assert streams.channels(universe.all, {Feed.CANDLES}, url="ws://x")[0].url == "ws://x"


def test_the_venues_own_vaults_are_followed_and_a_few_more(universe):
    found = streams.channels((), {Feed.LIQUIDATIONS}, users=[made.STRANGER.upper(), made.FOLLOWED])
    assert len(found) == 9
    assert found[-1].topic == f"userFills:{made.STRANGER}"
    assert {each.topic.removeprefix("userFills:") for each in found[:-1]} == VAULTS
    assert {each.silent_s for each in found} == {None}
    assert Feed.LIQUIDATIONS in streams.PARTIAL


def test_trap_no_more_than_ten_addresses(universe):
    more = [f"0x{number:040x}" for number in range(3)]
    assert len(streams.followed(more[:2])) == streams.USERS
    with pytest.raises(SourceError, match="2 of yours fit, and 3 are named"):
        streams.followed(more)
    with pytest.raises(SourceError, match="0x12 is no Hyperliquid address"):
        streams.followed(["0x12"])


def test_all_limits_hold_together():
    coins = [made.coin(f"C{number}") for number in range(1000)]
    followed, carried = len(streams.FOLLOWED), streams.CONNECTIONS * streams.TOPICS
    few = streams.channels(coins[: (carried - followed) // 2], streams.FEEDS)
    assert len(few) == carried
    assert topics.CONTEXTS not in {each.topic for each in few}
    many = [each.topic for each in streams.channels(coins[:500], streams.FEEDS)]
    assert len(many) == followed + 1 + 500
    assert topics.CONTEXTS in many
    with pytest.raises(SourceError, match="1000 subscriptions, and 1009"):
        streams.channels(coins, streams.FEEDS)
    known = streams.Hyperliquid(Instruments)
    topic = Channel(topic="activeAssetCtx:BTC", feed=Feed.PRICES, url=streams.URL)
    assert known.fits([topic] * streams.TOPICS)
    assert not known.fits([topic] * (streams.TOPICS + 1))
    manners = known.manners
    assert 10 * streams.TOPICS <= streams.SUBSCRIPTIONS
    assert manners.connections < 10
    assert manners.messages.budget * 10 <= 2000
    assert manners.connects.budget < 30
    assert manners.heartbeat_s < manners.silent_s < 60
    assert known.venue == "hyperliquid"


@pytest.mark.parametrize(
    ("topic", "subscription"),
    [
        (topics.context("kPEPE"), {"type": "activeAssetCtx", "coin": "kPEPE"}),
        (topics.candle("BTC"), {"type": "candle", "coin": "BTC", "interval": "5m"}),
        (topics.trades("BTC"), {"type": "trades", "coin": "BTC"}),
        (topics.fills("0xAB"), {"type": "userFills", "user": "0xab"}),
        ("allDexsAssetCtxs", {"type": "allDexsAssetCtxs"}),
    ],
)
def test_each_topic_is_a_message_of_its_own_and_is_named_by_the_answer(topic, subscription):
    known = streams.Hyperliquid(Instruments)
    for op in Op:
        request, other = known.requests(op, [topic, topics.trades("X")], count(1))
        assert (request.request_id, request.topics, other.topics) == ("", (topic,), ("trades:X",))
        said = json.loads(request.text)
        assert said == {"method": op.value, "subscription": subscription}
        frame = json.dumps({"channel": "subscriptionResponse", "data": said})
        assert known.parser()(frame, NOW).answers[0].topics == (topic,)


@pytest.mark.parametrize("topic", ["", "l2Book:BTC", "trades", "trades:", "candle:BTC", "trades:a:b"])
def test_a_text_that_is_no_topic_is_refused(topic):
    with pytest.raises(ValueError, match="is not a topic"):
        topics.subscription(topic)


def test_a_ping_is_answered_by_a_sign_of_life(universe):
    assert json.loads(streams.Hyperliquid(lambda: universe).heartbeat(1)) == {"method": "ping"}
    assert parse('{"channel":"pong"}', universe, NOW).alive


def test_each_connection_closes_its_own_candles(universe):
    known = streams.Hyperliquid(lambda: universe)
    one, other = known.parser(), known.parser()
    one(made.candle(), NOW)
    later = made.candle(1_781_528_100_000)
    assert [event.closed for event in one(later, NOW).events] == [True, False]
    assert [event.closed for event in other(later, NOW).events] == [False]


def test_lists_are_renewed_without_a_reconnect(universe):
    held = {"instruments": Instruments(), "vaults": frozenset()}
    read = streams.Hyperliquid(lambda: held["instruments"], lambda: held["vaults"]).parser()
    frame = made.fills(made.fill())
    assert not read(frame, NOW).events
    held["instruments"] = universe
    assert read(frame, NOW).events
    held["vaults"] = frozenset([made.STRANGER])
    assert not read(frame, NOW).events


def test_a_refused_handshake_is_judged():
    known = streams.Hyperliquid(Instruments)
    assert known.judge(Answered(status=429)).outcome is Outcome.RETRY
    assert known.judge(Answered(status=451)).outcome is Outcome.FINAL


def test_as_many_named_addresses_are_followed_as_the_venue_leaves_room_for():
    named = [f"0x{digit * 40}" for digit in "abc"]
    assert streams.spare([streams.HLP, *named, named[0]]) == tuple(named[:2])
    assert len(streams.followed(streams.spare(named))) == streams.USERS
    assert streams.spare(()) == ()
