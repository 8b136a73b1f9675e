"""Each venue's own worked examples, to a cent, and what a position is refused for.

Binance: https://www.binance.com/en/support/faq/b3c689c1f50a44cabb3a84e663b81d93 (tiers of 2021).
Bybit: help centre, "Liquidation Price Calculation under Isolated Mode (Unified Trading Account)", 2026-05-27,
and "Maintenance Margin (USDT Contract)". OKX and Hyperliquid publish formulas without worked examples: their
figures here are worked out from those formulas.
"""

import math
from dataclasses import replace

import pytest

from engine.errors import LeverageError, MarginError
from engine.margin.bybit import BYBIT, fee_to_close
from engine.margin.cross import Wallet, book_of, cross, hedged
from engine.margin.hyperliquid import HYPERLIQUID, tiers_of
from engine.margin.isolated import backed_by, isolated
from engine.margin.model import Leg, Mode
from engine.margin.okx import OKX, OKX_SLICED
from engine.margin.solve import maintenance_of
from engine.margin.tiers import Tier, TierTable, TierUnit, make_tiers
from engine.margin.venues import RULES, rules_of
from engine.model import Side

BINANCE = RULES["binance"]
LONG, SHORT = Side.LONG, Side.SHORT
CENT = 0.005
BTC_2021 = make_tiers(
    [(50e3, 0.004, 125), (250e3, 0.005, 100), (1e6, 0.01, 50), (10e6, 0.025, 20), (20e6, 0.05, 10)]
)


def table(*tiers: Tier, unit: TierUnit = TierUnit.VALUE) -> TierTable:
    return TierTable(venue="v", symbol="BTCUSDT", as_of="2021", source="test", tiers=tiers, unit=unit)


def one(rate: float, amount: float = 0.0, *, unit: TierUnit = TierUnit.VALUE) -> TierTable:
    """A table with a single tier."""
    return table(Tier(floor=0, cap=math.inf, rate=rate, max_leverage=150, amount=amount), unit=unit)


def leg(side: Side, quantity: float, entry: float) -> Leg:
    return Leg(side=side, quantity=quantity, entry=entry)


ETH = leg(LONG, 3683.979, 1456.84)
BTC = leg(LONG, 109.488, 32481.98)


class TestBinance:
    @pytest.mark.parametrize(
        ("position", "tier", "price"),
        [(ETH, one(0.10, 135_365), 1114.78), (BTC, one(0.025, 16_300), 18778.73)],
    )
    def test_published_isolated(self, position, tier, price):
        found = backed_by(BINANCE, tier, position, margin=1_535_443.01)
        assert found.price == pytest.approx(price, abs=CENT)
        assert found.mode is Mode.ISOLATED

    @pytest.mark.parametrize(
        ("position", "tier", "pnl", "maintenance", "price"),
        [
            (ETH, one(0.10, 135_365), -56_354.57, 71_200.81144, 1153.26),
            (BTC, one(0.025, 16_300), -448_192.885, 356_512.508, 26316.89),
        ],
    )
    def test_published_cross(self, position, tier, pnl, maintenance, price):
        wallet = Wallet(1_535_443.01, other_pnl=pnl, other_maintenance=maintenance)
        found = cross(BINANCE, tier, position, wallet=wallet)
        assert found.price == pytest.approx(price, abs=CENT)
        assert found.mode is Mode.CROSS

    def test_published_isolated_btc_finds_its_tier_by_itself(self):
        found = backed_by(BINANCE, table(*BTC_2021), BTC, margin=1_535_443.01)
        assert found.price == pytest.approx(18778.73, abs=CENT)
        assert (found.tier.rate, found.tier.amount) == (0.025, pytest.approx(16_300))

    def test_published_tier_arithmetic(self):
        tiers = table(*BTC_2021)
        assert tiers.tier_at(264_000).rate == 0.01
        assert tiers.tier_at(500_000).amount == pytest.approx(1_300)
        assert [t.amount for t in BTC_2021] == pytest.approx([0, 50, 1_300, 16_300, 266_300])

    @pytest.mark.parametrize(
        ("side", "entry", "quantity", "leverage", "price"),
        [
            (SHORT, 10, 1, 5, 11.89108910891),
            (SHORT, 10, 1, 3, 13.211221122),
            (SHORT, 8, 1, 5, 9.514851485),
            (LONG, 10, 1, 5, 8.0707070707),
            (LONG, 8, 1, 5, 6.454545454),
            (LONG, 10, 1, 3, 6.723905724),
            (LONG, 10, 0.6, 5, 8.063973064),
        ],
    )
    def test_small_positions(self, side, entry, quantity, leverage, price):
        found = isolated(BINANCE, one(0.01, 0.01), leg(side, quantity, entry), leverage=leverage)
        assert found.price == pytest.approx(price, abs=1e-8)

    @pytest.mark.parametrize(("side", "price"), [(LONG, 45180.7229), (SHORT, 54780.8765)])
    def test_first_tier(self, side, price):
        found = isolated(BINANCE, one(0.004), leg(side, 1, 50_000), leverage=10)
        assert found.price == pytest.approx(price, abs=1e-4)

    @pytest.mark.parametrize(("side", "price"), [(LONG, 28812.8205), (SHORT, 31129.2683)])
    def test_only_one_tier_fits_the_price_it_gives(self, side, price):
        found = isolated(BINANCE, table(*BTC_2021), leg(side, 40, 30_000), leverage=20)
        assert found.price == pytest.approx(price, abs=1e-4)
        assert found.tier.rate == 0.025

    def test_the_tier_at_the_liquidation_price_counts_not_that_at_entry(self):
        found = isolated(BINANCE, table(*BTC_2021), leg(LONG, 1.1, 50_000), leverage=10)
        assert (found.entry_tier.rate, found.tier.rate) == (0.005, 0.004)
        assert found.price == pytest.approx((5_500 - 55_000) / (1.1 * 0.004 - 1.1), abs=1e-9)

    def test_hedge_mode_is_one_price_for_both_legs(self):
        legs = (leg(LONG, 2, 50_000), leg(SHORT, 0.5, 48_000))
        bounds = hedged(BINANCE, table(*BTC_2021), legs, Wallet(10_000), price=49_000)
        rates, amounts = 2 * 0.005 + 0.5 * 0.004, 50  # both tiers at that price
        published = (10_000 + amounts - 2 * 50_000 + 0.5 * 48_000) / (rates - 2 + 0.5)
        assert bounds.below == pytest.approx(published, abs=1e-6)
        assert bounds.above is None

    def test_a_full_hedge_is_liquidated_by_its_maintenance_alone_as_price_rises(self):
        legs = (leg(LONG, 10, 50_000), leg(SHORT, 10, 50_000))
        account = Wallet(10_000)
        bounds = hedged(BINANCE, table(*BTC_2021), legs, account, price=50_000)
        book = book_of(BINANCE, table(*BTC_2021), legs, account)
        assert bounds.below is None
        assert book.surplus(bounds.above) == pytest.approx(0, abs=1e-6)

    def test_in_isolated_hedge_each_side_stands_alone(self):
        alone = isolated(BINANCE, table(*BTC_2021), leg(SHORT, 2, 50_000), leverage=10)
        assert alone.price == pytest.approx((1e4 + 50 + 1e5) / (2 * 0.005 + 2), abs=1e-9)


class TestBybit:
    def test_published_with_extra_margin(self):
        found = isolated(BYBIT, one(0.005), leg(LONG, 1, 40_000), leverage=50, added_margin=3_000)
        assert found.price == pytest.approx(36_380.25, abs=CENT)

    @pytest.mark.parametrize(
        ("side", "entry", "price"),
        [
            (LONG, 40_000, 39_396.985),
            (SHORT, 40_000, 40_597.015),
            (LONG, 20_000, 19_698.492),
            (SHORT, 20_000, 20_298.507),
        ],
    )
    def test_without_extra_margin(self, side, entry, price):
        found = isolated(BYBIT, one(0.005), leg(side, 1, entry), leverage=50)
        assert found.price == pytest.approx(price, abs=1e-3)

    @pytest.mark.parametrize(
        ("side", "leverage", "price"),
        [
            (LONG, 3, 6.7340067),
            (LONG, 5, 8.0808081),
            (LONG, 10, 9.0909091),
            (SHORT, 3, 13.2013201),
            (SHORT, 5, 11.8811881),
            (SHORT, 10, 10.8910891),
        ],
    )
    def test_small_positions(self, side, leverage, price):
        found = isolated(BYBIT, one(0.01), leg(side, 1, 10), leverage=leverage)
        assert found.price == pytest.approx(price, abs=1e-7)

    def test_extra_margin_of_a_short_counts_a_little_less_than_of_a_long(self):
        found = isolated(BYBIT, one(0.005), leg(SHORT, 1, 40_000), leverage=50, added_margin=3_000)
        assert found.price == pytest.approx((40_800 + 3_000 / 1.00055) / 1.005, abs=1e-9)

    def test_published_maintenance_with_the_fee_to_close(self):
        position = leg(LONG, 1, 40_000)
        assert fee_to_close(position, 50) == pytest.approx(21.56, abs=1e-9)
        book = book_of(BYBIT, one(0.005), (position,), Wallet(5_000), leverage=50)
        assert book.maintenance(40_000) == pytest.approx(221.56, abs=1e-9)

    @pytest.mark.parametrize(("entry", "price"), [(60_000, 58_800), (10_000, 9_800)])
    def test_published_bankruptcy_price(self, entry, price):
        found = isolated(BYBIT, one(0.005), leg(LONG, 1, entry), leverage=50)
        assert found.bankruptcy == pytest.approx(price)

    def test_the_wallet_pays_the_fee_to_close_in_cross(self):
        found = cross(BYBIT, one(0.005), leg(LONG, 1, 40_000), wallet=Wallet(5_000), leverage=50)
        assert found.price == pytest.approx((40_000 - 5_000 + 21.56) / 0.995, abs=1e-9)


class TestOkx:
    @pytest.mark.parametrize(
        ("side", "entry", "leverage", "price"),
        [
            (SHORT, 10, 3, 13.193482419684678),
            (LONG, 10, 3, 6.738090425173506),
            (SHORT, 10, 5, 11.87413417771621),
            (LONG, 10, 5, 8.085708510208207),
            (SHORT, 8, 5, 9.499307342172967),
        ],
    )
    def test_small_positions(self, side, entry, leverage, price):
        rules = replace(OKX, liquidation_fee=0.0006)
        found = isolated(rules, one(0.01, unit=TierUnit.COINS), leg(side, 1, entry), leverage=leverage)
        assert found.price == pytest.approx(price, abs=1e-9)

    @pytest.mark.parametrize(("side", "price"), [(LONG, 54_244.0984), (SHORT, 65_704.3305)])
    def test_a_hundred_contracts_of_a_hundredth(self, side, price):
        found = isolated(OKX, one(0.004, unit=TierUnit.COINS), leg(side, 100 * 0.01, 60_000), leverage=10)
        assert found.price == pytest.approx(price, abs=1e-4)

    def test_the_tier_goes_by_coins_and_counts_for_the_whole_position(self):
        tiers = table(*make_tiers([(10, 0.004, 100), (50, 0.005, 66)]), unit=TierUnit.COINS)
        found = isolated(OKX, tiers, leg(LONG, 20, 60_000), leverage=10)
        assert found.tier is found.entry_tier is tiers.tiers[1]
        assert found.price == pytest.approx((60_000 - 6_000) / (1 - 0.0055), abs=1e-9)

    def test_the_other_reading_charges_each_slice_at_its_own_rate(self):
        tiers = table(*make_tiers([(10, 0.004, 100), (50, 0.005, 66)]), unit=TierUnit.COINS)
        position = leg(LONG, 20, 60_000)
        found = isolated(OKX_SLICED, tiers, position, leverage=10)
        slices = 60_000 * (10 * 0.004 + 10 * 0.005) + 20 * 60_000 * 0.0005
        assert maintenance_of(OKX_SLICED, tiers, 20, 60_000) == pytest.approx(slices)
        assert found.price < isolated(OKX, tiers, position, leverage=10).price


class TestHyperliquid:
    BTC = table(*tiers_of([(150e6, 40), (math.inf, 20)]))

    @pytest.mark.parametrize(("side", "price"), [(LONG, 91_139.2405), (SHORT, 108_641.9753)])
    def test_first_tier(self, side, price):
        found = isolated(HYPERLIQUID, self.BTC, leg(side, 1, 100_000), leverage=10)
        assert found.price == pytest.approx(price, abs=1e-4)

    def test_a_single_tier(self):
        doge = table(*tiers_of([(math.inf, 10)]))
        found = isolated(HYPERLIQUID, doge, leg(LONG, 100_000, 0.20), leverage=5)
        assert found.price == pytest.approx(0.168421, abs=1e-6)

    def test_second_tier(self):
        position = leg(LONG, 2_000, 100_000)
        found = isolated(HYPERLIQUID, self.BTC, position, leverage=10)
        assert found.price == pytest.approx(91_346.1538, abs=1e-4)
        assert (found.tier.rate, found.tier.amount) == (0.025, 1_875_000)
        assert maintenance_of(HYPERLIQUID, self.BTC, 2_000, 100_000) == 3_125_000

    def test_cross_does_not_depend_on_leverage(self):
        position = leg(LONG, 1, 100_000)
        for leverage in (5, 40):
            found = cross(HYPERLIQUID, self.BTC, position, wallet=Wallet(30_000), leverage=leverage)
            assert found.price == pytest.approx((30_000 - 100_000) / (0.0125 - 1))

    def test_there_is_no_hedge_mode(self):
        legs = (leg(LONG, 1, 100_000), leg(SHORT, 1, 100_000))
        with pytest.raises(MarginError, match="no hedge mode"):
            hedged(HYPERLIQUID, self.BTC, legs, Wallet(30_000), price=100_000)


class TestRefusals:
    def test_a_leverage_that_no_tier_allows(self):
        with pytest.raises(LeverageError, match="1 to 125") as caught:
            isolated(BINANCE, table(*BTC_2021), leg(LONG, 0.1, 30_000), leverage=126)
        assert (caught.value.highest, caught.value.any_size) == (125, 125)

    def test_a_leverage_that_only_a_smaller_position_may_have(self):
        with pytest.raises(LeverageError) as caught:
            isolated(BINANCE, table(*BTC_2021), leg(LONG, 40, 30_000), leverage=50)
        assert (caught.value.leverage, caught.value.highest, caught.value.any_size) == (50, 20, 125)

    @pytest.mark.parametrize("leverage", [0.99, 0.0, -1.0, math.nan])
    def test_no_leverage_at_all(self, leverage):
        with pytest.raises(LeverageError):
            isolated(BINANCE, table(*BTC_2021), leg(LONG, 1, 30_000), leverage=leverage)

    def test_a_position_beyond_the_last_tier(self):
        with pytest.raises(MarginError, match="positions end at 20,000,000"):
            isolated(BINANCE, table(*BTC_2021), leg(LONG, 1_000, 30_000), leverage=1)

    @pytest.mark.parametrize(("quantity", "entry"), [(0, 1), (1, 0), (-1, 1), (1, math.inf), (math.nan, 1)])
    def test_a_position_that_is_none(self, quantity, entry):
        with pytest.raises(MarginError, match="above 0"):
            leg(LONG, quantity, entry)

    def test_margin_below_maintenance(self):
        with pytest.raises(MarginError, match="does not cover"):
            cross(BINANCE, table(*BTC_2021), leg(LONG, 1, 30_000), wallet=Wallet(100))
        with pytest.raises(MarginError, match="already"):
            hedged(BINANCE, table(*BTC_2021), (leg(LONG, 1, 30_000),), Wallet(100), price=30_000)

    def test_an_unknown_venue(self):
        assert rules_of("okx") is OKX
        with pytest.raises(MarginError, match="mtgox"):
            rules_of("mtgox")

    @pytest.mark.parametrize(
        ("rows", "problem"),
        [
            ([], "there are none"),
            ([(0, 0.01, 10)], "not above its floor"),
            ([(10, 0.01, 10), (5, 0.02, 5)], "not above its floor"),
            ([(10, 0, 10)], "impossible"),
            ([(10, 1, 10)], "impossible"),
            ([(10, 0.01, 0.5)], "impossible"),
            ([(10, 0.02, 10), (20, 0.01, 10)], "easier"),
            ([(10, 0.01, 10), (20, 0.02, 20)], "easier"),
        ],
    )
    def test_tables_that_are_none(self, rows, problem):
        with pytest.raises(MarginError, match=problem):
            table(*make_tiers(rows))

    def test_tables_with_holes(self):
        low, high = BTC_2021[0], BTC_2021[2]
        with pytest.raises(MarginError, match="gap"):
            table(low, high)
        with pytest.raises(MarginError, match="begin at 0"):
            table(high)


def test_a_long_that_owns_all_of_it_is_never_liquidated():
    found = isolated(BINANCE, table(*BTC_2021), leg(LONG, 1, 30_000), leverage=1)
    assert found.price is None
    assert found.distance is None
    assert found.tier is found.entry_tier
    assert found.maintenance == 0


def test_an_overfunded_short_is_liquidated_far_above_and_beyond_the_last_tier():
    tiers = table(*BTC_2021)
    found = cross(BINANCE, tiers, leg(SHORT, 100, 30_000), wallet=Wallet(90e6))
    assert found.price * 100 > tiers.largest
    assert found.tier is tiers.tiers[-1]
    assert found.distance == pytest.approx(found.price / 30_000 - 1)
