"""The picture of a report is that of its kind, drawn as the market stands when it is sent."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest

from bot.delivery.channel import PictureRequest
from bot.reporting.pictures import ReportPictures
from engine.model import DAY_MS, HOUR_MS
from storage.venue_reads import Liquidated
from storage.venues import LiquidationReport


@dataclass
class Easel:
    """What draws: it keeps what it was asked for."""

    asked: list = field(default_factory=list)

    async def liquidations(self, request, drawing):
        drawing()
        return self._drawn(request)

    async def card(self, request, drawing):
        drawing()
        return self._drawn(request)

    def _drawn(self, request):
        self.asked.append(request)
        return SimpleNamespace(png=b"\x89PNG", alt="words", name="picture.png")


@dataclass
class Reported:
    """What venues reported as liquidated."""

    usd: float

    async def liquidation_report(self, asked, *, step_ms, count):
        self.asked, self.step_ms = asked, step_ms
        venues = (Liquidated(name="bybit", long_usd=self.usd, short_usd=0.0, count=3),) if self.usd else ()
        steps = np.array([asked.t0], np.int64), np.array([[self.usd, 0.0]])
        return LiquidationReport(
            venues=venues, largest=(), step_ts=steps[0], step_usd=steps[1], since={"bybit": asked.t0}
        )


@pytest.fixture
def draw(desk):
    """Draw what a message asks for: what was drawn, and the picture that came of it."""

    async def made(what, *, usd=5e6, window_ms=DAY_MS):
        async def usual(asked):
            easel.asked.append(asked)
            return "usual"

        easel, reported = Easel(), Reported(usd)
        pictures = ReportPictures(usual, desk.market, reported, easel)
        asked = PictureRequest(symbol="BTCUSDT", window_ms=window_ms, what=what, tz="Asia/Tokyo")
        return await pictures.draw(asked), easel.asked, reported

    return made


async def test_what_was_liquidated_is_drawn_in_few_bars_on_the_places_clock(draw):
    picture, (request,), reported = await draw("liquidations")
    assert picture.alt == "words"
    assert (request.market, request.tz, request.parts) == ("BTCUSDT", "Asia/Tokyo", (("bybit", 1.0),))
    assert DAY_MS / reported.step_ms <= 60
    _, (request,), reported = await draw("liquidations", window_ms=HOUR_MS)
    assert HOUR_MS / reported.step_ms <= 60


async def test_nothing_liquidated_has_no_picture(draw):
    picture, asked, _ = await draw("liquidations", usd=0.0)
    assert (picture, asked) == (None, [])


async def test_zones_are_a_card(draw):
    picture, (request,), _ = await draw("zones")
    assert picture.name == "picture.png"
    assert (len(request.zones), request.tz, request.source_label[:6]) == (3, "Asia/Tokyo", "REPLAY")


@pytest.mark.parametrize("what", ["heatmap", "dashboard"])
async def test_everything_else_is_a_heatmap(draw, what):
    picture, (asked,), _ = await draw(what)
    assert (picture, asked.what) == ("usual", what)
