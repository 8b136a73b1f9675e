"""A made-up day, carried by the feed: each kind of condition fires, is decided, and waits to be sent."""

from dataclasses import dataclass, field, replace

import pytest

from adapters.venue import Feed as Kind
from bot.feed import Feed
from engine.model import (
    Candle,
    Funding,
    Liquidation,
    LongShortRatio,
    OpenInterest,
    PriceKind,
    Side,
    SourceEnded,
    Tick,
    ZoneChange,
    ZoneEvent,
)
from engine.rules.condition import kinds
from engine.rules.text import read_rule

BTC, MINUTE, DAY_S = "BTCUSDT", 60_000, 25 * 3600

LINES = {
    "price_level": ("price btc above 103", "BTC rose above 103"),
    "price_change": ("btc rises 3% in 15m", "BTC rose 4 % within 15 minutes"),
    "price_range_exit": ("btc leaves 95 to 103", "BTC left its range of 95 to 103: it is above 103"),
    "new_high_low": ("btc makes a new 1h high", "BTC made a new high of the last 1 hour"),
    "trailing_move": ("btc bounces 2% within 1h", "BTC stands 4 % above its low of the last 1 hour"),
    "volatility_level": ("btc volatility above 80% in 1h", "Volatility of BTC over 1 hour is up to"),
    "volume_spike": ("btc volume above 10x in 1h", "BTC traded 20 times its usual volume of 1 hour"),
    "liq_volume": (
        "btc short liquidations above 10M in 15m",
        "$12M of short positions in BTC were liquidated within 15 minutes",
    ),
    "liq_single": (
        "btc single liquidation above 1M",
        "A short position of $12M in BTC was liquidated at 104 on Bybit",
    ),
    "liq_cascade": ("btc cascade of 10x in 5m", "Liquidations in BTC run at"),
    "oi_change": ("btc oi drops 2% in 1h", "Open interest in BTC fell 5 % within 1 hour"),
    "oi_price_divergence": (
        "btc price up 1% while oi down 2% in 4h",
        "BTC rose 4 % while open interest fell 5 % within 4 hours",
    ),
    "funding_level": ("btc funding above 0.05%", "Funding of BTC is up to 0.065 % for eight hours"),
    "funding_flip": (
        "btc funding flips negative",
        "Funding of BTC turned negative: -0.005 % for eight hours",
    ),
    "funding_spread": (
        "btc funding spread above 0.03%",
        "Funding of BTC differs by 0.11 % between venues, for eight hours",
    ),
    "long_short_ratio": (
        "btc long short ratio above 2.5",
        "There are 2.7 long accounts in BTC for each short one",
    ),
    "data_stale": ("btc stale for 60s", "No price of BTC has come for 2 minutes"),
    "zone_proximity": ("btc within 1% of long zone", "BTC is 0.48 % above a $42M long zone"),
    "zone_swept": ("btc short zone of 1M swept", "BTC went through 100 % of a $30M short zone"),
    "zone_built": ("btc long zone grows 50% within 3%", "A $42M long zone came up 0.48 % below BTC's price"),
}


def candle(ts, close=100.0, volume=10.0, held=1000.0):
    prices = dict.fromkeys(("open", "high", "low", "close"), close)
    return Candle(venue="binance", symbol=BTC, ts=ts, volume=volume, open_interest=held, **prices)


def liquidation(ts, usd, side):
    return Liquidation(
        venue="bybit",
        symbol=BTC,
        side=side,
        price=104.0,
        price_kind=PriceKind.FILL,
        quantity=usd / 104,
        notional_usd=usd,
        ts=ts,
        received_ms=ts,
    )


def funding(ts, *rates):
    return [
        Funding(venue=venue, symbol=BTC, ts=ts, rate=rate, funding_ts=ts, interval_h=8.0)
        for venue, rate in zip(("binance", "bybit"), rates, strict=True)
    ]


def ratio(ts, value):
    return LongShortRatio(venue="binance", symbol=BTC, ts=ts, step_ms=300_000, kind="accounts", ratio=value)


def day(t0):
    """Yield a quiet day, and at its end everything at once."""
    for minute in range(DAY_S // 60):
        ts = t0 + minute * MINUTE
        if minute and minute % 5 == 0:
            yield candle(ts - 300_000, volume=10.0 + minute % 3)
        if minute % 60 == 0:
            yield liquidation(ts, 10_000.0, Side.LONG)
            yield from funding(ts, 0.0001, 0.0001)
            yield ratio(ts, 2.0)
        yield Tick(venue="binance", symbol=BTC, ts=ts, price=100.0)
    ts = t0 + DAY_S * 1000
    yield Tick(venue="binance", symbol=BTC, ts=ts, price=104.0)
    yield liquidation(ts + 1, 12e6, Side.SHORT)
    yield from funding(ts + 2, 0.0012, 0.0001)
    yield from funding(ts + 3, -0.0002, -0.0002)
    yield ratio(ts + 4, 2.7)
    yield OpenInterest(venue="binance", symbol=BTC, ts=ts + 5, open_interest=950.0)
    yield candle(ts - 300_000, close=104.0, volume=220.0)
    yield SourceEnded(ts=ts + 5)


@dataclass
class Made:
    """A source and a market in one; what is no candle and no price is said on the side, as live venues do."""

    kit: object
    said: object = None
    now: int = 0
    zones: object = None
    news: dict = field(default_factory=dict)

    async def events(self):
        for event in day(self.kit.T0):
            self.now = max(self.now, getattr(event, "ts", 0))
            if isinstance(event, Tick | Candle | SourceEnded):
                yield event
            else:
                self.said(event)

    def now_ms(self):
        return self.now

    def label(self):
        return ""

    def venues_of(self, symbol):
        return ("binance", "bybit")

    async def apply(self, event):
        if isinstance(event, Candle) and event.volume > 100:
            return self.news[BTC]
        return []

    def is_price(self, tick):
        return True

    def view(self, symbol):
        return self


@pytest.fixture
async def made(bench, kit):
    """A bench whose market is made up, with one rule of each kind, each of a user of its own."""
    await bench.alerting.close()
    market = bench.market = Made(kit)
    ts = kit.T0 + (DAY_S - 300) * 1000
    near = kit.zone("near", Side.LONG, 103.0, 103.5)
    swept = kit.zone("swept", Side.SHORT, 101.0, 102.0, usd=30e6)
    market.zones = kit.zones(replace(near, born_ts=kit.T0))
    market.news = {
        BTC: [
            ZoneEvent(ts=ts, change=ZoneChange.EATEN, zone=swept, fraction=1.0),
            ZoneEvent(ts=ts, change=ZoneChange.BORN, zone=near),
        ]
    }
    alerting = bench.fresh()
    market.said = alerting.on_said
    for line, _ in LINES.values():
        kind = read_rule(line, now_ms=0).spec.when.condition.kind
        await bench.rule(f"{line} severity=critical", owner=f"local:{kind}")
    return bench


async def test_each_kind_fires_once_from_the_feed_to_the_outbox(made):
    market = made.market
    await Feed(market, market, made.alerting).run()
    market.now += 120_000
    await made.alerting.sweep()
    await made.alerting._turns.decide()
    found = {alert.user_id.removeprefix("local:"): alert for alert in await made.alerts()}
    assert set(found) == set(LINES) == set(kinds())
    titles = {d.user_id.removeprefix("local:"): d.message["title"] for d in await made.deliveries()}
    for kind, (_, told) in LINES.items():
        assert titles[kind].startswith(told), kind
        assert (found[kind].kind, found[kind].action) == (kind, "send")
    assert len(await made.alerts()) == len(LINES)


def test_sources_name_what_they_have_as_conditions_do():
    assert {feed for kind in kinds().values() for feed in kind.feeds} <= {feed.value for feed in Kind}
    everything = frozenset(Kind)
    assert all(not kind.feeds - everything for kind in kinds().values())
