"""Margin tiers: the shipped files, the format, and what a bad file is told."""

import gzip
import math
import re

import pytest

from config import build_tiers
from config.tiers import SHIPPED, TierBook, fraction_rate, parse_tiers
from engine.errors import ConfigError, MarginError
from engine.margin.tiers import TierUnit
from engine.margin.venues import RULES

HEAD = ["venue: v", "as of: 2026-01", "source: s", "unit: value"]
BRACKETS = """market,bracket,notional_floor,notional_cap,maint_margin_ratio,max_leverage,cum
BTC/USDT:USDT,2,1000,5000,0.02,10,10
BTC/USDT:USDT,1,0,1000,0.01,20,0
ETH/USDT:USDT-261225,1,0,1000,0.01,20,0
ETH/USDT:USDT-261225,2,1000,5000,0.02,10,10
ETH/BTC:BTC,1,0,5,0.005,100,0
"""


class TestShipped:
    def test_every_venue_has_a_dated_file_with_btc(self):
        book = TierBook()
        assert set(book.venues) == set(RULES)
        for name in book.venues:
            venue, table = book.venue(name), book.table(name, "BTCUSDT")
            assert table.venue == venue.venue == name
            assert re.match(r"20\d\d-\d\d", table.as_of)
            assert venue.source
            assert name + ".tiers" in (SHIPPED / "PROVENANCE.md").read_text(encoding="utf-8")

    def test_binance_has_every_market_with_its_published_amounts(self):
        venue = TierBook().venue("binance")
        assert len(venue.tables) == 906
        btc = venue.tables["BTCUSDT"]
        assert [(t.cap, t.rate, t.max_leverage, round(t.amount, 6)) for t in btc.tiers[:4]] == [
            (300_000, 0.004, 150, 0),
            (800_000, 0.005, 100, 300),
            (3_000_000, 0.0065, 75, 1_500),
            (12_000_000, 0.01, 50, 12_000),
        ]
        assert btc.tiers[-1].amount == pytest.approx(421_482_000)
        assert {"ETHUSDT", "ETHBTC", "BTCUSDC", "BTCUSDT_261225"} <= set(venue.tables)

    def test_bundles_go_by_their_coin_and_two_coins_stay_two(self):
        tables = TierBook().venue("binance").tables
        assert {"PEPEUSDT", "SHIBUSDT", "BABYDOGEUSDT", "XUSDT"} <= set(tables)
        assert not [s for s in tables if s.startswith("1") and s not in ("1INCHUSDT", "1000000BOBUSDT")]
        assert tables["BOBUSDT"].tiers != tables["1000000BOBUSDT"].tiers
        assert tables["CATUSDT"].tiers[0].max_leverage == 20, "the coin's, not the stock's"
        assert {"PEPEUSDT", "SHIBUSDT"} <= set(TierBook().venue("hyperliquid").tables)

    def test_bybit_amounts_are_those_it_published(self):
        tiers = TierBook().table("bybit", "BTCUSDT").tiers
        assert [round(t.amount, 6) for t in tiers[:3]] == [0, 510, 1_710]
        assert [t.max_leverage for t in tiers[:3]] == [150, 100, 90]
        later = [(3_200_000, 3_020), (5_000_000, 8_460), (10_000_000, 46_000), (80_000_000, 1_482_000)]
        assert [(t.cap, round(t.amount - 510, 6)) for t in tiers if t.cap in dict(later)] == later

    def test_okx_tiers_go_by_coins_in_even_steps(self):
        tables = TierBook().venue("okx").tables
        btc, eth = tables["BTCUSDT"], tables["ETHUSDT"]
        assert btc.unit is eth.unit is TierUnit.COINS
        assert [(t.cap, t.rate, t.max_leverage) for t in btc.tiers[:3]] == [
            (10, 0.004, 100),
            (50, 0.005, 66.66),
            (200, 0.0075, 50),
        ]
        seen = {46: (8_800, 0.2225, 4.25), 85: (16_600, 0.4175, 2.32), 99: (19_400, 0.4875, 2)}
        for number, expected in seen.items():
            tier = btc.tiers[number - 1]
            assert (tier.cap, tier.rate, tier.max_leverage) == expected
        last = eth.tiers[-1]
        assert (len(eth.tiers), last.cap, last.rate, last.max_leverage) == (41, 97_500, 0.1975, 4.76)

    def test_hyperliquid_needs_half_the_initial_margin(self):
        tables = TierBook().venue("hyperliquid").tables
        for table in tables.values():
            assert all(t.rate == 1 / (2 * t.max_leverage) for t in table.tiers)
            assert math.isinf(table.largest)
        assert [(t.cap, t.max_leverage) for t in tables["ETHUSDT"].tiers] == [(100e6, 25), (math.inf, 15)]
        assert tables["BTCUSDT"].as_of == "2026-09-27"

    def test_no_leverage_that_is_allowed_is_liquidated_at_once(self):
        book = TierBook()
        for name in book.venues:
            for table in book.venue(name).tables.values():
                fee = RULES[name].liquidation_fee
                assert all(t.rate + fee < 1 / t.max_leverage or t.max_leverage <= 1 for t in table.tiers)

    def test_a_market_that_is_not_there(self):
        assert TierBook().table("bybit", "DOGEUSDT") is None
        with pytest.raises(MarginError, match="no margin tiers of mtgox"):
            TierBook().table("mtgox", "BTCUSDT")


class TestFormat:
    def test_a_line_for_several_markets_with_a_day_of_its_own(self):
        lines = [*HEAD, "# all of it", "", "A B | 10:0.01:20 20:0.02:10", "@2026-02-03 C | inf::5 # flat"]
        found = parse_tiers(lines)
        assert set(found.tables) == {"A", "B", "C"}
        assert found.tables["A"].tiers == found.tables["B"].tiers
        assert found.tables["A"].as_of == found.as_of == "2026-01"
        assert found.tables["C"].as_of == "2026-02-03"
        assert found.tables["C"].tiers[0].rate == 0.1
        assert found.tables["A"].tiers[1].amount == pytest.approx(0.1)

    @pytest.mark.parametrize(
        "line",
        [
            "A | 10:0.01",
            "A | ten:0.01:5",
            "A | 10:0.01:20 5:0.02:10",
            "A | 10:nan:20",
            "A |",
            "A | 10::0",
        ],
    )
    def test_a_bad_line_is_named(self, line):
        with pytest.raises(ConfigError, match=r"mine\.tiers, line 5: "):
            parse_tiers([*HEAD, line], name="mine.tiers")

    def test_a_unit_that_is_none_and_tiers_before_the_head(self):
        with pytest.raises(ConfigError, match="line 5"):
            parse_tiers([*HEAD[:3], "unit: bananas", "A | 10:0.01:20"])
        with pytest.raises(ConfigError, match="line 1"):
            parse_tiers(["A | 10:0.01:20"])

    def test_a_head_that_lacks_something(self):
        with pytest.raises(ConfigError, match="does not say its as of and source"):
            parse_tiers(["venue: v", "unit: value"])

    def test_a_directory_of_ones_own(self, tmp_path):
        (tmp_path / "mine.tiers").write_text("\n".join([*HEAD, "A | 10:0.01:20"]), encoding="utf-8")
        book = TierBook(tmp_path)
        assert book.venues == ("mine",)
        assert book.table("mine", "A").largest == 10
        assert book.venue("mine") is book.venue("mine")


class TestBuild:
    def test_brackets_become_a_table_that_reads_back(self, tmp_path):
        source, out = tmp_path / "brackets_2026-09.csv", tmp_path / "binance.tiers"
        source.write_text(BRACKETS, encoding="utf-8")
        build_tiers.main([str(source), str(out)])
        found = TierBook(tmp_path).venue("binance")
        assert found.as_of == "2026-09"
        assert set(found.tables) == {"BTCUSDT", "ETHUSDT_261225", "ETHBTC"}
        assert "BTCUSDT ETHUSDT_261225 | 1000:0.01:20 5000:0.02:10" in out.read_text(encoding="utf-8")
        assert found.tables["BTCUSDT"].tiers[1].amount == 10

    def test_gzipped_and_without_a_date(self, tmp_path):
        source, out = tmp_path / "brackets.csv.gz", tmp_path / "binance.tiers"
        source.write_bytes(gzip.compress(BRACKETS.encode()))
        build_tiers.main([str(source), str(out)])
        assert TierBook(tmp_path).venue("binance").as_of == "unknown"

    @pytest.mark.parametrize(("was", "now"), [("0.02,10,10\n", "0.02,10,11\n"), ("2,1000,", "2,1001,")])
    def test_brackets_that_do_not_fit_stop_it(self, was, now):
        with pytest.raises(MarginError, match="BTCUSDT: the bracket from"):
            build_tiers.read_brackets(BRACKETS.replace(was, now, 1).splitlines())

    def test_it_makes_the_shipped_file_from_the_recorded_brackets(self, samples, tmp_path):
        out = tmp_path / "binance.tiers"
        source = samples / "margin_tiers" / "binance_usdm_brackets_2026-09.csv.gz"
        build_tiers.main([str(source), str(out)])
        assert out.read_bytes() == (SHIPPED / "binance.tiers").read_bytes()


@pytest.mark.parametrize(
    ("rate", "initial", "leverage", "fraction"),
    [
        (0.005, 0.01, 100, 0.005),
        (0.5, 1, 100, 0.005),
        (0.0033, 0.0066, 150, 0.0033),
        (0.56, 1.11, 90, 0.0056),
    ],
)
def test_rates_in_percent_and_in_fractions(rate, initial, leverage, fraction):
    assert fraction_rate(rate, initial, leverage) == pytest.approx(fraction)


def test_rates_that_are_neither():
    with pytest.raises(MarginError, match="does not go with a leverage of 100"):
        fraction_rate(0.005, 0.1, 100)
