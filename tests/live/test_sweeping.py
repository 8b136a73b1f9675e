"""Price does not wait for a candle to close: what it has swept is gone from everything at once."""

import numpy as np

from engine.model import HOUR_MS, STEP_MS, Side, Tick

FIRST_MS = 1_759_276_800_000


def at(step: float) -> int:
    return FIRST_MS + int(step * STEP_MS)


async def fall(run, price, step=1200.5):
    await run.market.apply(Tick(venue="binance", symbol="BTCUSDT", ts=at(step), price=price))


def wrong_side(view):
    zones = view.zones.zones
    return [z for z in zones if (z.high > view.price if z.side is Side.LONG else z.low < view.price)]


async def test_zones_end_where_price_is(begin):
    run = await begin(1200)
    before = run.market.view("BTCUSDT")
    longs = [z for z in before.zones.by_side(Side.LONG) if z.distance(before.price) > 0.001]
    assert longs
    assert not wrong_side(before)
    await fall(run, before.price * 0.99999)
    far = [z for z in before.zones.zones if z.distance(before.price) > 0.001]
    assert far
    assert all(any(z is other for other in run.market.view("BTCUSDT").zones.zones) for z in far)
    through = (longs[0].low + longs[0].high) / 2
    await fall(run, through)
    view = run.market.view("BTCUSDT")
    cut = next(z for z in view.zones.zones if z.zone_id == longs[0].zone_id)
    assert (cut.low, cut.high) == (longs[0].low, through)
    assert 0 < cut.notional_usd < longs[0].notional_usd
    assert not wrong_side(view)
    await fall(run, longs[0].low * 0.9999)
    await fall(run, before.price)  # and back up: what was swept stays gone
    view = run.market.view("BTCUSDT")
    assert longs[0].zone_id not in {z.zone_id for z in view.zones.zones}
    await run.play(1)
    assert run.market.view("BTCUSDT").candle_ts == at(1200)


async def test_what_stands_and_the_picture_end_there_too(begin):
    run = await begin(1200)
    price = run.market.view("BTCUSDT").price
    low = price * 0.97
    whole = run.market.standing("BTCUSDT")
    chart = await run.market.grid("BTCUSDT", 12 * HOUR_MS, max_cols=1200)
    await fall(run, low)
    await fall(run, price * 0.99)
    left = run.market.standing("BTCUSDT")
    assert whole.between(Side.LONG, low, price) > 0
    assert left.between(Side.LONG, low * 1.0005, price) == 0.0
    assert left.between(Side.LONG, low * 0.9, low * 0.999) == whole.between(Side.LONG, low * 0.9, low * 0.999)
    picture = await run.market.grid("BTCUSDT", 12 * HOUR_MS)
    assert picture.ts[-1] == at(1200)
    assert (picture.low[-1], picture.close[-1]) == (low, price * 0.99)
    inside = (picture.edges[:-1] > low * 1.0005) & (picture.edges[1:] < price)
    assert picture.long[-1][inside].sum() == 0.0 < picture.long[-2][inside].sum()
    again = await run.market.grid("BTCUSDT", 12 * HOUR_MS, max_cols=1200)
    assert np.array_equal(again.ts, chart.ts), "the chart's columns are of closed candles"
