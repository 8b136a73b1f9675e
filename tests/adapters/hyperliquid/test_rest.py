"""Calls, their weights, pages, answers and refusals, as the sheet and the recordings have them."""

import importlib.util
import json
import math
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from adapters.hyperliquid import account, answers, rest
from adapters.hyperliquid.fills import HLP, VAULTS
from adapters.instruments import Status
from adapters.parsed import Dropped, Parsed
from adapters.rest.pages import Order
from adapters.rest.verdicts import GOOD, Answered, Outcome, Scope
from engine.margin.model import Mode
from engine.model import Candle, Funding, Liquidation, OpenInterest, Side, Tick

spec = importlib.util.spec_from_file_location("hyperliquid_conftest", Path(__file__).with_name("conftest.py"))
made = sys.modules.setdefault("hyperliquid_conftest", importlib.util.module_from_spec(spec))
spec.loader.exec_module(made)

NOW = made.NOW_MS
HOUR = 3_600_000
META = {
    "universe": [
        {"name": "BTC", "szDecimals": 5, "maxLeverage": 40, "marginTableId": 56},
        {
            "name": "ATOM",
            "szDecimals": 2,
            "maxLeverage": 5,
            "marginTableId": 5,
            "onlyIsolated": True,
            "isDelisted": True,
        },
        {"name": "kPEPE", "szDecimals": 0, "maxLeverage": 10, "marginTableId": 10},
    ],
    "marginTables": [
        [
            56,
            {
                "description": "tiered 40x",
                "marginTiers": [
                    {"lowerBound": "0.0", "maxLeverage": 40},
                    {"lowerBound": "150000000.0", "maxLeverage": 20},
                ],
            },
        ],
        [5, {"description": "", "marginTiers": [{"lowerBound": "0.0", "maxLeverage": 5}]}],
    ],
    "collateralToken": 0,
}
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


def bar(t, **changes):
    row = {"t": t, "T": t + HOUR - 1, "s": "BTC", "i": "1h", "o": "10", "h": "12", "l": "9", "c": "11"}
    return row | {"v": "5.5", "n": 3} | changes


# weights and calls


@pytest.mark.parametrize(
    ("kind", "items", "cost"),
    [
        ("l2Book", 0, 2),
        ("allMids", 0, 2),
        ("clearinghouseState", 12, 2),
        ("userRole", 0, 60),
        ("meta", 200, 20),
        ("metaAndAssetCtxs", 200, 20),
        ("vaultDetails", 0, 20),
        ("fundingHistory", 0, 20),
        ("fundingHistory", 1, 21),
        ("fundingHistory", 500, 45),
        ("userFills", 2000, 120),
        ("candleSnapshot", 60, 21),
        ("candleSnapshot", 61, 22),
        ("candleSnapshot", 5000, 104),
    ],
)
def test_weights_include_what_each_item_costs(kind, items, cost):
    assert rest.weight(kind, items) == cost


def test_every_call_is_a_post_that_names_its_type():
    calls = {
        "l2Book": rest.clock(),
        "meta": rest.listing(),
        "metaAndAssetCtxs": rest.contexts(),
        "clearinghouseState": rest.account(HLP.upper()),
        "userFills": rest.fills(HLP),
        "userFillsByTime": rest.fills_between(HLP, 1, 2),
        "vaultDetails": rest.vault(),
    }
    for kind, call in calls.items():
        assert (call.method, call.path, call.limit) == ("POST", "/info", rest.LIMIT.name)
        assert call.body["type"] == kind
        assert json.dumps(call.body)
    assert calls["clearinghouseState"].body["user"] == HLP
    assert calls["userFillsByTime"].body == {
        "type": "userFillsByTime",
        "user": HLP,
        "startTime": 1,
        "endTime": 2,
    }
    assert (rest.LIMIT.budget, rest.LIMIT.window_s) == (1200, 60.0)


def test_candles_are_paged_from_the_newest_on(universe):
    page = rest.candles(universe.native("kPEPE"), "5m", NOW)
    assert (page.size, page.order, page.step_ms) == (5000, Order.NEWEST_FIRST, 300_000)
    call = page.ask(300_001, 900_000)
    assert call.body == {
        "type": "candleSnapshot",
        "req": {"coin": "kPEPE", "interval": "5m", "startTime": 600_000, "endTime": 900_000},
    }
    assert (call.weight, call.about) == (21, "kPEPE")
    assert page.ask(0, 10**13).weight == 104


def test_funding_is_paged_from_the_oldest_on(universe):
    page = rest.funding(universe.native("BTC"), NOW)
    assert (page.size, page.order, page.step_ms) == (500, Order.OLDEST_FIRST, 0)
    call = page.ask(1000, HOUR)
    assert call.body == {"type": "fundingHistory", "coin": "BTC", "startTime": 1000, "endTime": HOUR}
    assert (call.weight, page.ask(0, 10**13).weight) == (21, 45)


@pytest.mark.parametrize("interval", ["1m", "5m", "15m", "1h", "4h", "1d"])
def test_every_interval_that_is_needed_is_there(interval, universe):
    page = rest.candles(universe.native("BTC"), interval, NOW)
    open_ms = NOW // page.step_ms * page.step_ms
    body = bar(open_ms, T=open_ms + page.step_ms - 1, i=interval)
    assert [event.ts for event in page.read([body]).events] == [open_ms]


@pytest.mark.parametrize(
    ("times", "first", "last", "left"),
    [
        ([5, 6], 5, 9, None),
        (range(10, 2010), 10, 9000, (2009, 9000)),
        (range(3000, 1000, -1), 10, 3000, (10, 1001)),
        ([7] * 2000, 5, 9, (7, 9)),
        ([7] * 2000, 7, 9, (8, 9)),
        ([7] * 2000, 7, 7, None),
        ([None] * 2000, 7, 9, None),
    ],
)
def test_fills_are_asked_for_until_they_are_whole(times, first, last, left):
    assert rest.more_fills([{"time": time} for time in times], first, last) == left


def test_an_answer_that_is_no_list_of_fills_ends_the_paging():
    assert rest.more_fills(None, 1, 2) is None
    assert rest.more_fills([5] * 2000, 1, 2) is None


# instruments and tiers


def test_delisted_instruments_keep_their_position():
    found = answers.listed(META)
    assert not found.dropped
    assert [each.native for each in found.instruments.entries] == ["BTC", "ATOM", "kPEPE"]
    btc, atom, pepe = found.instruments.all
    assert (btc.symbol, btc.base, btc.quote, btc.status) == ("BTCUSDT", "BTC", "USDC", Status.TRADING)
    assert (btc.tick, btc.step) == (pytest.approx(0.1), pytest.approx(0.00001))
    assert atom.status is Status.DELISTED
    assert (pepe.symbol, pepe.base, pepe.coins, pepe.priced) == ("PEPEUSDT", "PEPE", 1000.0, 1000.0)


@pytest.mark.parametrize("name", ["kaito", "k", "KAITO"])
def test_only_a_small_k_before_capitals_is_a_bundle(name):
    found = answers.listed({"universe": [{"name": name, "szDecimals": 1}]})
    assert (found.instruments.all[0].coins, found.instruments.all[0].base) == (1.0, name)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"name": "xyz:TSLA", "szDecimals": 1}, Dropped.NOT_LINEAR),
        ({"name": "@107", "szDecimals": 1}, Dropped.NOT_LINEAR),
        ({"name": "PURR/USDC", "szDecimals": 1}, Dropped.NOT_LINEAR),
        ({"name": "A"}, Dropped.MALFORMED),
        ({"name": "A", "szDecimals": True}, Dropped.MALFORMED),
        ({"name": "A", "szDecimals": 7}, Dropped.IMPOSSIBLE),
        ({"szDecimals": 1}, Dropped.MALFORMED),
        (5, Dropped.MALFORMED),
    ],
)
def test_an_entry_that_cannot_be_read_still_takes_its_place(entry, reason):
    found = answers.listed({"universe": [entry, {"name": "ETH", "szDecimals": 4}]})
    assert [each and each.native for each in found.instruments.entries] == [None, "ETH"]
    assert found.dropped == {reason: 1}


@pytest.mark.parametrize(
    ("meta", "reason"),
    [
        (None, Dropped.MALFORMED),
        ({"universe": 5}, Dropped.MALFORMED),
        ({"universe": [], "collateralToken": 235}, Dropped.NOT_LINEAR),
    ],
)
def test_a_listing_that_is_none_gives_no_instruments(meta, reason):
    found = answers.listed(meta)
    assert (len(found.instruments), found.dropped) == (0, {reason: 1})


def test_tiers_are_half_the_initial_margin():
    found = answers.tiers(META, "2026-11-20")
    btc = found["BTCUSDT"]
    assert [(t.floor, t.cap, t.rate, t.max_leverage, t.amount) for t in btc.tiers] == [
        (0.0, 150e6, 0.0125, 40.0, 0.0),
        (150e6, math.inf, 0.025, 20.0, 1_875_000.0),
    ]
    assert [(t.cap, t.rate) for t in found["ATOMUSDT"].tiers] == [(math.inf, 0.1)]
    assert [(t.cap, t.rate) for t in found["PEPEUSDT"].tiers] == [(math.inf, 0.05)]
    assert (btc.as_of, btc.venue) == ("2026-11-20", "hyperliquid")


def test_tiers_that_cannot_be_read_are_left_out():
    def one(**entry):
        meta = {"universe": [{"name": "A", "szDecimals": 1} | entry]}
        tables = [
            [60, {"marginTiers": []}],
            [61, {"marginTiers": [{"lowerBound": "5", "maxLeverage": 3}]}],
            [62, {"marginTiers": [{"lowerBound": "0", "maxLeverage": 0.1}]}],
            [63, {"marginTiers": [{"lowerBound": None}]}],
            [64],
            5,
        ]
        return answers.tiers(meta | {"marginTables": tables}, "2026-11-20")

    for table_id in (60, 61, 62, 63, 64, 65, "x"):
        assert one(marginTableId=table_id) == {}
    assert one() == {}
    assert one(maxLeverage=20)["AUSDT"].tiers[0].rate == 0.025
    assert answers.tiers(None, "") == {}
    assert answers.tiers({"universe": [5]}, "") == {}


# contexts


def test_contexts_now_are_matched_by_position_in_the_same_answer():
    contexts = [made.context(markPx=price) for price in ("100", "1", "2")]
    parsed = answers.context_events([META, contexts], NOW)
    assert [(t.symbol, t.price) for t in parsed.events if isinstance(t, Tick)] == [
        ("BTCUSDT", 100.0),
        ("PEPEUSDT", 0.002),
    ]
    interest = next(event for event in parsed.events if isinstance(event, OpenInterest))
    assert (interest.ts, interest.open_interest) == (NOW, 27353.17682)
    funding = next(event for event in parsed.events if isinstance(event, Funding))
    assert (funding.interval_h, funding.settled, funding.funding_ts % HOUR) == (1.0, False, 0)


def test_contexts_without_their_names_are_not_read():
    assert answers.context_events([META, [{}]], NOW) == Parsed(dropped=Counter({Dropped.CONTRADICTORY: 1}))
    assert answers.context_events([META, [made.context()] * 4], NOW) == Parsed(
        dropped=Counter({Dropped.CONTRADICTORY: 1})
    )
    assert answers.context_events([META], NOW) == Parsed(dropped=Counter({Dropped.MALFORMED: 1}))
    assert answers.context_events([None, []], NOW) == Parsed(dropped=Counter({Dropped.MALFORMED: 1}))


# candles and funding


def test_the_candle_that_still_forms_is_marked(universe):
    page = rest.candles(universe.native("BTC"), "1h", 20 * HOUR + made.NOW_MS // HOUR * HOUR)
    now = 20 * HOUR + made.NOW_MS // HOUR * HOUR
    parsed = page.read([bar(now), bar(now - HOUR), bar(now - 2 * HOUR)])
    assert [(c.ts - now, c.closed) for c in parsed.events] == [(-2 * HOUR, True), (-HOUR, True), (0, False)]
    early = rest.candles(universe.native("BTC"), "1h", now - 1).read([bar(now - HOUR)])
    assert [c.closed for c in early.events] == [False]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (bar(NOW // HOUR * HOUR, s="ETH"), Dropped.UNKNOWN),
        (bar(NOW // HOUR * HOUR, i="5m"), Dropped.UNKNOWN),
        (bar(NOW // HOUR * HOUR + 1), Dropped.IMPOSSIBLE),
        (bar(NOW // HOUR * HOUR, v=None), Dropped.MALFORMED),
        (5, Dropped.MALFORMED),
    ],
)
def test_candles_that_cannot_be_are_never_made_up(row, reason, universe):
    read = rest.candles(universe.native("BTC"), "1h", NOW).read
    assert read([row]) == Parsed(dropped=Counter({reason: 1}))
    assert read({"error": "x"}) == Parsed(dropped=Counter({Dropped.MALFORMED: 1}))


def test_a_candle_that_comes_twice_is_one(universe):
    read = rest.candles(universe.native("BTC"), "1h", NOW).read
    rows = [bar(NOW // HOUR * HOUR - HOUR), bar(NOW // HOUR * HOUR - HOUR)]
    assert len(read(rows).events) == 1


def test_trap_funding_is_hourly_and_was_not_always(universe):
    read = rest.funding(universe.native("BTC"), NOW).read
    row = {"coin": "BTC", "fundingRate": "0.0000125", "premium": "0.00029005", "time": 1_769_908_800_000}
    old = row | {"time": 1_683_849_600_048}
    del old["premium"]
    parsed = read([row, old])
    assert [(e.ts, e.interval_h, e.settled, e.funding_ts == e.ts) for e in parsed.events] == [
        (1_683_849_600_048, 8.0, True, True),
        (1_769_908_800_000, 1.0, True, True),
    ]
    bad = [row | {"coin": "ETH"}, row | {"fundingRate": "2"}, row | {"time": None}, 7]
    assert read(bad).dropped == {Dropped.UNKNOWN: 1, Dropped.IMPOSSIBLE: 1, Dropped.MALFORMED: 2}
    assert read(None) == Parsed(dropped=Counter({Dropped.MALFORMED: 1}))


def test_fills_asked_for_are_past(universe):
    parsed = answers.fill_events(
        [made.fill(), made.fill(liquidation=None)],
        user=made.FOLLOWED,
        instruments=universe,
        received_ms=NOW,
    )
    assert (len(parsed.events), parsed.backlog) == (1, True)
    assert isinstance(parsed.events[0], Liquidation)
    gone = answers.fill_events(None, user=made.FOLLOWED, instruments=universe, received_ms=NOW)
    assert gone == Parsed(dropped=Counter({Dropped.MALFORMED: 1}))


@pytest.mark.parametrize(("said", "time"), [({"time": 5}, 5), ({"time": True}, None), ({}, None), ([], None)])
def test_the_time_is_read_where_there_is_one(said, time):
    assert answers.server_time(said) == time


# accounts


def state(**changes):
    position = {
        "coin": "kPEPE",
        "szi": "-50.0",
        "entryPx": "0.02",
        "leverage": {"type": "isolated", "value": 5, "rawUsd": "1.0"},
        "liquidationPx": "0.03",
        "marginUsed": "0.2",
        "maxLeverage": 10,
        "positionValue": "1.0",
        "unrealizedPnl": "0.0",
        "returnOnEquity": "0.0",
    }
    return {
        "assetPositions": [{"type": "oneWay", "position": position | changes}],
        "marginSummary": {"accountValue": "12.5"},
        "time": NOW - 5,
    }


def read(said, universe):
    return account.read_account(said, user=made.STRANGER.upper(), instruments=universe, received_ms=NOW)


def test_an_account_tells_true_positions_with_their_liquidation_prices(universe):
    found = read(state(), universe)
    assert (found.user, found.ts, found.value_usd) == (made.STRANGER.lower(), NOW - 5, 12.5)
    assert found.positions == (
        account.Position(
            venue="hyperliquid",
            symbol="PEPEUSDT",
            user=made.STRANGER,
            ts=NOW - 5,
            side=Side.SHORT,
            quantity=50_000.0,
            entry=0.00002,
            notional_usd=1.0,
            liquidation=pytest.approx(0.00003),
            leverage=5.0,
            mode=Mode.ISOLATED,
            margin_usd=0.2,
            pnl_usd=0.0,
        ),
    )
    assert found.positions[0].mark == pytest.approx(0.00002)
    assert found.positions[0].distance == pytest.approx(0.5)


@pytest.mark.parametrize("price", [None, "0.0", "-3.5"])
def test_a_position_that_no_price_liquidates_says_so(price, universe):
    assert read(state(liquidationPx=price), universe).positions[0].liquidation is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"coin": "xyz:TSLA"}, Dropped.NOT_LINEAR),
        ({"szi": "0.0"}, Dropped.IMPOSSIBLE),
        ({"leverage": {"type": "portfolio"}}, Dropped.UNKNOWN),
        ({"leverage": None}, Dropped.MALFORMED),
        ({"entryPx": None}, Dropped.MALFORMED),
        ({"liquidationPx": "x"}, Dropped.MALFORMED),
    ],
)
def test_positions_that_cannot_be_read_are_counted(change, reason, universe):
    found = read(state(**change), universe)
    assert (found.positions, found.dropped) == ((), {reason: 1})


def test_what_is_no_account_is_none(universe):
    assert read(None, universe) is None
    assert read({}, universe) is None
    assert read(state() | {"time": "x"}, universe) is None
    assert read({"marginSummary": {"accountValue": "0"}, "assetPositions": [7]}, universe).ts == NOW


def test_vaults_are_those_known_and_those_named_now():
    child = "0x" + "Ab" * 20
    said = {"relationship": {"type": "parent", "data": {"childAddresses": [child, "x", 5]}}}
    assert account.vaults_of(said) == VAULTS | {child.lower()}
    assert account.vaults_of({"relationship": {"type": "normal"}}) == VAULTS
    assert not account.is_address(child)


# refusals


def answered(status, body=b"", **more):
    try:
        decoded = json.loads(body)
    except ValueError:
        decoded = None
    return Answered(status=status, body=body, decoded=decoded, **more)


@pytest.mark.parametrize(
    ("answer", "outcome", "scope", "after_s"),
    [
        (answered(422, b"Failed to deserialize the JSON body"), Outcome.MISTAKE, Scope.CALL, None),
        (answered(400), Outcome.MISTAKE, Scope.CALL, None),
        (answered(429, b"null"), Outcome.RETRY, Scope.LIMIT, 60.0),
        (answered(429, headers={"retry-after": "7"}), Outcome.RETRY, Scope.LIMIT, 7.0),
        (answered(429, headers={"retry-after": "0"}), Outcome.RETRY, Scope.LIMIT, 0.0),
        (answered(500, b"null"), Outcome.RETRY, Scope.CALL, 60.0),
        (answered(500, b"oops"), Outcome.RETRY, Scope.CALL, None),
        (answered(500), Outcome.RETRY, Scope.CALL, None),
        (answered(502), Outcome.RETRY, Scope.CALL, None),
        (answered(200, b"null"), Outcome.RETRY, Scope.CALL, 60.0),
        (answered(200, b"<html>"), Outcome.RETRY, Scope.CALL, 60.0),
        (answered(451), Outcome.FINAL, Scope.VENUE, None),
        (answered(403, b"Not for your Country"), Outcome.FINAL, Scope.VENUE, None),
        (answered(403, b"your country", worked_before=True), Outcome.RETRY, Scope.VENUE, 600.0),
        (answered(403, b"<html>"), Outcome.RETRY, Scope.VENUE, 600.0),
        (answered(403, headers={"retry-after": "30"}), Outcome.RETRY, Scope.VENUE, 30.0),
    ],
)
def test_refusals_are_told_apart(answer, outcome, scope, after_s):
    verdict = rest.judge(answer)
    assert (verdict.outcome, verdict.scope, verdict.retry_after_s) == (outcome, scope, after_s)
    assert verdict.reason


def test_a_good_answer_is_good():
    assert rest.judge(answered(200, b"[]")) == GOOD


# recordings


def test_every_recorded_answer_that_ships(info):
    found = answers.listed(info["meta"])
    assert (len(found.instruments), found.dropped) == (28, Counter())
    pepe = found.instruments.native("kPEPE")
    parsed = rest.candles(pepe, "1h", NOW).read(info["candleSnapshot"])
    assert (len(parsed.events), parsed.dropped) == (24, Counter())
    first = parsed.events[0]
    assert isinstance(first, Candle)
    assert (first.symbol, first.ts, first.close, first.volume) == (
        "PEPEUSDT",
        1_684_699_200_000,
        pytest.approx(1.604e-6),
        520_665_683_000.0,
    )
    parsed = rest.funding(found.instruments.native("BTC"), NOW).read(info["fundingHistory"])
    assert (len(parsed.events), parsed.dropped) == (34, Counter())
    assert {event.interval_h for event in parsed.events} == {8.0}
    holds = account.read_account(
        info["clearinghouseState"], user=HLP, instruments=found.instruments, received_ms=NOW
    )
    assert (len(holds.positions), holds.dropped, holds.ts) == (12, Counter(), NOW)
    assert holds.positions[0].liquidation == 173198.69592357
    assert [p.symbol for p in holds.positions if p.liquidation is None][:2] == ["ETHUSDT", "MATICUSDT"]
    parsed = answers.fill_events(info["userFills"], user=HLP, instruments=found.instruments, received_ms=NOW)
    assert parsed == Parsed(backlog=True)


def test_every_recorded_answer(samples):
    seen = Counter()
    known = None
    for path in sorted((samples / "frames/hyperliquid_sdk").rglob("*.yaml")):
        for each in yaml.safe_load(path.read_text())["interactions"]:
            asked = json.loads(each["request"]["body"])
            said = json.loads(each["response"]["body"]["string"])
            assert rest.judge(answered(200, each["response"]["body"]["string"].encode())) == GOOD
            seen[asked["type"]] += check(asked, said, known)
            if asked["type"] == "meta":
                known = answers.listed(said).instruments
    assert seen["fundingHistory"] == 1038 + 34
    assert seen["meta"] == 28 * 5
    assert seen["clearinghouseState"] == 12
    assert seen["candleSnapshot"] == 24
    assert seen["l2Book"] == 1


def check_intervals(paid):
    """A payment is for the hours since the one before it, an outage of an hour in July 2023 aside."""
    apart = [(e.interval_h, round((e.ts - b.ts) / HOUR)) for b, e in pairwise(paid)]
    assert set(apart) <= {(1.0, 1), (8.0, 8), (1.0, 2)}
    assert apart.count((1.0, 2)) <= 1


def check(asked, said, known):
    """Return how many facts came out of a recorded answer; nothing of it may be dropped."""
    kind = asked["type"]
    if kind == "meta":
        assert not answers.listed(said).dropped
        return len(answers.listed(said).instruments)
    if kind in ("candleSnapshot", "fundingHistory"):
        coin = asked.get("coin") or asked["req"]["coin"]
        traded = known.native(coin)
        page = rest.candles(traded, "1h", NOW) if kind == "candleSnapshot" else rest.funding(traded, NOW)
        parsed = page.read(said)
        assert not parsed.dropped
        check_intervals([event for event in parsed.events if isinstance(event, Funding)])
        return len(parsed.events)
    if kind == "clearinghouseState":
        found = account.read_account(said, user=asked["user"], instruments=known, received_ms=NOW)
        assert not found.dropped
        return len(found.positions)
    if kind.startswith("userFills"):
        parsed = answers.fill_events(said, user=asked["user"], instruments=known, received_ms=NOW)
        assert parsed == Parsed(backlog=True)
        assert rest.more_fills(said, 0, NOW) is None
        return len(said)
    return int(answers.server_time(said) is not None)


# mutations


@given(JUNK)
def test_no_answer_raises_or_makes_something_up(said):
    btc = made.coin("BTC")
    universe = answers.Universe([btc])
    assert not rest.candles(btc, "1h", NOW).read(said).events
    assert not rest.funding(btc, NOW).read(said).events
    assert not answers.context_events(said, NOW).events
    assert not answers.context_events([META, said], NOW).events
    assert not answers.fill_events(said, user=HLP, instruments=universe, received_ms=NOW).events
    assert account.vaults_of(said) == VAULTS
    answers.tiers({"universe": said, "marginTables": said}, "2026-11-20")
    answers.tiers(META | {"marginTables": [[56, said]]}, "2026-11-20")
    read(state(leverage=said), universe)
    read(said, universe)
    rest.more_fills(said, 0, NOW)
    answers.server_time(said)
    assert answers.listed({"universe": said}).instruments.all == ()


INFO = json.loads((made.DATA / "info.json").read_text()) | {
    "contexts": [META, [made.context(), made.context(), made.context()]],
    "tiers": META,
    "fills": [made.fill(), made.fill(tid=None)],
    "account": state(),
}
KNOWN = answers.listed(INFO["meta"]).instruments
ODD = st.sampled_from(
    [None, True, 0, -1, 10**400, 1.5, "", "NaN", "-1", "1e999", "x", [], {}, "xyz:TSLA", "@1"]
)


@st.composite
def mutated(draw):
    """A whole answer with one of its values replaced or taken out."""
    kind = draw(st.sampled_from(sorted(INFO)))
    node = whole = json.loads(json.dumps(INFO[kind]))
    while True:
        key = draw(st.sampled_from(list(node) if isinstance(node, dict) else range(len(node))))
        if isinstance(node[key], dict | list) and node[key] and draw(st.integers(0, 4)):
            node = node[key]
        elif draw(st.booleans()):
            node[key] = draw(ODD)
            return kind, whole
        else:
            del node[key]
            return kind, whole


READ = {
    "candleSnapshot": lambda said: rest.candles(KNOWN.native("kPEPE"), "1h", NOW).read(said),
    "fundingHistory": lambda said: rest.funding(KNOWN.native("BTC"), NOW).read(said),
    "contexts": lambda said: answers.context_events(said, NOW),
}
COUNTS = {"candleSnapshot": 24, "fundingHistory": 34, "contexts": 9, "fills": 2, "userFills": 0}


@given(mutated())
def test_an_answer_with_one_wrong_value_gives_no_more_than_it_holds(answer):
    kind, said = answer
    if kind in ("meta", "tiers"):
        assert len(answers.listed(said).instruments) <= len(INFO[kind]["universe"])
        assert len(answers.tiers(said, "d")) <= len(INFO[kind]["universe"])
        return
    if kind in ("clearinghouseState", "account"):
        found = account.read_account(said, user=HLP, instruments=KNOWN, received_ms=NOW)
        assert found is None or len(found.positions) + found.dropped.total() == len(said["assetPositions"])
        return
    if kind in READ:
        parsed = READ[kind](said)
    else:
        parsed = answers.fill_events(said, user=HLP, instruments=KNOWN, received_ms=NOW)
    most = COUNTS[kind]
    assert len(parsed.events) <= most
    assert parsed.dropped or len(parsed.events) >= most - 6
    assert all(math.isfinite(getattr(event, "price", 1.0)) for event in parsed.events)
