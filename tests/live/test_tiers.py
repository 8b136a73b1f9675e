"""Margin tiers are renewed in the background: kept over a restart, refused with a reason, never lost."""

import math
from dataclasses import replace

import pytest

from adapters.instruments import Instrument
from adapters.rest.calls import Call, CallFailed
from adapters.rest.verdicts import again
from adapters.tiers import ReadTiers
from bot.live.tiers import AGAIN_MS, EVERY_MS, TierKeeper
from config.tiers import TierBook
from engine.margin.tiers import TierTable, TierUnit, make_tiers
from storage.market import MarketStore
from storage.tiers import TierStore

BTC = Instrument(venue="bybit", native="BTCUSDT", symbol="BTCUSDT", base="BTC", quote="USDT")
ETH = replace(BTC, native="ETHUSDT", symbol="ETHUSDT", base="ETH")
NEW = TierTable(
    venue="bybit",
    symbol="BTCUSDT",
    as_of="2026-11-20",
    source="Bybit risk limits, read from the venue",
    tiers=make_tiers([(2e6, 0.005, 100.0), (4e6, 0.01, 50.0)]),
)


class Venue:
    """A venue that is open, and what it says of tiers."""

    def __init__(self, *tables):
        self.tables = tables
        self.known = {"BTCUSDT": BTC}
        self.asked = []
        self.down = False

    def lines(self):
        yield "bybit", None, self.known
        yield "mars", None, {"BTCUSDT": BTC}

    async def read(self, rest, known):
        self.asked.append([each.symbol for each in known])
        if self.down:
            raise CallFailed("bybit", Call(path="/"), again("has trouble"))
        return ReadTiers(tables=tuple(self.tables))


@pytest.fixture
async def store(tmp_path):
    opened = await MarketStore.open(tmp_path / "market.duckdb")
    yield TierStore(opened)
    await opened.close()


def keeper(store, venue, wall, book=None):
    return TierKeeper(book or TierBook(), store, venue, {"bybit": venue.read}, lambda: wall[0])


async def test_what_a_venue_says_wins_over_what_ships_and_is_kept(store):
    book, venue, wall = TierBook(), Venue(NEW), [1_000_000_000_000]
    shipped = book.table("bybit", "BTCUSDT")
    await keeper(store, venue, wall, book).refresh()
    assert book.table("bybit", "BTCUSDT") == NEW
    assert book.filed("bybit", "BTCUSDT") == shipped != NEW
    assert book.table("binance", "BTCUSDT").venue == "binance"
    later = TierBook()
    again_ = keeper(store, venue, wall, later)
    await again_.load()
    assert later.table("bybit", "BTCUSDT") == NEW
    await again_.refresh()
    assert venue.asked == [["BTCUSDT"]], "what was read today is not asked for again after a restart"


async def test_it_is_read_once_a_day_and_at_once_where_a_symbol_is_new(store):
    venue, wall = Venue(NEW), [1_000_000_000_000]
    mine = keeper(store, venue, wall)
    await mine.refresh()
    await mine.refresh()
    assert len(venue.asked) == 1
    venue.known["ETHUSDT"] = ETH
    venue.tables = (replace(NEW, symbol="ETHUSDT"),)
    await mine.refresh()
    assert venue.asked[1:] == [["ETHUSDT"]]
    wall[0] += EVERY_MS
    await mine.refresh()
    assert venue.asked[2:] == [["BTCUSDT", "ETHUSDT"]]


async def test_a_refused_table_changes_nothing_and_says_why(store):
    percent = replace(NEW, tiers=make_tiers([(2e6, 0.5, 100.0)]))
    book, venue, wall = TierBook(), Venue(percent), [1_000_000_000_000]
    shipped = book.table("bybit", "BTCUSDT")
    mine = keeper(store, venue, wall, book)
    await mine.refresh()
    assert book.table("bybit", "BTCUSDT") == shipped
    assert await store.newest() == []
    assert "liquidated at once" in mine.refused["bybit", "BTCUSDT"]
    venue.tables = (NEW,)
    await mine.refresh()
    assert len(venue.asked) == 1, "not at once"
    wall[0] += AGAIN_MS
    await mine.refresh()
    assert book.table("bybit", "BTCUSDT") == NEW
    assert mine.refused == {}


async def test_a_venue_that_is_down_keeps_the_tables_that_were_there(store):
    book, venue, wall = TierBook(), Venue(NEW), [1_000_000_000_000]
    mine = keeper(store, venue, wall, book)
    await mine.refresh()
    venue.down = True
    wall[0] += EVERY_MS
    await mine.refresh()
    assert book.table("bybit", "BTCUSDT") == NEW
    assert len(venue.asked) == 2


async def test_what_nobody_asked_for_is_not_taken(store):
    book, venue, wall = TierBook(), Venue(replace(NEW, symbol="DOGEUSDT")), [1_000_000_000_000]
    await keeper(store, venue, wall, book).refresh()
    assert book.table("bybit", "DOGEUSDT") is None


async def test_newer_shipped_tables_win_over_old_kept_ones(store):
    await store.add([replace(NEW, as_of="2026-09-30")], 1_000_000_000_000)
    book = TierBook()
    await keeper(store, Venue(), [1_000_000_000_000], book).load()
    assert book.table("bybit", "BTCUSDT").as_of.startswith("2026-10-01")


async def test_tables_come_out_of_the_store_as_they_went_in(store):
    endless = replace(
        NEW, venue="hyperliquid", tiers=make_tiers([(150e6, 0.0125, 40.0), (math.inf, 0.025, 20.0)])
    )
    coins = replace(NEW, venue="okx", unit=TierUnit.COINS)
    await store.add([NEW], 1)
    await store.add([replace(NEW, as_of="2026-11-21"), endless, coins], 2)
    assert await store.newest() == [(2, replace(NEW, as_of="2026-11-21")), (2, endless), (2, coins)]
