"""Draw the cards of the documentation from the recording that ships: `python -m bench.cards FOLDER`.

As `bench.pictures` does for heatmaps; a test draws them again and compares.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from adapters.recording import load_recording
from adapters.replay import shipped_recordings
from bench.pictures import BINS, MAX_COLS, MODEL, VENUE, Shot, shrunk
from bot.live.book import Book, Place
from bot.live.scale import scale_of
from bot.live.view import SymbolView
from bot.live.window import Window, window_grid
from bot.pictures import window_label
from bot.render.fonts import find_faces
from bot.render.grid_request import GridRequest
from bot.render.market_card import draw_market_card
from bot.render.market_request import MarketRequest
from bot.render.panels import draw_panels
from bot.render.picture import Layout, Theme
from bot.render.request import HeatmapRequest
from bot.render.swept_request import SweptRequest, standing_usd
from bot.render.zones_card import draw_zones_card
from bot.render.zones_request import ZonesRequest
from bot.truth.shelf import Shelf
from config.settings import CalibrationSettings
from engine.errors import DataError
from engine.grid import Grid
from engine.model import DAY_MS, STEP_MS, Candles
from engine.presets import PRESETS
from engine.zones import ZoneParams

SYMBOLS = ("BTCUSDT", "ETHUSDT")
BEFORE = Shot(name="before", at="2025-10-10T20:45", window_h=24)
AFTER = Shot(name="after", at="2025-10-10T21:00", window_h=24)
CALM = Shot(name="calm", at="2025-12-19T12:00", window_h=24)
REACH = 0.12


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """Hold one market as it stood at a time, and its candles up to then."""

    shot: Shot
    view: SymbolView
    grid: Grid
    candles: Candles

    @property
    def label(self) -> str:
        """Return the line of a replay."""
        return f"REPLAY {self.shot.at.replace('T', ' ')} UTC"


@cache
def stands(symbol: str) -> Mapping[str, Stand]:
    """Return a market at every time, in the order of times."""
    candles = load_recording(shipped_recordings() / f"{symbol}.parquet", symbol).candles
    scale = scale_of(symbol, CalibrationSettings())
    place = Place(venue=VENUE, symbol=symbol, preset=PRESETS[MODEL], usd_scale=scale, zones=ZoneParams())
    book, found, fed = Book(place), {}, 0
    for shot in (BEFORE, AFTER, CALM):
        until = int(np.searchsorted(candles.ts, shot.at_ms))
        book.feed(candles[slice(fed, until)])
        fed = until
        found[shot.name] = _stand(book, shot, candles[slice(0, until)])
    return found


def _stand(book: Book, shot: Shot, candles: Candles) -> Stand:
    view = book.view()
    if view is None:
        raise DataError(f"{shot.name}: nothing is recorded before the picture's time")
    low, high = view.price * (1 - REACH), view.price * (1 + REACH)
    window = Window(window_ms=shot.window.window_ms, low=low, high=high, bins=BINS, max_cols=MAX_COLS)
    return Stand(shot=shot, view=view, grid=window_grid(book, view, window), candles=candles)


def _heatmap(stand: Stand) -> HeatmapRequest:
    window_ms = stand.shot.window.window_ms
    plain = HeatmapRequest.of(
        stand.view, now_ms=stand.shot.at_ms, window_ms=window_ms, window_label=window_label(window_ms)
    )
    accuracy = Shelf().line(stand.view.symbol, MODEL)
    return replace(plain, source_label=stand.label, accuracy=accuracy)


def _zones() -> bytes:
    stand = stands("BTCUSDT")["calm"]
    plain = ZonesRequest.of(stand.view, now_ms=stand.shot.at_ms)
    zones = stand.view.zones.zones if stand.view.zones else ()
    accuracy = Shelf().line(stand.view.symbol, MODEL)
    asked = replace(plain, zones=zones, source_label=stand.label, accuracy=accuracy)
    return draw_zones_card(asked.scene(), find_faces())


def _market() -> bytes:
    stand = stands("ETHUSDT")["before"]
    day = stand.candles[slice(len(stand.candles) - DAY_MS // STEP_MS, len(stand.candles))]
    asked = replace(
        MarketRequest.of(stand.view, now_ms=stand.shot.at_ms),
        ts=day.ts + STEP_MS,
        closes=day.close,
        low_24h=stand.view.low_24h,
        high_24h=stand.view.high_24h,
        volume_usd=stand.view.volume_24h_usd,
        source_label=stand.label,
        layout=Layout.PORTRAIT,
    )
    return draw_market_card(asked.scene(), find_faces())


def _grid() -> bytes:
    both = [stands(symbol)["before"] for symbol in SYMBOLS]
    panels = tuple(replace(_heatmap(stand), layout=Layout.PORTRAIT) for stand in both)
    return draw_panels(GridRequest(panels=panels).scene([stand.grid for stand in both]), find_faces())


def _swept() -> bytes:
    before, after = stands("BTCUSDT")["before"], stands("BTCUSDT")["after"]
    zones = before.view.zones.zones if before.view.zones else ()
    zone = max((each for each in zones if each.high < before.view.price), key=lambda each: each.notional_usd)
    asked = SweptRequest(
        now=replace(_heatmap(after), theme=Theme.LIGHT),
        zone=zone,
        swept_usd=zone.notional_usd - standing_usd(after.grid, zone, -1),
        swept_ts=before.shot.at_ms,
    )
    return draw_panels(asked.scene([after.grid]), find_faces())


CARDS: dict[str, Callable[[], bytes]] = {
    "card-zones": _zones,
    "card-market": _market,
    "card-grid": _grid,
    "card-swept": _swept,
}
"""Every card by the name of its file."""


def main() -> None:
    """Write every card into a folder."""
    for name, draw in CARDS.items():
        (Path(sys.argv[1]) / f"{name}.png").write_bytes(shrunk(draw()))


if __name__ == "__main__":
    main()
