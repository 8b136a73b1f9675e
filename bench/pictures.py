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
from bot.commands.models import Modelled
from bot.live.book import Book, Place
from bot.live.scale import scale_of
from bot.live.view import SymbolView
from bot.live.window import ModelFeed, Window, columns_grid, window_grid
from bot.pictures import window_label
from bot.render.cascade import draw_cascade
from bot.render.cascade_request import CascadeRequest, cascade_scene_of
from bot.render.compose import scene_of
from bot.render.fonts import find_faces
from bot.render.heatmap import draw
from bot.render.request import HeatmapRequest
from bot.truth.shelf import Shelf
from config.settings import CalibrationSettings
from engine.errors import DataError
from engine.grid import Grid
from engine.heatmap import Heatmap
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
    model: str = MODEL

    @property
    def at_ms(self) -> int:
        """Return the market time."""
        return int(datetime.fromisoformat(self.at).replace(tzinfo=UTC).timestamp() * 1000)

    @property
    def window(self) -> Window:
        """Return the window it shows."""
        return Window(window_ms=self.window_h * HOUR_MS, bins=BINS, max_cols=MAX_COLS)


SHOTS = (
    Shot(name="october-before", at="2025-10-10T20:45", window_h=24),
    Shot(name="october-sweep", at="2025-10-10T20:45"),
    Shot(name="october-bottom", at="2025-10-10T21:20", window_h=24),
    Shot(name="october-after", at="2025-10-11T09:00", window_h=24),
    Shot(name="december-leverage", at="2025-12-19T12:00", window_h=72, model="leverage"),
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
    candles, book = recorded(), _book()
    taken, fed = {}, 0
    for shot in sorted((s for s in shots if s.model == MODEL), key=lambda s: s.at_ms):
        until = int(np.searchsorted(candles.ts, shot.at_ms))
        book.feed(candles[slice(fed, until)])
        fed = until
        taken[shot.name] = _sweep(book, shot) if not shot.window_h else _heatmap(book, shot)
    return taken | {shot.name: _modelled(candles, shot) for shot in shots if shot.model != MODEL}


def _book() -> Book:
    scale = scale_of(SYMBOL, CalibrationSettings())
    preset = PRESETS[MODEL]
    return Book(Place(venue=VENUE, symbol=SYMBOL, preset=preset, usd_scale=scale, zones=ZoneParams()))


def _view(book: Book) -> tuple[SymbolView, Standing]:
    view = book.view()
    if view is None:
        raise DataError(f"{SYMBOL}: nothing is recorded before the picture's time")
    return view, Standing.of(book.slices(view.candle_ts, view.candle_ts + STEP_MS)[0])


def _label(shot: Shot) -> str:
    return f"REPLAY {shot.at.replace('T', ' ')} UTC"


def _sweep(book: Book, shot: Shot) -> Taken:
    """Return the picture of what moves would sweep."""
    view, standing = _view(book)
    accuracy = Shelf().line(SYMBOL, shot.model)
    asked = replace(CascadeRequest.of(view, now_ms=shot.at_ms), source_label=_label(shot), accuracy=accuracy)
    png = draw_cascade(cascade_scene_of(asked, standing), find_faces())
    return Taken(shot=shot, png=png, view=view, standing=standing, grid=None)


def _heatmap(book: Book, shot: Shot) -> Taken:
    """Return the heatmap of a book."""
    view, standing = _view(book)
    grid = window_grid(book, view, shot.window)
    png = draw(scene_of(_asked(view, shot), grid), find_faces())
    return Taken(shot=shot, png=png, view=view, standing=standing, grid=grid)


def _asked(view: SymbolView, shot: Shot) -> HeatmapRequest:
    window_ms = shot.window.window_ms
    request = HeatmapRequest.of(
        view, now_ms=shot.at_ms, window_ms=window_ms, window_label=window_label(window_ms)
    )
    return replace(request, source_label=_label(shot), accuracy=Shelf().line(SYMBOL, shot.model))


def _modelled(candles: Candles, shot: Shot) -> Taken:
    """Return the heatmap of another model, fed with all that is recorded of open interest before."""
    history = candles[slice(0, int(np.searchsorted(candles.ts, shot.at_ms)))]
    history = history[slice(int(np.argmax(np.isfinite(history.open_interest))), len(history))]
    book = _book()
    book.feed(history, zones_from=shot.at_ms)
    view, standing = _view(book)
    preset = PRESETS[shot.model]
    chosen = Modelled(feed=ModelFeed(preset=preset, history=history), label=shot.model)
    heatmap, first = Heatmap(preset), len(history) - shot.window.window_ms // STEP_MS
    heatmap.feed(history[:first])
    grid = columns_grid(view, heatmap.feed(history[first:]), history[first:], shot.window)
    days = chosen.days - shot.window_h / 24
    request = replace(_asked(view, shot), model=chosen.label, about=chosen.about)
    request = replace(
        request, warm=days >= preset.warm_days, warm_days=preset.warm_days, history_days=days, zones=None
    )
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
