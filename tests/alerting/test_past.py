"""A number that is new is right from its first moment: its past comes from a real market store."""

from dataclasses import dataclass

import numpy as np
import pytest

from adapters.venue import Feed
from bot.alerting.rules.past import StoredPast
from engine.features.market import MarketFeatures
from engine.model import (
    STEP_MS,
    Candle,
    Candles,
    Funding,
    Liquidation,
    LongShortRatio,
    PriceKind,
    Side,
)
from engine.rules.conditions.zone_swept import FollowUp
from engine.rules.feature import Feature, Metric
from storage.market import MarketStore
from storage.venues import VenueStore

BTC, HOUR_MS, DAY_MS = "BTCUSDT", 3_600_000, 86_400_000
T0 = 1_760_126_400_000


@dataclass
class Market:
    now: int = T0
    feeds: frozenset = frozenset(Feed)

    def now_ms(self):
        return self.now

    def venues_of(self, symbol):
        return ("binance", "okx")


def candle(venue, number, close, held):
    prices = dict.fromkeys(("open", "high", "low", "close"), close)
    ts = T0 - (300 - number) * STEP_MS
    return Candle(venue=venue, symbol=BTC, ts=ts, volume=10.0, open_interest=held, **prices)


def forced(ts, usd, side=Side.LONG, venue="bybit"):
    return Liquidation(
        venue=venue,
        symbol=BTC,
        side=side,
        price=100.0,
        price_kind=PriceKind.FILL,
        quantity=usd / 100,
        notional_usd=usd,
        ts=ts,
        received_ms=ts,
    )


@pytest.fixture
async def past(tmp_path):
    """A day of two venues: the lead rises by a tenth of a percent a candle, open interest of both as well."""
    store = await MarketStore.open(tmp_path / "market.duckdb")
    for venue, price, held in (("binance", 100.0, 1_000.0), ("okx", 50.0, 3_000.0)):
        made = [candle(venue, n, price * 1.001**n, held * 1.001**n) for n in range(300)]
        await store.add_candles(BTC, venue, Candles.of(made))
    said = VenueStore(store)
    reports = [forced(T0 - n * HOUR_MS, 1e5) for n in range(1, 25)]
    await said.add_liquidations([*reports, forced(T0 - 60_000, 5e6), forced(T0 - 50_000, 2e6, Side.SHORT)])
    row = {"symbol": BTC, "funding_ts": T0, "interval_h": 8.0}
    await said.add_funding(
        [
            Funding(venue=venue, ts=T0 - HOUR_MS, rate=rate, **row)
            for venue, rate in (("binance", 0.0001), ("okx", 0.0003))
        ]
    )
    await said.add_ratios(
        [
            LongShortRatio(
                venue="binance", symbol=BTC, ts=T0 - HOUR_MS, step_ms=300_000, kind="accounts", ratio=2.0
            )
        ]
    )
    await store.flush()
    yield StoredPast(store, Market())
    await store.close()


def feature(metric, window_ms=0, venue=""):
    return Feature(symbol=BTC, metric=metric, venue=venue, window_ms=window_ms)


@pytest.mark.parametrize(
    ("asked", "value"),
    [
        (feature(Metric.PRICE_CHANGE, HOUR_MS), 1.001**12 - 1),
        (feature(Metric.PRICE_CHANGE, HOUR_MS, "okx"), 1.001**12 - 1),
        (feature(Metric.FALL, DAY_MS), 0.0),
        (feature(Metric.RISE, HOUR_MS), 1 - 1.001**-12),
        (feature(Metric.VOLUME_MULTIPLE, HOUR_MS), 1.0),
        (feature(Metric.OPEN_INTEREST_CHANGE, HOUR_MS), 1.001**12 - 1),
        (feature(Metric.LIQUIDATED_LONG_USD, 900_000), 5e6),
        (feature(Metric.LIQUIDATED_SHORT_USD, 900_000), 2e6),
        (feature(Metric.FUNDING_RATE), 0.0002),
        (feature(Metric.FUNDING_SPREAD), 0.0002),
        (feature(Metric.LONG_SHORT_RATIO), 2.0),
    ],
    ids=lambda given: given.metric.value if isinstance(given, Feature) else "",
)
async def test_each_number_is_known_at_once(past, asked, value):
    features = MarketFeatures(lambda _: "binance")
    features.now_ms = T0
    found = features.register(asked, await past.events(BTC, [asked]))
    assert abs(found) == pytest.approx(abs(value), rel=0.09, abs=1e-9)


async def test_nothing_of_the_future_and_no_more_than_is_needed_is_read(past):
    events = await past.events(BTC, [feature(Metric.PRICE_CHANGE, HOUR_MS)])
    assert {event.venue for event in events} == {"binance"}
    ages = T0 - np.array([event.ts for event in events])
    assert ages.min() > 0
    assert ages.max() < 2 * HOUR_MS
    assert list(ages) == sorted(ages, reverse=True)


async def test_what_a_sweep_came_to_is_the_sum_of_its_side_since_its_candle(past):
    sweep = FollowUp(symbol=BTC, side=Side.LONG, since_ms=T0 - 300_000, due_ms=T0, predicted_usd=4e6)
    assert await past.liquidated_usd(sweep) == 5e6
    past._market.feeds = frozenset({Feed.PRICES})
    assert await past.liquidated_usd(sweep) is None
