"""Every feature, live, against itself computed anew from all that came before."""

import itertools
import math
import statistics

import numpy as np
import pytest

from engine.features.market import MAKERS, MarketFeatures
from engine.features.past import points
from engine.features.windows import slice_ms, slices, tolerance_ms
from engine.model import (
    DAY_MS,
    STEP_MS,
    Candle,
    Funding,
    Liquidation,
    LongShortRatio,
    OpenInterest,
    PriceKind,
    Side,
    Tick,
)
from engine.rules.feature import Feature, Metric

M = Metric
HOUR = 3_600_000
START = 1_764_547_200_000


def feature(metric, window_ms=0, venue=""):
    return Feature(symbol="BTCUSDT", metric=metric, venue=venue, window_ms=window_ms)


def market(*features):
    made = MarketFeatures(lambda _: "binance")
    for each in features:
        made.register(each)
    return made


def tick(ts, price, venue="binance"):
    return Tick(venue=venue, symbol="BTCUSDT", ts=ts, price=price)


def liquidation(ts, usd, side=Side.LONG, venue="binance", nth=0):
    return Liquidation(
        venue=venue,
        symbol="BTCUSDT",
        side=side,
        price=100.0,
        price_kind=PriceKind.FILL,
        quantity=usd / 100.0,
        notional_usd=usd,
        ts=ts,
        received_ms=ts,
        nth=nth,
    )


def same(got, want):
    assert got == pytest.approx(want, rel=1e-9, abs=1e-12, nan_ok=True), (got, want)


def naive_price(metric, window, seen, now):
    """Return a feature of prices from all ticks in the order in which they came."""
    price = max(enumerate(seen), key=lambda e: (e[1][0], e[0]))[1][1]
    if metric is M.PRICE:
        return price
    cut, here = slice_ms(window), now // slice_ms(window)
    if metric is M.PRICE_CHANGE:
        last = {}
        for ts, value in seen:
            if ts // cut not in last or ts >= last[ts // cut][0]:
                last[ts // cut] = (ts, value)
        old = [kept for kept in last.values() if kept[0] <= now - window]
        known = old and max(old)[0] >= now - window - tolerance_ms(window)
        return price / max(old)[1] - 1 if known else math.nan
    if now - since(seen, window) < window:
        return math.nan
    inside = [v for ts, v in seen if here - slices(window) < ts // cut]
    before = [v for ts, v in seen if here - slices(window) <= ts // cut < here]
    if metric in (M.RISE, M.FALL):
        return price / min(inside) - 1 if metric is M.RISE else 1 - price / max(inside)
    if not before:
        return math.nan
    return price / max(before) - 1 if metric is M.RANGE_HIGH else 1 - price / min(before)


def since(seen, window):
    """Return when prices without a long break begin, late ones left aside."""
    newest, begin = -math.inf, -math.inf
    for ts, _ in seen:
        if ts - newest > window:
            begin = ts
        newest = max(newest, ts)
    return begin


@pytest.mark.parametrize("window", [60_000, 900_000, 4 * HOUR])
@pytest.mark.parametrize(
    "metric", [M.PRICE, M.PRICE_CHANGE, M.RISE, M.FALL, M.RANGE_HIGH, M.RANGE_LOW], ids=str
)
def test_prices_that_gap_repeat_and_come_late(metric, window):
    rng = np.random.default_rng(len(str(metric)) + window)
    watched = feature(metric, 0 if metric is M.PRICE else window)
    live, seen, now, price, known = market(watched), [], START, 100.0, 0
    for _ in range(500):
        now += int(rng.choice([0, 200, 5_000, window // 20, window // 3], p=[0.1, 0.3, 0.3, 0.28, 0.02]))
        price *= math.exp(rng.normal(0, 0.003))
        ts = now - int(rng.integers(0, window // 3)) if rng.random() < 0.1 and seen else now
        for _ in range(2 if rng.random() < 0.1 else 1):
            live.take(tick(ts, price))
            seen.append((ts, price))
        live.take(tick(now, 1.0, venue="okx"))
        live.advance(now)
        want = naive_price(metric, window, seen, now)
        same(live.value(watched), want)
        known += not math.isnan(want)
    assert known > 50


@pytest.mark.parametrize("metric", [M.PRICE_CHANGE, M.RISE, M.FALL, M.RANGE_HIGH, M.RANGE_LOW], ids=str)
def test_prices_of_the_recording(metric, recorded):
    window = 4 * HOUR
    watched = feature(metric, window)
    live, seen = market(watched), []
    for ts, price in zip(*(a.tolist() for a in points(recorded(2))), strict=True):
        live.take(tick(ts, price))
        seen.append((ts, price))
        if len(seen) % 13 == 0:
            same(live.value(watched), naive_price(metric, window, seen, ts))


def candle(ts, close, volume, coins=None, venue="binance", closed=True):
    return Candle(
        venue=venue,
        symbol="BTCUSDT",
        ts=ts,
        open=close,
        high=close,
        low=close,
        close=close,
        volume=volume,
        open_interest=coins,
        closed=closed,
    )


def rows(candles, rng=None):
    """Return candles as rows; with `rng` some are missing."""
    for at, ts in enumerate(candles.ts.tolist()):
        if rng is None or rng.random() > 0.05:
            coins = float(candles.open_interest[at])
            yield (
                ts,
                float(candles.close[at]),
                float(candles.volume[at]),
                None if math.isnan(coins) else coins,
            )


@pytest.mark.parametrize("gaps", [False, True])
def test_volatility_and_volume_of_the_recording(gaps, recorded):
    window = 4 * HOUR
    restless, traded = feature(M.VOLATILITY, window), feature(M.VOLUME_MULTIPLE, window)
    live, seen = market(restless, traded), []
    known = 0
    for ts, close, volume, _ in rows(recorded(3), np.random.default_rng(5) if gaps else None):
        live.take(candle(ts, close, volume))
        live.take(candle(ts, close * 2, volume * 9))  # the same again
        live.take(candle(ts - STEP_MS, close * 2, volume * 9))  # one too late
        live.take(candle(ts + STEP_MS, close * 2, volume * 9, closed=False))
        live.take(candle(ts, close * 2, volume * 9, venue="okx"))
        seen.append((ts, close, volume))
        returns = [
            math.log(b[1] / a[1])
            for a, b in itertools.pairwise(seen)
            if b[0] - a[0] == STEP_MS and b[0] > ts - window
        ]
        enough = len(returns) >= math.ceil(0.8 * 48)
        want = statistics.stdev(returns) * math.sqrt(365 * 288) if enough else math.nan
        same(live.value(restless), want)
        volumes = [v for t, _, v in seen[:-1] if t >= ts - window]
        enough = len(volumes) >= math.ceil(0.8 * 48)
        same(live.value(traded), volume / statistics.median(volumes) if enough else math.nan)
        known += enough
    assert known > 300
    live.advance(live.now_ms + 3 * STEP_MS - 1)
    assert not math.isnan(live.value(traded))
    moved = dict(live.advance(live.now_ms + 1))
    assert math.isnan(moved[restless])
    assert math.isnan(moved[traded])


def test_liquidations_that_repeat_come_late_and_go():
    rng = np.random.default_rng(3)
    window = 900_000
    metrics = (M.LIQUIDATED_USD, M.LIQUIDATED_LONG_USD, M.LIQUIDATED_SHORT_USD)
    sums = [feature(m, window) for m in metrics]
    most, times, okx = (
        feature(M.LARGEST_LIQUIDATION_USD, window),
        feature(M.LIQUIDATED_MULTIPLE, window),
        feature(M.LIQUIDATED_USD, window, "okx"),
    )
    live, seen, now, judged = market(*sums, most, times, okx), [], START, 0
    cut = slice_ms(window)
    assert math.isnan(live.value(sums[0]))
    for at in range(1500):
        now += int(rng.choice([1_000, 60_000, 1_200_000], p=[0.4, 0.55, 0.05]))
        side, venue = Side(rng.choice(["long", "short"])), str(rng.choice(["okx", "bybit"]))
        event = liquidation(
            now - int(rng.integers(0, 100_000)) * (at > 0), float(rng.integers(1, 10**6)), side, venue
        )
        live.take(event)
        live.take(event)
        seen.append(event)
        if rng.random() < 0.2:
            twin = liquidation(event.ts, event.notional_usd, side, venue, nth=1)
            live.take(twin)
            seen.append(twin)
        live.advance(now)
        inside = [e for e in seen if e.ts // cut > now // cut - slices(window)]
        for each, side_of in zip(sums, (None, Side.LONG, Side.SHORT), strict=True):
            same(live.value(each), sum(e.notional_usd for e in inside if side_of in (None, e.side)))
        same(live.value(most), max((e.notional_usd for e in inside), default=0.0))
        if any(e.venue == "okx" for e in seen):
            same(live.value(okx), sum(e.notional_usd for e in inside if e.venue == "okx"))
        wide = slice_ms(DAY_MS)
        day = sum(e.notional_usd for e in seen if e.ts // wide > now // wide - slices(DAY_MS))
        long_enough = now - min(e.ts for e in seen) >= DAY_MS
        want = sum(e.notional_usd for e in inside) / (day * window / DAY_MS) if long_enough else math.nan
        same(live.value(times), want)
        judged += long_enough
    assert judged > 100
    moved = dict(live.advance(now + window + cut))
    assert moved[sums[0]] == moved[most] == 0.0


def test_open_interest_of_the_recording_and_a_venue_that_joins(recorded):
    window = HOUR
    change = feature(M.OPEN_INTEREST_CHANGE, window)
    live, seen, joined = market(change), [], []
    for at, (ts, close, volume, coins) in enumerate(rows(recorded(1))):
        live.take(candle(ts, close, volume, coins))
        seen.append((ts, coins))
        if at > 100:
            report = OpenInterest(venue="okx", symbol="BTCUSDT", ts=ts, open_interest=50_000.0 + at)
            live.take(report)
            live.take(report)
            joined.append((ts, 50_000.0 + at))
        now = before = 0.0
        for series in (seen, joined):
            old = [c for t, c in series if t <= ts - window]
            if old:
                now, before = now + series[-1][1], before + old[-1]
        same(live.value(change), now / before - 1 if before else math.nan)
    assert math.isnan(dict(live.advance(live.now_ms + HOUR))[change])


def test_funding_of_venues_that_pay_at_different_hours():
    rate, spread, okx = (
        feature(M.FUNDING_RATE),
        feature(M.FUNDING_SPREAD),
        feature(M.FUNDING_RATE, venue="okx"),
    )
    live = market(rate, spread, okx)

    def said(venue, value, hours, ts=START):
        return live.take(
            Funding(venue=venue, symbol="BTCUSDT", ts=ts, rate=value, funding_ts=ts + HOUR, interval_h=hours)
        )

    said("hyperliquid", 0.0001, 1.0)
    same(live.value(rate), 0.0008)
    assert math.isnan(live.value(spread))
    said("okx", -0.0002, 4.0)
    said("okx", 0.5, 4.0, START - 1)
    same(live.value(okx), -0.0004)
    same(live.value(rate), 0.0002)
    same(live.value(spread), 0.0012)
    said("binance", 0.0002, None)
    same(live.value(rate), (0.0008 - 0.0004 + 0.0002) / 3)
    live.advance(START + 9 * HOUR)
    assert math.isnan(live.value(rate))


def test_ratios_of_venues_keep_to_their_first_kind():
    both, okx = feature(M.LONG_SHORT_RATIO), feature(M.LONG_SHORT_RATIO, venue="okx")
    live = market(both, okx)

    def said(venue, value, kind="accounts"):
        live.take(
            LongShortRatio(venue=venue, symbol="BTCUSDT", ts=START, step_ms=STEP_MS, kind=kind, ratio=value)
        )

    said("binance", 4.0)
    said("binance", 9.0, "positions")
    same(live.value(both), 4.0)
    said("okx", 1.0)
    same(live.value(both), 2.0)
    same(live.value(okx), 1.0)


def test_the_age_of_data_grows_without_events():
    age = feature(M.DATA_AGE_S)
    live = market(age)
    assert math.isnan(live.value(age))
    live.take(tick(START, 1.0))
    assert live.advance(START + 61_500) == [(age, 61.5)]
    assert live.take(tick(START + 62_000, 1.0)) == [(age, 0.0)]


def test_only_what_is_registered_is_measured_and_once_however_many_look():
    price, other = feature(M.PRICE), Feature(symbol="ETHUSDT", metric=M.PRICE)
    live = market(price, price)
    assert len(live) == 1
    assert live.take(tick(START, 100.0)) == [(price, 100.0)]
    assert live.take(tick(START + 1, 100.0)) == []
    live.unregister(price)
    assert live.take(tick(START + 2, 101.0)) == [(price, 101.0)]
    live.unregister(price)
    assert len(live) == 0
    assert live.take(tick(START + 3, 102.0)) == []
    assert math.isnan(live.register(other))


def test_a_new_feature_is_given_the_past_and_is_right_from_its_first_moment():
    change = feature(M.PRICE_CHANGE, 900_000)
    live = market(feature(M.PRICE))
    past = [tick(START, 100.0), tick(START + 600_000, 90.0), tick(START + 600_000, 5.0, venue="okx")]
    for event in past:
        live.take(event)
    live.advance(START + 900_000)
    same(live.register(change, past), -0.1)


def test_every_metric_has_its_gauge():
    assert set(MAKERS) == set(Metric)
