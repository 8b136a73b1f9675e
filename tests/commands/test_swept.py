"""The zone that price went through last: which one it is, and what is asked of the drawing."""

from dataclasses import replace

import pytest

from bot.render.swept_request import SweptRequest
from engine.model import HOUR_MS, Side, Zone, ZoneChange, ZoneEvent, ZoneId

NOW_MS = 1_760_128_500_000  # 2025-10-10 20:35 UTC


def zone(number, side, low, high, usd):
    return Zone(
        zone_id=ZoneId(f"z{number}"),
        venue="binance",
        symbol="BTCUSDT",
        side=side,
        low=low,
        high=high,
        peak=(low + high) / 2,
        notional_usd=usd,
        share=0.25,
        percentile=97.0,
        born_ts=NOW_MS - 9 * HOUR_MS,
        updated_ts=NOW_MS,
    )


def eaten(number, usd, ago_ms, fraction=1.0, side=Side.LONG):
    """Price took a part of a zone that held so many dollars, so long ago."""
    found = replace(zone(number, side, 114_000, 114_400, usd), updated_ts=NOW_MS - ago_ms - HOUR_MS)
    return ZoneEvent(ts=NOW_MS - ago_ms, change=ZoneChange.EATEN, zone=found, fraction=fraction)


@pytest.fixture
def happened(desk):
    """Keep events of zones where the desk looks for them."""

    async def keep(*events):
        market = desk.services.reports._store
        await market.add_zone_events(list(events))
        await market.flush()

    return keep


async def test_the_newest_sweep_that_matters_is_shown(desk, happened):
    await happened(
        eaten(1, 60e6, 5 * HOUR_MS),
        eaten(2, 40e6, HOUR_MS, 0.8),
        eaten(3, 2e6, HOUR_MS // 2),  # small
        eaten(4, 90e6, HOUR_MS // 2, 0.3),  # a touch
        replace(eaten(5, 90e6, HOUR_MS // 2), change=ZoneChange.GROWN),
    )
    reply = await desk.ok("/swept btc layout=portrait")
    request = desk.pictures.requests[-1]
    assert isinstance(request, SweptRequest)
    assert (request.zone.zone_id, request.swept_ts) == ("z2", NOW_MS - HOUR_MS)
    assert (request.zone.notional_usd, request.swept_usd) == (40e6, 32e6)
    assert request.now.window_ms == 4 * HOUR_MS
    assert reply.text == reply.images[0].alt
    assert "$32M of longs swept, 114,000 to 114,400, 19:35 UTC" in reply.text


async def test_a_day_without_a_sweep_is_said(desk, happened):
    await happened(eaten(1, 60e6, 25 * HOUR_MS))
    reply = await desk.say("/swept btc")
    assert reply.error == "No zone of BTC was swept in the last 24 hours."
    assert reply.example == "/zones btc"


async def test_sweeps_of_another_market_do_not_count(desk, happened):
    event = eaten(1, 60e6, HOUR_MS)
    await happened(replace(event, zone=replace(event.zone, symbol="ETHUSDT")))
    assert (await desk.say("/swept btc")).failed
    assert not (await desk.say("/swept eth")).failed
