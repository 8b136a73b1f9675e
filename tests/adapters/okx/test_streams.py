"""How OKX's sockets are used: topics, messages within its limits, rhythm, and what its goodbyes mean."""

import json
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.instruments import Instrument, Instruments
from adapters.okx import streams
from adapters.okx.topics import arg_of, topic_of
from adapters.parsed import Answer, Dropped
from adapters.rest.verdicts import Answered, Outcome
from adapters.stream.dialect import Dialect, Op
from adapters.venue import Feed

HOST = "wss://ws.okx.com"


@pytest.fixture
def okx(known):
    return streams.Okx(known)


@pytest.fixture
def btc(known):
    return known.native("BTC-USDT-SWAP")


def test_it_is_a_dialect(okx):
    spoken: Dialect = okx
    assert (spoken.venue, spoken.manners) == ("okx", streams.MANNERS)


@pytest.mark.parametrize(
    ("feed", "topics"),
    [
        (Feed.PRICES, {"mark-price:BTC-USDT-SWAP": "/ws/v5/public"}),
        (Feed.OPEN_INTEREST, {"open-interest:BTC-USDT-SWAP": "/ws/v5/public"}),
        (Feed.FUNDING, {"funding-rate:BTC-USDT-SWAP": "/ws/v5/public"}),
        (Feed.CANDLES, {"candle5m:BTC-USDT-SWAP": "/ws/v5/business"}),
        (
            Feed.LIQUIDATIONS,
            {"liquidation-orders:SWAP": "/ws/v5/public", "instruments:SWAP": "/ws/v5/public"},
        ),
        (Feed.LONG_SHORT, {}),
    ],
)
def test_trap_candles_are_at_business_and_the_rest_at_public(okx, btc, feed, topics):
    channels = okx.channels(feed, btc)
    assert {each.topic: each.url for each in channels} == {name: HOST + path for name, path in topics.items()}
    assert all(each.feed is feed for each in channels)
    assert (feed in streams.FEEDS) == bool(topics)


def test_trap_port_443(okx, btc, known):
    for url in (*streams.REGIONS.values(), okx.channels(Feed.PRICES, btc)[0].url):
        assert url.startswith("wss://")
        assert "8443" not in url
    here = streams.Okx(known, base_url="ws://127.0.0.1:9/", step_ms=60_000)
    (channel,) = here.channels(Feed.CANDLES, btc)
    assert (channel.url, channel.topic) == ("ws://127.0.0.1:9/ws/v5/business", "candle1m:BTC-USDT-SWAP")
    with pytest.raises(KeyError):
        streams.Okx(known, step_ms=7)


def test_liquidations_are_one_topic_for_every_contract(okx, known):
    assert len({each for one in known.all for each in okx.channels(Feed.LIQUIDATIONS, one)}) == 2


def test_how_long_each_feed_may_be_silent(okx, btc):
    silent = {feed: okx.channels(feed, btc)[0].silent_s for feed in streams.FEEDS}
    assert silent[Feed.PRICES] > 10.0
    assert silent[Feed.OPEN_INTEREST] > 3.0
    assert silent[Feed.FUNDING] > 90.0
    assert silent[Feed.CANDLES] >= 600.0
    assert silent[Feed.LIQUIDATIONS] >= 1800.0
    assert okx.channels(Feed.LIQUIDATIONS, btc)[1].silent_s is None


def test_trap_the_heartbeat_is_text_well_before_thirty_seconds(okx):
    assert okx.heartbeat(1) == okx.heartbeat(2) == "ping"
    assert okx.manners.heartbeat_s * 2 <= okx.manners.silent_s <= 30.0
    assert okx.manners.life_s is None


def test_trap_480_operations_an_hour_and_three_connections_a_second(okx):
    manners = okx.manners
    assert (manners.operations.budget, manners.operations.window_s) == (480, 3600.0)
    assert (manners.connects.budget, manners.connects.window_s) == (3, 1.0)
    assert streams.TOPICS * 2 <= 480


def test_messages_hold_many_topics_each(okx):
    topics = ["liquidation-orders:SWAP", "candle5m:BTC-USDT-SWAP"]
    (request,) = okx.requests(Op.SUBSCRIBE, topics, count(1512))
    assert json.loads(request.text) == {
        "id": "1512",
        "op": "subscribe",
        "args": [
            {"channel": "liquidation-orders", "instType": "SWAP"},
            {"channel": "candle5m", "instId": "BTC-USDT-SWAP"},
        ],
    }
    assert (request.request_id, request.topics, request.weight) == ("1512", tuple(topics), 2)
    (request,) = okx.requests(Op.UNSUBSCRIBE, topics[:1], count(1))
    assert json.loads(request.text)["op"] == "unsubscribe"
    assert okx.requests(Op.SUBSCRIBE, [], count(1)) == []


@given(st.integers(0, 500))
def test_every_topic_is_asked_for_once(number):
    topics = [f"mark-price:C{each}-USDT-SWAP" for each in range(number)]
    requests = streams.Okx(Instruments()).requests(Op.SUBSCRIBE, topics, count(1))
    assert [topic for request in requests for topic in request.topics] == topics
    assert [int(request.request_id) for request in requests] == list(range(1, len(requests) + 1))
    assert all(len(request.text) < 8192 and request.weight <= streams.BATCH for request in requests)


def test_trap_64_kilobytes_of_topics_on_a_connection(okx, known):
    def channels(number, letters):
        made = (
            Instrument(
                venue="okx", native=f"{'X' * letters}{each}-USDT-SWAP", symbol="X", base="X", quote="USDT"
            )
            for each in range(number)
        )
        return [channel for one in made for channel in okx.channels(Feed.PRICES, one)]

    assert okx.fits([])
    assert okx.fits(channels(streams.TOPICS, 10))
    assert not okx.fits(channels(streams.TOPICS + 1, 10))
    assert not okx.fits(channels(100, 700))
    full = channels(streams.TOPICS, 230)
    assert okx.fits(full)
    asked = okx.requests(Op.SUBSCRIBE, [each.topic for each in full], count(1))
    assert (
        sum(len(json.dumps(json.loads(each.text)["args"], separators=(",", ":"))) for each in asked) <= 65536
    )


def test_topics_and_arguments_are_each_others_inverse():
    for topic in ("candle5m:BTC-USDT-SWAP", "liquidation-orders:SWAP", "instruments:SWAP"):
        assert topic_of(arg_of(topic)) == topic
    for wrong in ("", "candle5m", ":x", "x:"):
        with pytest.raises(ValueError, match="not a topic"):
            arg_of(wrong)


def test_trap_contracts_that_change_are_worth_something_else_from_then_on(okx, kit):
    read = okx.parser()
    before = read(kit.forced(kit.detail()), kit.NOW_MS).events[0]
    row = {
        "instType": "SWAP",
        "instId": "BTC-USDT-SWAP",
        "settleCcy": "USDT",
        "ctVal": "0.001",
        "ctMult": "1",
        "ctValCcy": "BTC",
        "ctType": "linear",
        "tickSz": "0.1",
        "lotSz": "0.01",
        "state": "live",
    }
    renewal = read(kit.frame("instruments", [row, "x"], "SWAP", "instType"), kit.NOW_MS)
    assert renewal.alive
    assert renewal.dropped == {Dropped.MALFORMED: 1}
    after = okx.parser()(kit.forced(kit.detail()), kit.NOW_MS).events[0]
    assert before.quantity == pytest.approx(10 * after.quantity)
    assert okx.instruments.native("ETH-USDT-SWAP").coins == 0.1


def test_refused_handshakes(okx):
    assert okx.judge(Answered(status=451)).outcome is Outcome.FINAL
    for status in (403, 429, 503):
        assert okx.judge(Answered(status=status)).outcome is Outcome.RETRY


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("60018", Outcome.FINAL),
        ("64002", Outcome.FINAL),
        ("60014", Outcome.RETRY),
        ("60012", Outcome.MISTAKE),
        ("60008", Outcome.MISTAKE),
        ("64001", Outcome.MISTAKE),
        ("", Outcome.MISTAKE),
    ],
)
def test_what_refusals_mean(code, outcome):
    verdict = streams.judge_answer(Answer(ok=False, code=code, text="words " * 100))
    assert verdict.outcome is outcome
    assert len(verdict.reason) < 200


def test_trap_a_locked_out_connection_waits_for_the_hour():
    assert streams.judge_answer(Answer(ok=False, code="60014")).retry_after_s == 3600.0
    assert streams.judge_answer(Answer(ok=True)).outcome is Outcome.GOOD


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (4004, Outcome.RETRY),
        (4005, Outcome.RETRY),
        (4006, Outcome.RETRY),
        (1000, Outcome.RETRY),
        (None, Outcome.RETRY),
        (4001, Outcome.MISTAKE),
        (4002, Outcome.MISTAKE),
        (4003, Outcome.MISTAKE),
        (4007, Outcome.MISTAKE),
        (4008, Outcome.MISTAKE),
        (4009, Outcome.MISTAKE),
        (1009, Outcome.MISTAKE),
    ],
)
def test_trap_codes_of_closing_say_whose_fault_it_was(code, outcome):
    verdict = streams.judge_close(code)
    assert verdict.outcome is outcome
    assert str(code) in verdict.reason
