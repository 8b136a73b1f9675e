"""What venues report, summed up: each figure from rows that are counted by hand."""

from dataclasses import replace

import pytest

from engine.model import (
    DAY_MS,
    HOUR_MS,
    STEP_MS,
    Candle,
    Candles,
    Funding,
    Liquidation,
    LongShortRatio,
    OpenInterest,
    PriceKind,
    Side,
)
from storage.venue_reads import Asked, Ranked
from storage.venues import Facts, VenueStore

NOW = 1_760_000_000_000 // STEP_MS * STEP_MS


def gone(venue, symbol, side, usd, minutes, **more):
    return Liquidation(
        venue=venue,
        symbol=symbol,
        side=side,
        price=100.0,
        price_kind=PriceKind.FILL,
        quantity=usd / 100.0,
        notional_usd=usd,
        ts=NOW - minutes * 60_000,
        received_ms=NOW,
        **more,
    )


ROWS = (
    gone("binance", "BTCUSDT", Side.LONG, 500.0, 10),
    gone("binance", "BTCUSDT", Side.SHORT, 100.0, 20),
    gone("bybit", "BTCUSDT", Side.LONG, 900.0, 30),
    gone("okx", "ETHUSDT", Side.SHORT, 800.0, 40),
    gone("okx", "SOLUSDT", Side.SHORT, 5.0, 600),
)


@pytest.fixture
async def venues(market):
    store = VenueStore(market)
    await store.add_liquidations(ROWS)
    await market.flush()
    return store


async def test_a_report_is_by_venue_by_size_and_by_step(venues):
    asked = Asked(symbol="BTCUSDT", t0=NOW - HOUR_MS, t1=NOW)
    report = await venues.liquidation_report(asked, step_ms=HOUR_MS, count=2)
    assert [(v.name, v.long_usd, v.short_usd, v.count) for v in report.venues] == [
        ("bybit", 900.0, 0.0, 1),
        ("binance", 500.0, 100.0, 2),
    ]
    assert report.largest == (ROWS[2], ROWS[0])
    assert report.step_usd.sum(axis=0).tolist() == [1_400.0, 100.0]
    assert all(ts % HOUR_MS == 0 for ts in report.step_ts.tolist())
    assert report.since == {"binance": ROWS[1].ts, "bybit": ROWS[2].ts, "okx": ROWS[4].ts}
    some = await venues.liquidation_report(
        replace(asked, symbol="", venues=("okx", "bybit"), min_usd=850.0), step_ms=HOUR_MS, count=9
    )
    assert some.largest == (ROWS[2],)
    none = await venues.liquidation_report(replace(asked, venues=("kraken",)), step_ms=HOUR_MS, count=9)
    assert (none.venues, none.largest, len(none.step_ts), none.step_usd.shape) == ((), (), 0, (0, 2))


async def test_recording_began_with_a_venues_health_where_that_was_first(market, venues):
    await venues.add_health("bybit", NOW - DAY_MS, "up", {})
    await venues.add_health("hyperliquid", NOW - 5, "up", {})
    await market.flush()
    since = await venues.recorded_since()
    assert (since["bybit"], since["hyperliquid"], since["binance"]) == (NOW - DAY_MS, NOW - 5, ROWS[1].ts)


async def test_markets_are_ranked_by_what_is_asked(venues):
    asked = Asked(t0=NOW - HOUR_MS, t1=NOW)

    async def names(ranked, count=9, **more):
        found = await venues.most_liquidated(replace(asked, **more), ranked, count)
        return [each.name for each in found]

    assert await names(Ranked.TOTAL) == ["BTCUSDT", "ETHUSDT"]
    assert await names(Ranked.SHORT) == ["ETHUSDT", "BTCUSDT"]
    assert await names(Ranked.LONG) == ["BTCUSDT"]
    assert await names(Ranked.TOTAL, 1) == ["BTCUSDT"]
    assert await names(Ranked.TOTAL, t0=NOW - DAY_MS, venues=("okx",)) == ["ETHUSDT", "SOLUSDT"]


async def test_open_interest_is_that_of_two_times_and_never_an_old_one(market, venues):
    def said(venue, symbol, minutes, coins):
        return OpenInterest(venue=venue, symbol=symbol, ts=NOW - minutes * 60_000, open_interest=coins)

    await venues.add_open_interest(
        [
            *(said("okx", "BTCUSDT", m, c) for m, c in ((1470, 70.0), (1441, 80.0), (720, 1.0), (2, 100.0))),
            said("bybit", "BTCUSDT", 1, 50.0),
            *(said("okx", "ETHUSDT", m, c) for m, c in ((1440, 9.0), (90, 8.0))),
        ]
    )
    await market.flush()
    found = await venues.open_interest_between(NOW - DAY_MS, NOW)
    assert [(c.venue, c.symbol, c.coins, c.coins_before) for c in found] == [
        ("bybit", "BTCUSDT", 50.0, None),
        ("okx", "BTCUSDT", 100.0, 80.0),
    ]


async def test_facts_of_a_symbol_are_by_venue(market, venues):
    bars = Candles.of(
        [
            Candle(
                venue="okx",
                symbol="BTCUSDT",
                ts=NOW - (i + 1) * STEP_MS,
                open=9.0,
                high=11.0,
                low=9.0,
                close=10.0 + (i == 0),
                volume=2.0,
            )
            for i in reversed(range(400))
        ]
    )
    await market.add_candles("BTCUSDT", "okx", bars)
    await market.add_candles("BTCUSDT", "bybit", bars[-12:])
    paid = Funding(venue="okx", symbol="BTCUSDT", ts=NOW - 9, rate=1e-4, funding_ts=NOW + 9, interval_h=8.0)
    await venues.add_funding(
        [
            paid,
            replace(paid, funding_ts=NOW - HOUR_MS, rate=9.0, settled=True),
            replace(paid, venue="bybit", interval_h=None),
            replace(paid, venue="kraken", funding_ts=NOW - 2 * DAY_MS),
        ]
    )
    ratio = LongShortRatio(venue="okx", symbol="BTCUSDT", ts=NOW - 99, step_ms=9, kind="accounts", ratio=1.5)
    await venues.add_ratios([ratio, replace(ratio, kind="top_positions", ts=NOW - 1, ratio=9.0)])
    await market.flush()
    facts = await venues.facts("BTCUSDT", NOW)
    assert facts.traded["okx"].close == 11.0
    assert facts.traded["okx"].volume_usd == pytest.approx(287 * 2 * 10.0 + 2 * 31 / 3)
    assert facts.traded["bybit"].volume_usd is None
    assert set(facts.paid) == {"okx", "bybit"}
    assert (facts.paid["okx"].rate, facts.paid["okx"].apr) == (1e-4, pytest.approx(0.1095))
    assert facts.paid["bybit"].apr is None
    assert facts.ratios == {"okx": 1.5}
    nothing = await venues.facts("ETHUSDT", NOW)
    assert nothing == Facts()


@pytest.mark.parametrize(
    ("said_h", "before_ms", "known_h"),
    [
        (None, 4 * HOUR_MS, 4.0),
        (None, 8 * HOUR_MS - 7, 8.0),  # what was paid comes a few ms after the hour
        (8.0, 4 * HOUR_MS, 8.0),  # what the venue says stands
        (None, 5 * HOUR_MS, None),  # nobody pays so: a payment between them is not known
        (None, 7, None),
        (None, None, None),
    ],
)
async def test_how_often_funding_is_paid_follows_from_two_payments(
    market, venues, said_h, before_ms, known_h
):
    due = Funding(
        venue="binance", symbol="BTCUSDT", ts=NOW - 9, rate=1e-4, funding_ts=NOW + 9, interval_h=said_h
    )
    paid = [] if before_ms is None else [replace(due, funding_ts=due.funding_ts - before_ms, settled=True)]
    other = replace(due, symbol="ETHUSDT", funding_ts=NOW + 9 - HOUR_MS, interval_h=None)
    await venues.add_funding([due, *paid, other])
    await market.flush()
    found = {each.symbol: each for each in await venues.funding_now(NOW)}
    assert found["BTCUSDT"].interval_h == known_h
    assert found["ETHUSDT"].interval_h is None
