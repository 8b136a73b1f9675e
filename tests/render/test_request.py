from dataclasses import replace

import pytest

from bot.live.view import SymbolView
from bot.render.picture import Layout, Theme
from bot.render.request import HeatmapRequest
from engine.model import Severity, Side


def test_a_request_comes_from_a_live_view(make_zones):
    view = SymbolView(
        symbol="BTCUSDT",
        venue="binance",
        venues=("binance",),
        price=116_000.0,
        price_ts=10,
        interpolated=True,
        candle_ts=5,
        zones=make_zones(116_000.0),
        warm=False,
        history_days=2.0,
        change_24h=None,
        high_24h=None,
        low_24h=None,
        volume_24h_usd=None,
        open_interest=None,
        oi_change_24h=None,
    )
    request = HeatmapRequest.of(view, now_ms=12, window_ms=86_400_000, window_label="24h")
    assert (request.symbol, request.price, request.price_ts, request.candle_ts) == (
        "BTCUSDT",
        116_000.0,
        10,
        5,
    )
    assert (request.interpolated, request.warm, request.history_days) == (True, False, 2.0)
    assert request.zones is view.zones


@pytest.mark.parametrize(
    "change",
    [
        {"theme": Theme.LIGHT},
        {"layout": Layout.PORTRAIT},
        {"hd": True},
        {"tz": "Europe/Berlin"},
        {"side": Side.LONG},
        {"window_ms": 1},
        {"price_range": (1.0, 2.0)},
        {"source_label": "REPLAY"},
        {"symbol": "ETHUSDT"},
        {"accuracy": "good"},
    ],
)
def test_what_is_drawn_tells_choices_apart(request_for, change):
    assert request_for().what != request_for(**change).what


def test_what_is_drawn_outlives_ticks_but_an_alert_is_of_its_price(request_for, make_zone):
    request = request_for()
    assert replace(request, price=116_100.0, now_ms=1, price_ts=1).what == request.what
    alert = request_for(highlight=make_zone(116_000.0, -0.01, 1e6), severity=Severity.INFO)
    assert alert.what != request.what
    assert replace(alert, price=116_100.0).what != alert.what
    assert replace(alert, severity=Severity.CRITICAL).what != alert.what


def test_file_names_are_plain(request_for, make_zone):
    assert request_for().file_name == "liqwatch-BTCUSDT-4h.png"
    assert request_for(hd=True).file_name == "liqwatch-BTCUSDT-4h@2x.png"
    odd = request_for(symbol="../etc/x", highlight=make_zone(1.0, 0.1, 1.0))
    assert odd.file_name == "liqwatch-etcx-4h-alert.png"
