"""Lay recorded bars out as the events of a market, in time order: the same ones whatever the speed."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from adapters.recording import Recording
from engine.errors import SourceError
from engine.model import STEP_MS, Candle, Gap, MarketEvent, Tick
from engine.path import candle_path


def event_ms(event: MarketEvent) -> int:
    """Return the market time at which an event is known; a candle is known when it closes."""
    if isinstance(event, Candle):
        return event.ts + STEP_MS
    return event.last_ts + STEP_MS if isinstance(event, Gap) else event.ts


def utc_text(at_ms: int) -> str:
    """Return a time as people read it: 2025-10-10 20:35 UTC."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"


class Script:
    """Make the events of each 5-minute step of one or more recordings.

    In a step: a gap that ended there, then 20 prices of every symbol by time, then the closed candles.
    """

    def __init__(self, recordings: Sequence[Recording]) -> None:
        self._recordings = tuple(recordings)
        self.steps = np.unique(np.concatenate([r.candles.ts for r in recordings]))
        self.first_ms = min(r.first_ms for r in recordings)
        self.end_ms = max(r.end_ms for r in recordings)

    def checked(self, at_ms: int) -> int:
        """Return `at_ms`; raise SourceError if the recordings do not reach there."""
        if not self.first_ms <= at_ms <= self.end_ms:
            raise SourceError(
                f"The recording runs from {utc_text(self.first_ms)} to {utc_text(self.end_ms)};"
                f" {utc_text(at_ms)} is outside of it. Choose a moment within."
            )
        return at_ms

    def index_at(self, at_ms: int) -> int:
        """Return the index in `steps` of the first step that is not over at `at_ms`."""
        return int(np.searchsorted(self.steps, at_ms - STEP_MS, side="right"))

    def events(self, index: int) -> list[MarketEvent]:
        """Return the events of one step, in order."""
        timed: list[tuple[int, int, int, MarketEvent]] = []
        for place, recording in enumerate(self._recordings):
            for rank, event in _of_step(recording, int(self.steps[index])):
                timed.append((event_ms(event), rank, place, event))
        return [entry[3] for entry in sorted(timed, key=lambda entry: entry[:3])]


def _of_step(recording: Recording, step_ts: int) -> list[tuple[int, MarketEvent]]:
    """Return (rank among events of the same moment, event) of one symbol's bar, if it has one there."""
    times = recording.candles.ts
    row = int(np.searchsorted(times, step_ts))
    if row == len(times) or times[row] != step_ts:
        return []
    found: list[tuple[int, MarketEvent]] = []
    venue, symbol = recording.venue, recording.symbol
    if row and times[row - 1] != step_ts - STEP_MS:
        first = int(times[row - 1]) + STEP_MS
        found.append((0, Gap(venue=venue, symbol=symbol, first_ts=first, last_ts=step_ts - STEP_MS)))
    candle = recording.candles.row(row, venue=venue, symbol=symbol)
    for ts, price in zip(*candle_path(candle), strict=True):
        tick = Tick(venue=venue, symbol=symbol, ts=int(ts), price=float(price), interpolated=True)
        found.append((1, tick))
    found.append((2, candle))
    return found
