"""The local Bybit read through ccxt, beside the native adapter that reads the same: the oracle."""

import asyncio
from dataclasses import replace

import pytest

from adapters.ccxt.kit import CcxtKit
from adapters.kits import BybitKit
from adapters.live import LiveSource
from adapters.live_venue import Pace
from adapters.venue import Feed, VenueState
from engine.errors import SourceError
from engine.model import STEP_MS, Candle, Candles, Funding, Liquidation, OpenInterest, PriceKind, Side, Tick

BTC, PEPE = "BTCUSDT", "PEPEUSDT"
QUICK = Pace(open_s=10.0, others_s=5.0, retry_s=0.1, retry_most_s=0.4, poll_s=0.3, hold_s=0.2)


class Archive:
    def __init__(self):
        self.events = []

    async def candles(self, symbol, venue, since_ms, until_ms):
        return Candles.empty()

    async def add_candles(self, symbol, venue, candles):
        pass

    async def absences(self, symbol, venue):
        return ()

    async def add_absences(self, symbol, venue, absent):
        return

    async def add_events(self, events):
        self.events += events


class Reading:
    def __init__(self, source, archive):
        self.source, self.archive, self.seen = source, archive, []
        self.task = asyncio.create_task(self._read())

    async def _read(self):
        async for event in self.source.events():
            self.seen.append(event)

    def of(self, kind, symbol=BTC):
        return [e for e in (*self.seen, *self.archive.events) if isinstance(e, kind) and e.symbol == symbol]

    @property
    def health(self):
        return self.source.health()[0]


async def until(condition, timeout_s=10.0):
    async with asyncio.timeout(timeout_s):
        while not (found := condition()):
            await asyncio.sleep(0.01)
    return found


@pytest.fixture
async def begin():
    begun = []

    async def make(kit, symbols=(BTC,)):
        archive = Archive()
        source = LiveSource([kit], symbols, archive, pace=QUICK)
        await source.open()
        begun.append(Reading(source, archive))
        return begun[-1]

    yield make
    for reading in begun:
        async with asyncio.timeout(3.0):
            await reading.source.aclose()
            await reading.task


@pytest.fixture
async def both(bybit, config, begin):
    """The same venue, natively and through ccxt, with every topic had."""
    native = await begin(BybitKit(rest_url=bybit.url, stream_url=bybit.ws_url), (BTC, PEPE))
    through = await begin(CcxtKit("bybit", config), (BTC, PEPE))
    wanted = {
        f"{kind}.{name}"
        for kind in ("kline.5", "tickers", "allLiquidation")
        for name in (BTC, "1000PEPEUSDT")
    }
    await until(lambda: sum(wanted <= client.topics for client in bybit.clients) == 2)
    return native, through


def alike(native, through, kind, symbol=BTC, **apart):
    """Say that both were told the same, but for what `apart` sets alike."""
    ours = [replace(each, **apart) for each in through.of(kind, symbol)]
    theirs = [replace(each, **apart) for each in native.of(kind, symbol)]
    return bool(ours) and set(ours) <= set(theirs)


async def test_liquidations_are_those_of_the_native_adapter(bybit, both):
    native, through = both
    rows = (("Buy", "1.5", "59000", 40), ("Sell", "2.5", "59100", 20), ("Sell", "2.5", "59100", 20))
    await bybit.liquidate(BTC, *rows)
    await until(lambda: len(through.of(Liquidation)) == 3)
    await bybit.repeat(1)
    await bybit.liquidate("1000PEPEUSDT", ("Sell", "70000", "0.008", 0))
    for reading in both:  # each holds liquidations for a moment, to put them in order
        await until(lambda each=reading: len(each.of(Liquidation)) == 3 and each.of(Liquidation, PEPE))
    await asyncio.sleep(0.1)
    for symbol in (BTC, PEPE):
        ours, theirs = (
            [replace(each, received_ms=0, venue_id="") for each in reading.of(Liquidation, symbol)]
            for reading in (through, native)
        )
        assert ours == theirs
    long, *shorts = through.of(Liquidation)
    assert (long.side, long.quantity, long.price_kind) == (Side.LONG, 1.5, PriceKind.BANKRUPTCY)
    assert [(each.side, each.nth) for each in shorts] == [(Side.SHORT, 0), (Side.SHORT, 1)]
    assert through.of(Liquidation, PEPE)[0].quantity == 70_000_000.0


async def test_prices_and_closed_candles_are_those_of_the_native_adapter(bybit, both):
    native, through = both
    await bybit.ticker(BTC, lastPrice="60123.5")
    await until(lambda: any(each.price == 60_123.5 for each in through.of(Tick)))
    opened = bybit.there.now_ms // STEP_MS * STEP_MS
    for at in (opened - STEP_MS, opened):
        for name in (BTC, "1000PEPEUSDT"):
            await bybit.candle(name, at, confirm=at < opened)
        await asyncio.sleep(0.05)
    apart = {"quote_volume": None, "open_interest": None}
    for symbol in (BTC, PEPE):
        await until(lambda symbol=symbol: alike(native, through, Candle, symbol, **apart))
        assert [each.ts for each in through.of(Candle, symbol)] == [opened - STEP_MS]


async def test_history_and_open_interest_are_those_of_the_native_adapter(bybit, both):
    native, through = both
    now = bybit.there.now_ms
    since = now // STEP_MS * STEP_MS - 1500 * STEP_MS
    bybit.there.holes.add(since + 7 * STEP_MS)
    ours, theirs = [
        await reading.source.history(BTC, since_ms=since, until_ms=now) for reading in (through, native)
    ]
    assert len(ours) in (1499, 1500)
    assert len(ours) == len(theirs)
    for name in ("ts", "open", "high", "low", "close", "volume"):
        assert (getattr(ours, name) == getattr(theirs, name)).all()
    told = ours.open_interest == ours.open_interest
    assert told.sum() > 1400
    assert (ours.open_interest[told] == theirs.open_interest[told]).all()
    asked = len(bybit.calls)
    await through.source.history(BTC, since_ms=since + 6 * STEP_MS, until_ms=since + 9 * STEP_MS)
    later = [query for path, query in bybit.calls[asked:] if path == "kline"]
    assert all(
        int(query["end"]) < since + 7 * STEP_MS or int(query["start"]) > since + 7 * STEP_MS
        for query in later
    )


async def test_open_interest_and_funding_are_asked_for(both):
    native, through = both
    (interest, *_), (rate, *_) = await until(
        lambda: all(found := (through.of(OpenInterest), through.of(Funding))) and found
    )
    assert 40_000 < interest.open_interest < 60_000  # of one side, where ccxt gives both
    theirs = await until(lambda: native.of(Funding))
    assert (rate.rate, rate.funding_ts) == (theirs[0].rate, theirs[0].funding_ts)
    assert through.health.feeds >= {Feed.OPEN_INTEREST, Feed.FUNDING, Feed.LIQUIDATIONS}


async def test_a_connection_that_falls_is_opened_again_and_tells_nothing_twice(bybit, both):
    _, through = both
    await until(lambda: through.of(Tick))
    await bybit.liquidate(BTC, ("Buy", "1.5", "59000", 0))
    (first,) = await until(lambda: through.of(Liquidation))
    opened = bybit.there.now_ms // STEP_MS * STEP_MS
    await bybit.candle(BTC, opened - STEP_MS)
    await bybit.candle("1000PEPEUSDT", opened - STEP_MS)
    await until(lambda: through.health.state is VenueState.UP)
    fallen = list(bybit.clients)
    bybit.drop()
    kinds = ("kline.5", "tickers", "allLiquidation")
    wanted = {f"{kind}.{name}" for kind in kinds for name in (BTC, "1000PEPEUSDT")}

    def again():  # one of the two may be back before the other has noticed
        return sum(wanted <= each.topics for each in bybit.clients if each not in fallen) == 2

    await until(again, timeout_s=30.0)
    await bybit.candle(BTC, opened)  # the bar that was cut off is not called closed
    await bybit.candle("1000PEPEUSDT", opened)
    data = [{"T": first.ts, "s": BTC, "S": "Buy", "v": "1.5", "p": "59000"}]
    await bybit.push(f"allLiquidation.{BTC}", data)
    await bybit.liquidate(BTC, ("Sell", "3", "61000", 0))
    await until(lambda: len(through.of(Liquidation)) == 2)
    assert [each.side for each in through.of(Liquidation)] == [Side.LONG, Side.SHORT]
    await until(lambda: through.health.reconnects >= 1)


async def test_a_country_that_is_not_served_is_final_and_shown(bybit, config, begin):
    bybit.block()
    with pytest.raises(SourceError, match="does not serve this country"):
        await begin(CcxtKit("bybit", config))
    await asyncio.sleep(0.2)  # one list of markets is several calls
    calls = len(bybit.calls)
    await asyncio.sleep(0.6)
    assert len(bybit.calls) == calls <= 2


async def test_nonsense_instead_of_an_answer_is_tried_again(bybit, config, begin):
    bybit.fail("instruments-info", body="<html>", status=502)
    reading = await begin(CcxtKit("bybit", config))
    assert reading.source.symbols == (BTC,)


async def test_a_symbol_that_is_not_traded_is_said(bybit, config, begin):
    with pytest.raises(SourceError, match="trades none of NOSUCHUSDT"):
        await begin(CcxtKit("bybit", config), ("NOSUCHUSDT",))


async def test_a_venue_that_ccxt_does_not_know_is_no_crash(library, begin):
    with pytest.raises(SourceError):
        await asyncio.wait_for(begin(CcxtKit("no-such-venue")), 15.0)
