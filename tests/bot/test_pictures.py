"""The pictures that messages carry: which kind is drawn, and of what."""

from dataclasses import replace

import pytest

from bot.delivery.channel import PictureRequest
from bot.live.view import SymbolView
from bot.pictures import Draughtsman, window_label
from bot.render.picture import Picture
from bot.render.zones_request import ZonesRequest
from bot.truth.shelf import Shelf
from engine.model import HOUR_MS, Severity, Side, Zone, ZoneId, ZoneSet

NOW_MS = 1_760_128_500_000
ZONE = Zone(
    zone_id=ZoneId("z1"),
    venue="all",
    symbol="BTCUSDT",
    side=Side.LONG,
    low=99.0,
    high=99.5,
    peak=99.2,
    notional_usd=5e6,
    share=0.3,
    percentile=97.0,
    born_ts=NOW_MS - HOUR_MS,
    updated_ts=NOW_MS,
    venue_share=(("binance", 0.7), ("okx", 0.3)),
)


class Market:
    """A market that stands still, with one zone."""

    zones: tuple[Zone, ...] = (ZONE,)

    def view(self, symbol):
        judged = ZoneSet(
            venue="all",
            symbol=symbol,
            ts=NOW_MS,
            price=100.0,
            zones=self.zones,
            samples_h=300,
            threshold_ready=True,
            auto_min_usd=1e6,
        )
        return SymbolView(
            symbol=symbol,
            venue="all",
            venues=("binance", "okx"),
            price=100.0,
            price_ts=NOW_MS,
            interpolated=False,
            candle_ts=NOW_MS,
            zones=judged,
            warm=True,
            history_days=30.0,
            **dict.fromkeys(("change_24h", "high_24h", "low_24h", "volume_24h_usd"), None),
            **dict.fromkeys(("open_interest", "oi_change_24h"), None),
        )

    def now_ms(self):
        return NOW_MS

    def label(self):
        return ""

    def awaited(self, symbol):
        return ()

    def health(self):
        return []

    def shares(self, symbol):
        return {"binance": 0.7, "okx": 0.3}

    async def grid(self, symbol, window_ms):
        return "grid"


class Renderer:
    """A renderer that keeps what it is asked for."""

    def __init__(self):
        self.asked = []

    async def heatmap(self, request, grid):
        self.asked.append((request, await grid()))
        return Picture(png=b"map", name="a.png", alt="a map", width=1, height=1)

    async def card(self, request, drawing):
        drawing()
        self.asked.append((request, None))
        return Picture(png=b"card", name="b.png", alt=request.alt(), width=1, height=1)


@pytest.fixture
def desk():
    market, renderer = Market(), Renderer()
    return market, renderer, Draughtsman(market, renderer, Shelf())


async def test_an_alert_comes_with_its_zone_marked(desk):
    _, renderer, draw = desk
    asked = PictureRequest(symbol="BTCUSDT", window_ms=24 * HOUR_MS, zone=ZONE, severity=Severity.CRITICAL)
    assert (await draw.alert(replace(asked, tz="Asia/Tokyo"))).png == b"map"
    [(request, grid)] = renderer.asked
    assert (request.highlight, request.severity, request.tz) == (ZONE, Severity.CRITICAL, "Asia/Tokyo")
    assert (request.window_label, grid) == ("24h", "grid")


async def test_a_report_of_zones_comes_with_their_card(desk):
    _, renderer, draw = desk
    made = await draw.alert(
        PictureRequest(symbol="BTCUSDT", window_ms=HOUR_MS, what="zones", tz="Asia/Tokyo")
    )
    [(request, _)] = renderer.asked
    assert isinstance(request, ZonesRequest)
    assert (request.zones, request.tz) == ((ZONE,), "Asia/Tokyo")
    assert request.shares == (("binance", 0.7), ("okx", 0.3))
    assert "Longs below: $5M at −0.50%" in made.alt


async def test_no_zones_make_no_card(desk):
    market, renderer, draw = desk
    market.zones = ()
    assert await draw.alert(PictureRequest(symbol="BTCUSDT", window_ms=HOUR_MS, what="zones")) is None
    assert renderer.asked == []


def test_windows_are_written_as_people_do():
    assert [window_label(hours * HOUR_MS) for hours in (12, 24, 36, 72)] == ["12h", "24h", "36h", "3d"]
