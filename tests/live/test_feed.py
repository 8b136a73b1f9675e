"""The feed loop: what becomes of zones is told before prices, and prices of one venue at a time."""

import pytest

from bot.feed import Feed
from engine.errors import StorageError, UserError
from engine.model import STEP_MS, Candle, SourceEnded, Tick

BTC = "BTCUSDT"


def tick(price, venue="binance"):
    return Tick(venue=venue, symbol=BTC, ts=1000, price=price)


def candle(ts=0):
    prices = dict.fromkeys(("open", "high", "low", "close", "volume"), 1.0)
    return Candle(venue="binance", symbol=BTC, ts=ts, **prices)


class Stand:
    """A source, a market and alerting in one, which note what they are told."""

    def __init__(self, *events):
        self.events_, self.told, self.news = events, [], {}
        self.prices = {"binance"}
        self.zones = "zones"
        self.fails = set()
        self.heard = []

    async def events(self):
        for event in self.events_:
            yield event

    def now_ms(self):
        return 2 * STEP_MS

    async def apply(self, event):
        self.told.append(("market", event))
        return self.news.get(event, [])

    def is_price(self, event):
        return event.venue in self.prices

    def view(self, symbol):
        if self.zones is None:
            raise UserError("There is no data yet.")
        return self

    async def on_tick(self, event, zones):
        if event.price in self.fails:
            raise StorageError("The disk is full.")
        self.told.append(("tick", event.price, zones))

    async def on_event(self, event):
        self.heard.append(event)

    async def on_zone_events(self, symbol, events):
        self.told.append(("zones", symbol, events))


@pytest.fixture
def run():
    async def go(stand, reached=None):
        await Feed(stand, stand, stand, reached=reached).run()
        return [told for told in stand.told if told[0] != "market"]

    return go


async def test_only_prices_that_stand_for_the_symbol_are_judged(run):
    assert await run(Stand(tick(1.0), tick(2.0, "okx"), tick(3.0))) == [
        ("tick", 1.0, "zones"),
        ("tick", 3.0, "zones"),
    ]


async def test_what_becomes_of_zones_is_told_before_the_price_that_brought_it(run):
    stand = Stand(candle(), tick(1.0), tick(2.0, "okx"))
    stand.news = {stand.events_[1]: ["moved"], stand.events_[2]: ["late"]}
    assert await run(stand) == [("zones", BTC, ["moved"]), ("tick", 1.0, "zones"), ("zones", BTC, ["late"])]


async def test_a_symbol_of_which_nothing_is_known_yet_stops_nothing(run):
    stand = Stand(tick(1.0), candle(), tick(2.0))
    stand.prices, stand.zones = set(), None
    assert await run(stand) == []
    assert len(stand.told) == 3


async def test_an_event_that_cannot_be_carried_does_not_end_the_loop(run):
    stand = Stand(tick(1.0), tick(2.0))
    stand.fails = {1.0}
    assert await run(stand) == [("tick", 2.0, "zones")]


async def test_how_far_it_got_is_told_after_candles_and_at_the_end(run):
    reached = []
    await run(Stand(tick(1.0), candle(), SourceEnded(ts=STEP_MS)), reached.append)
    assert reached == [2 * STEP_MS, 2 * STEP_MS]
