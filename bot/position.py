"""Remember where a replay stands, so that it goes on there after a restart."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from storage.epochs import begin_epoch
from storage.notes import get_note, set_note
from storage.state import StateStore

NOTE = "replay"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a replay begins: market time, and whether that lies before where it once stood."""

    start_ms: int
    backwards: bool


async def find_place(
    state: StateStore, *, asked_ms: int | None, default_ms: int, wall_ms: Callable[[], int]
) -> Place:
    """Return where to begin: where it stopped, unless another start than last time was asked for.

    A start before where the replay once stood begins a new epoch: what was decided after it is void.
    """

    def find(session: Session) -> Place:
        note = get_note(session, NOTE) or {}
        stood_ms, asked_before = note.get("position_ms"), note.get("asked_ms")
        start_ms = default_ms if asked_ms is None else asked_ms
        if stood_ms is not None and asked_ms in (None, asked_before):
            start_ms = int(stood_ms)
        backwards = stood_ms is not None and start_ms < stood_ms
        if backwards:
            begin_epoch(session, market_ms=start_ms, wall_ms=wall_ms())
        asked = asked_ms if asked_ms is not None else asked_before
        set_note(session, NOTE, {"position_ms": start_ms, "asked_ms": asked})
        return Place(start_ms=start_ms, backwards=backwards)

    return await state.run(find)


class PlaceKeeper:
    """Write the replay's place down, the newest one only, without holding up the feed."""

    def __init__(self, state: StateStore) -> None:
        self._state = state
        self._latest_ms: int | None = None
        self._changed = asyncio.Event()

    def reached(self, ts_ms: int) -> None:
        """Note that everything up to a market time has been dealt with."""
        self._latest_ms = ts_ms
        self._changed.set()

    async def run(self) -> None:
        """Write each new place; runs until cancelled."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self.flush()

    async def flush(self) -> None:
        """Write the newest place now."""
        latest_ms, self._latest_ms = self._latest_ms, None
        if latest_ms is None:
            return

        def write(session: Session) -> None:
            note = get_note(session, NOTE) or {}
            set_note(session, NOTE, {**note, "position_ms": latest_ms})

        await self._state.run(write)
