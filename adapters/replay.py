"""Play recorded candles back as if they happened now, on a clock that can be paused, sped up and sought."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from pathlib import Path

import numpy as np

from adapters.clock import ReplayClock
from adapters.recording import Recording, load_recording
from adapters.script import Script, event_ms, utc_text
from adapters.venue import Feed, SourceKind, VenueHealth, VenueState
from engine.errors import SourceError
from engine.model import STEP_MS, Candles, MarketEvent, SourceEnded, SourceSought

DEFAULT_START_MS = 1_760_126_400_000
"""2025-10-10 20:00 UTC, shortly before the largest liquidation cascade there has been."""
DEFAULT_SPEED = 60.0
DEFAULT_SYMBOLS = ("BTCUSDT", "ETHUSDT")

Wait = Callable[[asyncio.Event, float | None], Awaitable[None]]
"""Wait for an event, or until a time-out in seconds of the wall clock (None: for ever)."""


def shipped_recordings() -> Path:
    """Return the directory of the recordings that ship with Liqwatch."""
    return Path(__file__).parent / "data"


async def wait_for(event: asyncio.Event, timeout_s: float | None) -> None:
    """Wait on the wall clock."""
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        return


def _load(folder: Path, symbols: Sequence[str]) -> dict[str, Recording]:
    """Read the recordings of these symbols; raise SourceError that names those there are."""
    there = sorted(path.stem for path in folder.glob("*.parquet"))
    strangers = [symbol for symbol in symbols if symbol not in there]
    if strangers or not symbols:
        raise SourceError(
            f"The replay has no recording of {', '.join(strangers) or 'nothing'}: there is"
            f" {', '.join(there) or 'none'} in {folder}. Set LIQWATCH_SYMBOLS to some of these."
        )
    return {symbol: load_recording(folder / f"{symbol}.parquet", symbol) for symbol in symbols}


class Replay:
    """Be a Source that reads recorded 5-minute candles.

    It emits the same 20 prices a candle at any speed, all symbols together in market-time order, and nothing
    faster than it is taken: the clock stands at the next event until somebody asks for it. `events` is read
    by one reader at a time; a reader that starts again goes on after the last event handed out.
    """

    def __init__(
        self,
        directory: Path | None = None,
        *,
        symbols: Sequence[str] = DEFAULT_SYMBOLS,
        start_ms: int | None = None,
        speed: float | None = DEFAULT_SPEED,
        monotonic: Callable[[], float] = time.monotonic,
        wait: Wait = wait_for,
    ) -> None:
        """Load the recordings; raise SourceError for a bad file or a start outside of them."""
        self._recordings = _load(directory or shipped_recordings(), symbols)
        self._script = Script(tuple(self._recordings.values()))
        start = self._script.checked(DEFAULT_START_MS if start_ms is None else start_ms)
        self._clock = ReplayClock(start, speed, monotonic=monotonic)
        self._wait = wait
        self._wake = asyncio.Event()
        self._queue: deque[MarketEvent] = deque()
        self._next_step = 0
        self._sought_ms: int | None = None
        self._ended = False
        self._open = True
        self._messages = dict.fromkeys(self.venues, 0)
        self._aim(start)

    @property
    def kind(self) -> SourceKind:
        """Return that this is a replay."""
        return SourceKind.REPLAY

    @property
    def symbols(self) -> tuple[str, ...]:
        """Return the recorded symbols."""
        return tuple(self._recordings)

    @property
    def listed(self) -> tuple[str, ...]:
        """Return the same: every recording that is played is served."""
        return self.symbols

    def follow(self, symbol: str) -> None:
        """Refuse a symbol that is not played: recordings are chosen at the start. Raise SourceError."""
        if symbol not in self._recordings:
            raise SourceError(f"The replay plays no {symbol}. Set LIQWATCH_SYMBOLS to play others.")

    def unfollow(self, symbol: str) -> None:
        """Go on playing: what is recorded costs nothing."""

    @property
    def venues(self) -> tuple[str, ...]:
        """Return the recorded venues."""
        return tuple(dict.fromkeys(r.venue for r in self._recordings.values()))

    def venues_of(self, symbol: str) -> tuple[str, ...]:
        """Return the venue whose recording of a symbol there is."""
        return (self._recordings[symbol].venue,)

    @property
    def feeds(self) -> frozenset[Feed]:
        """Return candles and prices, and open interest if any recording has it; never liquidations."""
        known = {Feed.CANDLES, Feed.PRICES}
        if any(r.has_open_interest for r in self._recordings.values()):
            known.add(Feed.OPEN_INTEREST)
        return frozenset(known)

    @property
    def first_ms(self) -> int:
        """Return the first recorded moment."""
        return self._script.first_ms

    @property
    def end_ms(self) -> int:
        """Return the last recorded moment."""
        return self._script.end_ms

    @property
    def position_ms(self) -> int:
        """Return where the replay stands, in market time."""
        return self._clock.now_ms()

    @property
    def speed(self) -> float | None:
        """Return market seconds in one second, None for as fast as possible."""
        return self._clock.speed

    @property
    def paused(self) -> bool:
        """Say whether it was paused."""
        return self._clock.paused

    @property
    def ended(self) -> bool:
        """Say whether the end was reached and said."""
        return self._ended

    def now_ms(self) -> int:
        """Return the market clock."""
        return self._clock.now_ms()

    def label(self) -> str:
        """Return the line that stands on everything made from this replay."""
        if self._ended:
            return f"REPLAY ended {utc_text(self.end_ms)}"
        return f"REPLAY {utc_text(self.now_ms())}{' paused' if self.paused else ''}"

    def pause(self) -> None:
        """Stop handing out events, and time with it."""
        self._clock.pause()
        self._wake.set()

    def resume(self) -> None:
        """Go on from where it was paused."""
        self._clock.resume()
        self._wake.set()

    def set_speed(self, speed: float | None) -> None:
        """Change the speed; None is as fast as possible. Raise ValueError unless it is above 0."""
        self._clock.set_speed(speed)
        self._wake.set()

    def seek(self, ts_ms: int) -> None:
        """Jump to a moment; readers get SourceSought next. Raise SourceError outside of the recording."""
        self._sought_ms = self._script.checked(ts_ms)
        self._wake.set()

    async def history(
        self, symbol: str, *, until_ms: int, since_ms: int = 0, venue: str | None = None
    ) -> Candles:
        """Return recorded bars with `since_ms <= ts` that are closed at `until_ms` (views, oldest first)."""
        recording = self._recordings.get(symbol)
        if recording is None or venue not in (None, recording.venue):
            raise SourceError(
                f"The replay has no {symbol} of {venue or 'any venue'}: {', '.join(self.symbols)}."
            )
        first, last = np.searchsorted(recording.candles.ts, [since_ms, until_ms - STEP_MS + 1])
        return recording.candles[slice(int(first), int(last))]

    async def events(self) -> AsyncGenerator[MarketEvent]:
        """Yield events when they are due; after the end wait for a seek; stop when closed."""
        while self._open:
            self._wake.clear()
            if self._sought_ms is not None:
                yield self._jump(self._sought_ms)
            elif not self._queue:
                await self._wait(self._wake, None)
            elif (delay_s := self._clock.wait_s(event_ms(self._queue[0]))) != 0:
                await self._wait(self._wake, delay_s)
            else:
                yield self._hand_out()
                await asyncio.sleep(0)  # at full speed others must have their turn as well

    def health(self) -> list[VenueHealth]:
        """Return that the recording plays, is paused or has ended."""
        state = VenueState.PAUSED if self.paused else VenueState.UP
        detail = "recorded candles, prices within a candle are interpolated"
        if self._ended:
            state, detail = VenueState.ENDED, f"the recording ended at {utc_text(self.end_ms)}"
        return [
            VenueHealth(
                venue=venue,
                state=state,
                last_event_ms=self.position_ms if self._messages[venue] else None,
                messages=self._messages[venue],
                feeds=self.feeds,
                detail=detail,
            )
            for venue in self.venues
        ]

    async def aclose(self) -> None:
        """Stop the events."""
        self._open = False
        self._wake.set()

    def _aim(self, at_ms: int) -> None:
        """Make the next event the first one that is not yet known at `at_ms`."""
        index = self._script.index_at(at_ms)
        self._queue.clear()
        self._next_step = index
        self._fill()
        while self._queue and self._is_past(self._queue[0], at_ms):
            self._queue.popleft()
        self._fill()

    @staticmethod
    def _is_past(event: MarketEvent, at_ms: int) -> bool:
        return event_ms(event) < at_ms

    def _fill(self) -> None:
        """Lay out the next step once the present one is used up; say the end after the last."""
        while not self._queue and self._next_step < len(self._script.steps):
            self._queue.extend(self._script.events(self._next_step))
            self._next_step += 1
        if not self._queue and not self._ended:
            self._queue.append(SourceEnded(ts=self.end_ms))

    def _hand_out(self) -> MarketEvent:
        event = self._queue.popleft()
        at_ms = event_ms(event)
        self._ended = isinstance(event, SourceEnded)
        self._fill()
        self._clock.handed_out(at_ms, event_ms(self._queue[0]) if self._queue else at_ms)
        venue = getattr(event, "venue", None)
        if venue is not None:
            self._messages[venue] += 1
        return event

    def _jump(self, at_ms: int) -> SourceSought:
        backwards = at_ms < self.now_ms()
        self._sought_ms = None
        self._ended = False
        self._clock.seek(at_ms)
        self._aim(at_ms)
        return SourceSought(ts=at_ms, backwards=backwards)
