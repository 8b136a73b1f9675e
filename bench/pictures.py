"""Draw the pictures of the documentation from the recording that ships: `python -m bench.pictures FOLDER`.

The October of 2025 is fed to the same book that serves people, and drawn by the same code. A test draws them
again and compares, so that what the documentation shows is what Liqwatch draws.
"""

import io
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from PIL import Image

from adapters.recording import load_recording
from adapters.replay import shipped_recordings
from bot.live.book import Book, Place
from bot.live.scale import scale_of
from bot.live.view import SymbolView
from bot.live.window import Window, window_grid
from bot.pictures import window_label
from bot.render.cascade import draw_cascade
from bot.render.cascade_request import CascadeRequest, cascade_scene_of
from bot.render.compose import scene_of
from bot.render.fonts import find_faces
from bot.render.heatmap import draw
from bot.render.request import HeatmapRequest
from bot.truth.shelf import Shelf
from config.settings import CalibrationSettings
from engine.grid import Grid
from engine.model import HOUR_MS, STEP_MS, Candles
from engine.presets import PRESETS
from engine.standing import Standing
from engine.zones import ZoneParams

SYMBOL, VENUE, MODEL = "BTCUSDT", "binance", "flow"
BINS, MAX_COLS = 600, 1200
COLOURS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """Say what one picture shows: the market at a time, a window before it, or what moves would sweep."""

    name: str
    at: str
    window_h: int = 0

    @property
    def at_ms(self) -> int:
        """Return the market time."""
        return int(datetime.fromisoformat(self.at).replace(tzinfo=UTC).timestamp() * 1000)


SHOTS = (
    Shot(name="october-before", at="2025-10-10T20:45", window_h=24),
    Shot(name="october-sweep", at="2025-10-10T20:45"),
    Shot(name="october-bottom", at="2025-10-10T21:20", window_h=24),
    Shot(name="october-after", at="2025-10-11T09:00", window_h=24),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """Hold a drawn picture and what it was drawn from; `grid` is None where it has none."""

    shot: Shot
    png: bytes
    view: SymbolView
    standing: Standing
    grid: Grid | None


def recorded() -> Candles:
    """Return the recorded candles."""
    return load_recording(shipped_recordings() / f"{SYMBOL}.parquet", SYMBOL).candles


def take(shots: tuple[Shot, ...] = SHOTS) -> Mapping[str, Taken]:
    """Return every picture by name."""
    candles, scale = recorded(), scale_of(SYMBOL, CalibrationSettings())
    preset = PRESETS[MODEL]
    book = Book(Place(venue=VENUE, symbol=SYMBOL, preset=preset, usd_scale=scale, zones=ZoneParams()))
    taken, fed = {}, 0
    for shot in sorted(shots, key=lambda s: s.at_ms):
        until = int(np.searchsorted(candles.ts, shot.at_ms))
        book.feed(candles[slice(fed, until)])
        fed = until
        taken[shot.name] = _taken(book, shot)
    return taken


def _taken(book: Book, shot: Shot) -> Taken:
    view = book.view((VENUE,))
    if view is None:
        raise SystemExit(f"{SYMBOL}: the recording begins after {shot.at}")
    standing = Standing.of(book.slices(view.candle_ts, view.candle_ts + STEP_MS)[0])
    label = f"REPLAY {shot.at.replace('T', ' ')} UTC"
    accuracy = Shelf().line(SYMBOL, MODEL)
    if not shot.window_h:
        asked = replace(CascadeRequest.of(view, now_ms=shot.at_ms), source_label=label, accuracy=accuracy)
        png = draw_cascade(cascade_scene_of(asked, standing), find_faces())
        return Taken(shot=shot, png=png, view=view, standing=standing, grid=None)
    window_ms = shot.window_h * HOUR_MS
    grid = window_grid(book, view, Window(window_ms=window_ms, bins=BINS, max_cols=MAX_COLS))
    request = HeatmapRequest.of(
        view, now_ms=shot.at_ms, window_ms=window_ms, window_label=window_label(window_ms)
    )
    request = replace(request, source_label=label, accuracy=accuracy)
    png = draw(scene_of(request, grid), find_faces())
    return Taken(shot=shot, png=png, view=view, standing=standing, grid=grid)


def shrunk(png: bytes) -> bytes:
    """Return a picture in few colours, as small as documentation wants it."""
    out = io.BytesIO()
    few = Image.open(io.BytesIO(png)).quantize(COLOURS, kmeans=3, dither=Image.Dither.NONE)
    few.save(out, "PNG", optimize=True)
    return out.getvalue()


def main() -> None:
    """Write every picture into a folder."""
    folder = Path(sys.argv[1])
    for name, taken in take().items():
        (folder / f"{name}.png").write_bytes(shrunk(taken.png))


if __name__ == "__main__":
    main()
