"""Contracts and margin tiers: named the same way everywhere, whole, and page by page."""

import json

import pytest

from adapters.bybit.listing import read_listing, read_tier_page, tier_tables
from adapters.instruments import Status
from adapters.parsed import Dropped


@pytest.fixture
def contract(frames):
    """One documented row, changed."""
    documented = json.loads((frames.DATA / "instrument.json").read_text())

    def make(**changed):
        return documented | changed

    return make


def test_documented_contract(answer, contract):
    page = read_listing(answer([contract()], nextPageCursor=""))
    (btc,) = page.instruments
    assert (btc.native, btc.symbol, btc.base, btc.quote) == ("BTCUSDT", "BTCUSDT", "BTC", "USDT")
    assert (btc.coins, btc.priced, btc.tick, btc.step) == (1.0, 1.0, 0.1, 0.001)
    assert (btc.status, btc.delist_ms) == (Status.TRADING, None)
    assert (page.cursor, page.dropped) == ("", {})


@pytest.mark.parametrize(
    ("native", "base", "quote", "symbol", "coins"),
    [
        ("BTCPERP", "BTC", "USDC", "BTCUSDC", 1.0),
        ("1000PEPEUSDT", "1000PEPE", "USDT", "PEPEUSDT", 1e3),
        ("10000SATSUSDT", "10000SATS", "USDT", "SATSUSDT", 1e4),
        ("1000000MOGUSDT", "1000000MOG", "USDT", "MOGUSDT", 1e6),
        ("SHIB1000USDT", "SHIB1000", "USDT", "SHIBUSDT", 1e3),
        ("SHIB1000PERP", "SHIB1000", "USDC", "SHIBUSDC", 1e3),
        ("1INCHUSDT", "1INCH", "USDT", "1INCHUSDT", 1.0),
    ],
)
def test_names_become_canonical(answer, contract, native, base, quote, symbol, coins):
    changed = contract(symbol=native, baseCoin=base, quoteCoin=quote, settleCoin=quote)
    (found,) = read_listing(answer([changed])).instruments
    assert (found.native, found.symbol, found.coins, found.priced) == (native, symbol, coins, coins)


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"status": "Trading"}, Status.TRADING),
        ({"status": "PreLaunch"}, Status.PENDING),
        ({"isPreListing": True}, Status.PENDING),
        ({"status": "Settling"}, Status.PAUSED),
        ({"status": "Delivering"}, Status.DELISTED),
        ({"status": "SomethingNew"}, Status.PAUSED),
        ({"status": None}, Status.PAUSED),
        ({"status": "Closed"}, Status.DELISTED),
    ],
)
def test_trap_what_does_not_trade_says_so(answer, contract, changed, status):
    (found,) = read_listing(answer([contract(**changed)])).instruments
    assert found.status is status


def test_trap_a_perpetual_with_a_delivery_time_is_being_delisted(answer, contract):
    (found,) = read_listing(answer([contract(deliveryTime="1760342400000")])).instruments
    assert found.delist_ms == 1760342400000


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"contractType": "LinearFutures"}, Dropped.NOT_LINEAR),
        ({"contractType": "InversePerpetual"}, Dropped.NOT_LINEAR),
        ({"quoteCoin": "USD"}, Dropped.NOT_LINEAR),
        ({"symbolType": "stock"}, Dropped.NOT_LINEAR),
        ({"symbolType": "commodity"}, Dropped.NOT_LINEAR),
        ({"symbolType": "forex"}, Dropped.NOT_LINEAR),
        ({"symbolType": "new", "marketRegion": "US"}, Dropped.NOT_LINEAR),
        ({"symbol": ""}, Dropped.MALFORMED),
        ({"baseCoin": None}, Dropped.MALFORMED),
        ({"priceFilter": None}, Dropped.MALFORMED),
        ({"priceFilter": {"tickSize": "0"}}, Dropped.IMPOSSIBLE),
        ({"lotSizeFilter": {}}, Dropped.MALFORMED),
    ],
)
def test_trap_not_everything_in_linear_is_ours(answer, contract, changed, reason):
    page = read_listing(answer([contract(**changed), contract(symbolType="innovation")]))
    assert [each.native for each in page.instruments] == ["BTCUSDT"]
    assert page.dropped == {reason: 1}


def test_a_listing_of_another_shape_is_counted(answer):
    for decoded in (None, {}, answer(), answer([], code=10016)):
        assert read_listing(decoded).dropped == {Dropped.MALFORMED: 1}
        assert read_tier_page(decoded).dropped == {Dropped.MALFORMED: 1}
    assert read_listing(answer([3])).dropped == {Dropped.MALFORMED: 1}
    assert read_tier_page(answer([3, {}])).dropped == {Dropped.MALFORMED: 1}


# margin tiers


def tier(cap, maintenance, initial, leverage, **more):
    return {
        "id": 1,
        "symbol": "BTCUSDT",
        "riskLimitValue": cap,
        "maintenanceMargin": maintenance,
        "initialMargin": initial,
        "isLowestRisk": 1,
        "maxLeverage": leverage,
        "mmDeduction": "",
    } | more


FRACTIONS = [
    tier("2000000", "0.005", "0.01", "100.00"),
    tier("4000000", "0.01", "0.02", "50", mmDeduction="10000"),
]
PERCENT = [tier("4000000", "1", "2", "50", mmDeduction="10000"), tier("2000000", "0.5", "1", "100.00")]


@pytest.mark.parametrize("rows", [FRACTIONS, PERCENT])
def test_trap_maintenance_is_a_fraction_or_in_percent(known, rows):
    tables, dropped = tier_tables(rows, known, "2026-11-20", "api")
    first, second = tables["BTCUSDT"].tiers
    assert (first.floor, first.cap, first.rate, first.max_leverage, first.amount) == (0, 2e6, 0.005, 100, 0)
    assert (second.floor, second.cap, second.rate, second.amount) == (2e6, 4e6, 0.01, 10_000)
    assert dropped == {}


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (tier("4000000", "0.01", "0.2", "50"), Dropped.CONTRADICTORY),  # neither unit
        (tier("4000000", "0.001", "0.02", "50"), Dropped.CONTRADICTORY),  # easier than the one below
        (tier("2000000", "0.01", "0.02", "50"), Dropped.CONTRADICTORY),  # the same cap twice
        (tier("4000000", "", "0.02", "50"), Dropped.MALFORMED),
        (tier("0", "0.01", "0.02", "50"), Dropped.IMPOSSIBLE),
        (tier("4000000", "0.01", "0.02", "50", mmDeduction="-1"), Dropped.IMPOSSIBLE),
    ],
)
def test_a_table_with_an_odd_row_is_left_out_whole(known, bad, reason):
    other = [one | {"symbol": "LTCUSDT"} for one in FRACTIONS]
    gone = [one | {"symbol": "GONEUSDT"} for one in FRACTIONS]
    tables, dropped = tier_tables([FRACTIONS[0], bad, *other, *gone], known, "2026-11-20", "api")
    assert set(tables) == {"LTCUSDT"}
    assert dropped == {reason: 1, Dropped.NO_INSTRUMENT: 1}


def test_tiers_of_a_symbol_may_be_on_two_pages(answer, known):
    pages = [read_tier_page(answer([one], nextPageCursor="n%3D1")) for one in FRACTIONS]
    assert [page.cursor for page in pages] == ["n=1", "n=1"]
    tables, _ = tier_tables([one for page in pages for one in page.rows], known, "2026-11-20", "api")
    assert len(tables["BTCUSDT"].tiers) == 2


def test_trap_cursors_come_encoded_and_go_out_encoded_once(answer):
    page = read_listing(answer([], nextPageCursor="lastid%3D0%26lasttime%3D1696258800"))
    assert page.cursor == "lastid=0&lasttime=1696258800"
    assert read_listing(answer([], nextPageCursor="")).cursor == ""
    assert read_listing(answer([], nextPageCursor=None)).cursor == ""
