"""What OKX's answers become: contracts in coins, candles, open interest, funding, ratios, tiers."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.instruments import Instruments, Status
from adapters.okx import answers, rest
from adapters.parsed import Dropped
from engine.margin.tiers import TierUnit
from engine.model import Candle, Funding, LongShortRatio, OpenInterest

STEP = 300_000
SWAP = {
    "instType": "SWAP",
    "instId": "BTC-USDT-SWAP",
    "uly": "BTC-USDT",
    "instFamily": "BTC-USDT",
    "baseCcy": "",
    "quoteCcy": "",
    "settleCcy": "USDT",
    "ctVal": "0.01",
    "ctMult": "1",
    "ctValCcy": "BTC",
    "ctType": "linear",
    "tickSz": "0.1",
    "lotSz": "0.01",
    "minSz": "0.01",
    "lever": "100",
    "listTime": "1606468572000",
    "expTime": "",
    "state": "live",
}


def good(*rows):
    return {"code": "0", "msg": "", "data": list(rows)}


def listed(**changed):
    return answers.contracts(good({**SWAP, **changed}))


def test_a_contract_in_coins():
    (btc,) = listed().instruments.all
    assert (btc.venue, btc.native, btc.symbol, btc.base, btc.quote) == (
        "okx",
        "BTC-USDT-SWAP",
        "BTCUSDT",
        "BTC",
        "USDT",
    )
    assert (btc.coins, btc.priced, btc.tick, btc.step) == (0.01, 1.0, 0.1, 0.01)
    assert (btc.status, btc.delist_ms) == (Status.TRADING, None)


def test_trap_a_contract_is_its_value_times_its_multiplier():
    (btc,) = listed(ctVal="0.1", ctMult="0.1").instruments.all
    assert btc.coins == 0.01
    (shib,) = listed(instId="SHIB-USDT-SWAP", ctValCcy="SHIB", ctVal="1000000").instruments.all
    assert shib.quantity(2.5) == 2_500_000.0


def test_usdc_is_another_symbol():
    (btc,) = listed(instId="BTC-USDC-SWAP", settleCcy="USDC", ctVal="0.0001").instruments.all
    assert (btc.symbol, btc.quote, btc.coins) == ("BTCUSDC", "USDC", 0.0001)


def test_a_bundle_would_be_named_by_its_coin():
    (pepe,) = listed(instId="1000PEPE-USDT-SWAP", ctValCcy="1000PEPE", ctVal="10").instruments.all
    assert (pepe.symbol, pepe.coins, pepe.priced) == ("PEPEUSDT", 10_000.0, 1000.0)


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("live", Status.TRADING),
        ("suspend", Status.PAUSED),
        ("rebase", Status.PAUSED),
        ("preopen", Status.PENDING),
        ("test", Status.PENDING),
        ("expired", Status.DELISTED),
        ("something new", Status.PAUSED),
    ],
)
def test_states(state, status):
    assert listed(state=state).instruments.all[0].status is status


def test_trap_a_swap_with_an_end_is_to_be_delisted():
    assert listed(expTime="1790000000000").instruments.all[0].delist_ms == 1790000000000


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"ctType": "inverse", "instId": "BTC-USD-SWAP", "settleCcy": "BTC"}, Dropped.NOT_LINEAR),
        ({"ctType": "inverse"}, Dropped.NOT_LINEAR),
        ({"ctValCcy": "USDT"}, Dropped.NOT_LINEAR),
        ({"settleCcy": "BTC"}, Dropped.NOT_LINEAR),
        ({"instType": "FUTURES", "instId": "BTC-USDT-261225"}, Dropped.NOT_LINEAR),
        ({"instId": "-USDT-SWAP", "ctValCcy": ""}, Dropped.NOT_LINEAR),
        ({"ctVal": ""}, Dropped.MALFORMED),
        ({"ctVal": "0"}, Dropped.IMPOSSIBLE),
        ({"ctMult": None}, Dropped.MALFORMED),
        ({"ctMult": "1" * 70}, Dropped.MALFORMED),
        ({"ctMult": " "}, Dropped.MALFORMED),
        ({"ctVal": "1e300", "ctMult": "1e300"}, Dropped.IMPOSSIBLE),
        ({"tickSz": "x"}, Dropped.MALFORMED),
        ({"expTime": "soon"}, Dropped.MALFORMED),
        ({"instId": 1}, Dropped.MALFORMED),
    ],
)
def test_contracts_that_are_not_read(changed, reason):
    found = listed(**changed)
    assert (len(found.instruments), found.dropped) == (0, {reason: 1})


def test_recorded_contracts(kit):
    decoded = json.loads((kit.DATA / "cryptofeed_instruments.json").read_text())
    found = answers.contracts(decoded)
    assert {each.native: each.coins for each in found.instruments.all} == {
        "BTC-USDT-SWAP": 0.01,
        "ETH-USDT-SWAP": 0.1,
        "SHIB-USDT-SWAP": 1e6,
    }
    assert found.dropped == {Dropped.NOT_LINEAR: 2}


@pytest.mark.parametrize(
    "decoded",
    [
        None,
        [],
        {},
        {"code": "50011", "data": []},
        {"code": "0"},
        {"code": "0", "data": {}},
        "x",
        {"code": True},
    ],
)
def test_answers_that_are_none(decoded, known):
    btc = known.native("BTC-USDT-SWAP")
    assert answers.contracts(decoded).dropped == {Dropped.MALFORMED: 1}
    assert answers.server_ms(decoded) is None
    for parsed in (
        answers.candles(decoded, btc, STEP),
        answers.open_interest(decoded, known),
        answers.open_interest_history(decoded, btc),
        answers.funding(decoded, known),
        answers.funding_history(decoded, known),
        answers.long_short(decoded, btc, "accounts", STEP),
        answers.liquidations(decoded, known, 1),
    ):
        assert (parsed.events, parsed.dropped) == ((), {Dropped.MALFORMED: 1})
    assert answers.tiers(decoded, known, as_of="2026-11-20").dropped == {Dropped.MALFORMED: 1}


def test_the_clock():
    assert answers.server_ms(good({"ts": "1597026383085"})) == 1597026383085
    for wrong in (good(), good("x"), good({"ts": "x"}), good({})):
        assert answers.server_ms(wrong) is None


def test_trap_candles_come_newest_first_and_the_first_one_forms(known):
    btc = known.native("BTC-USDT-SWAP")
    older = ["1763711700000", "3.7", "3.8", "3.6", "3.7", "1", "2", "7.4", "1"]
    newer = ["1763712000000", "3.7", "3.8", "3.6", "3.7", "1", "2", "7.4", "0"]
    page = rest.candles(btc, STEP, recent=True)
    events = page.read(good(newer, older)).events
    assert [(event.ts, event.closed, event.volume) for event in events] == [
        (1763712000000, False, 2.0),
        (1763711700000, True, 2.0),
    ]
    assert all(isinstance(event, Candle) for event in events)
    assert page.read(good(["x"], older[:8])).dropped == {Dropped.MALFORMED: 2}


def test_open_interest_of_every_swap_now(known):
    rows = [
        {
            "instType": "SWAP",
            "instId": "BTC-USDT-SWAP",
            "oi": "5000",
            "oiCcy": "50",
            "oiUsd": "3",
            "ts": "1597026383085",
        },
        {
            "instType": "SWAP",
            "instId": "BTC-USD-SWAP",
            "oi": "5000",
            "oiCcy": "50",
            "oiUsd": "3",
            "ts": "1597026383085",
        },
        "x",
    ]
    parsed = answers.open_interest(good(*rows), known)
    assert parsed.events == (
        OpenInterest(venue="okx", symbol="BTCUSDT", ts=1597026383085, open_interest=50.0),
    )
    assert parsed.dropped == {Dropped.NOT_LINEAR: 1, Dropped.MALFORMED: 1}


def test_open_interest_then(known):
    page = rest.open_interest_history(known.native("BTC-USDT-SWAP"), STEP)
    rows = [
        ["1763712000000", "5000", "50", "3000000"],
        ["1763711700000", "5000", "", "3000000"],
        ["1763711400000", "1"],
        {"ts": "1"},
    ]
    parsed = page.read(good(*rows))
    assert [(event.ts, event.open_interest) for event in parsed.events] == [
        (1763712000000, 50.0),
        (1763711700000, 50.0),
    ]
    assert parsed.dropped == {Dropped.MALFORMED: 2}


def test_trap_funding_that_was_paid_is_the_realized_rate(known):
    row = {
        "fundingRate": "0.0000746604960499",
        "fundingTime": "1703059200000",
        "instId": "BTC-USDT-SWAP",
        "instType": "SWAP",
        "method": "next_period",
        "realizedRate": "0.0000746572360545",
    }
    page = rest.funding_history(known.native("BTC-USDT-SWAP"), known)
    parsed = page.read(good(row, {**row, "realizedRate": ""}))
    assert parsed.events == (
        Funding(
            venue="okx",
            symbol="BTCUSDT",
            ts=1703059200000,
            rate=0.0000746572360545,
            funding_ts=1703059200000,
            settled=True,
        ),
    )
    assert parsed.dropped == {Dropped.MALFORMED: 1}


def test_funding_next(known):
    row = {
        "instId": "BTC-USDT-SWAP",
        "fundingRate": "-0.0001",
        "fundingTime": "1743609600000",
        "ts": "1743588686291",
    }
    (event,) = answers.funding(good({**row, "nextFundingTime": "1743624000000"}), known).events
    assert (event.rate, event.interval_h, event.settled) == (-0.0001, 4.0, False)


def test_ratios(known):
    page = rest.long_short(known.native("BTC-USDT-SWAP"), 3_600_000, rest.Ratio.TOP_POSITIONS)
    parsed = page.read(good(["1763708400000", "1.25"], ["1763704800000", "0"], ["1763704800000"]))
    assert parsed.events == (
        LongShortRatio(
            venue="okx",
            symbol="BTCUSDT",
            ts=1763708400000,
            step_ms=3_600_000,
            kind="top_positions",
            ratio=1.25,
        ),
    )
    assert parsed.dropped == {Dropped.IMPOSSIBLE: 1, Dropped.MALFORMED: 1}


def test_liquidations_of_the_last_day_are_backlog(known, kit):
    row = json.loads(kit.forced(kit.detail(), kit.detail()))["data"][0]
    parsed = answers.liquidations(good(row), known, kit.NOW_MS)
    assert parsed.backlog
    assert [event.nth for event in parsed.events] == [0, 1]


def tier(rank, floor, cap, rate, leverage, **more):
    return {
        "tier": str(rank),
        "minSz": str(floor),
        "maxSz": str(cap),
        "mmr": str(rate),
        "imr": str(1 / leverage),
        "maxLever": str(leverage),
        "uly": "BTC-USDT",
        "instFamily": "BTC-USDT",
        "instId": "",
        **more,
    }


def tiers(known, *rows):
    return answers.tiers(good(*rows), known, as_of="2026-11-20")


@pytest.mark.parametrize("next_floor", ["1000", "1001", "1000.01"])
def test_trap_tiers_are_in_contracts(known, next_floor):
    found = tiers(known, tier(2, next_floor, 5000, 0.005, 66.66), tier(1, 0, 1000, 0.004, 100))
    (table,) = found.tables
    assert (table.venue, table.symbol, table.as_of, table.unit) == (
        "okx",
        "BTCUSDT",
        "2026-11-20",
        TierUnit.COINS,
    )
    assert [(each.floor, each.cap, each.rate, each.max_leverage) for each in table.tiers] == [
        (0.0, 10.0, 0.004, 100.0),
        (10.0, 50.0, 0.005, 66.66),
    ]
    assert not found.dropped


@pytest.mark.parametrize(
    "rows",
    [
        [tier(1, 0, 1000, 0.004, 100), tier(3, 5000, 9000, 0.01, 50)],
        [tier(1, 0, 1000, 0.004, 100), tier(2, 1002, 9000, 0.01, 50)],
        [tier(1, 0, 1000, 0.004, 100), tier(2, 500, 9000, 0.01, 50)],
        [tier(2, 1000, 5000, 0.005, 66)],
        [tier(1, 0, 1000, 0.004, 100), tier(2, 1000, 5000, 0.002, 66)],
        [tier(1, 0, 1000, 1.5, 100)],
    ],
)
def test_tables_with_holes_or_that_cannot_be_are_left_out(known, rows):
    assert tiers(known, *rows) == answers.Tiers(tables=(), dropped={Dropped.CONTRADICTORY: len(rows)})


def test_a_tier_that_cannot_be_read_spoils_its_table_alone(known):
    eth = tier(1, 0, 1000, 0.004, 100, instFamily="", uly="ETH-USDT")
    found = tiers(known, tier(1, 0, 1000, 0.004, 100), tier(2, 1000, 5000, "", 66), eth, "x")
    assert [table.symbol for table in found.tables] == ["ETHUSDT"]
    assert found.dropped == {Dropped.MALFORMED: 2, Dropped.CONTRADICTORY: 1}
    assert tiers(known, tier(1, 0, 9, 0.1, 9, uly="", instFamily="X-USD")).dropped == {Dropped.NOT_LINEAR: 1}


def test_trap_contract_sizes_change(known, kit):
    changed = {**SWAP, "ctVal": "0.001"}
    frame = kit.frame("instruments", [changed, {**SWAP, "ctVal": ""}], "SWAP", "instType")
    for each in (frame, frame.encode()):
        now = answers.renewed(each, known)
        assert now.instruments.native("BTC-USDT-SWAP").coins == 0.001
        assert len(now.instruments) == len(known)
        assert now.dropped == {Dropped.MALFORMED: 1}
    assert known.native("BTC-USDT-SWAP").coins == 0.01
    added = kit.frame(
        "instruments", [{**SWAP, "instId": "NEW-USDT-SWAP", "ctValCcy": "NEW"}], "SWAP", "instType"
    )
    assert answers.renewed(added, Instruments()).instruments.symbol("NEWUSDT").coins == 0.01


@pytest.mark.parametrize(
    "frame",
    [
        "pong",
        "{",
        '"instruments"',
        '["instruments"',
        '{"arg":"instruments"}',
        '{"arg":{"channel":"x"},"a":"instruments"}',
        '{"arg":{"channel":"instruments"}}',
    ],
)
def test_other_frames_change_no_contract(frame, known):
    assert answers.renewed(frame, known) is None


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6)
VALUES = st.recursive(
    LEAVES | st.sampled_from(["1", "-1", "0", "1763712000000", "BTC-USDT-SWAP"]),
    lambda inner: (
        st.lists(inner, max_size=10) | st.dictionaries(st.sampled_from([*SWAP, "ts", "oi", "tier"]), inner)
    ),
    max_leaves=12,
)


@given(st.lists(VALUES, max_size=4))
def test_no_rows_are_too_strange(rows):
    known = answers.contracts(good(SWAP)).instruments
    btc = known.native("BTC-USDT-SWAP")
    decoded = good(*rows)
    found = (
        answers.candles(decoded, btc, STEP),
        answers.open_interest(decoded, known),
        answers.open_interest_history(decoded, btc),
        answers.funding(decoded, known),
        answers.funding_history(decoded, known),
        answers.long_short(decoded, btc, "accounts", STEP),
    )
    for parsed in found:
        assert len(parsed.events) + parsed.dropped.total() == len(rows)
    listing = answers.contracts(decoded)
    assert len(listing.instruments) + listing.dropped.total() <= len(rows)
    assert answers.tiers(decoded, known, as_of="2026-11-20").tables == ()
    answers.liquidations(decoded, known, 1)
    answers.server_ms(decoded)


@given(st.sampled_from(sorted(SWAP)), VALUES)
def test_a_contract_with_anything_in_any_field(name, value):
    found = listed(**{name: value})
    assert len(found.instruments) + found.dropped.total() == 1
    for each in found.instruments.all:
        assert each.coins > 0
        assert each.symbol
