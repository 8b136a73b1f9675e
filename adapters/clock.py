"""Keep market time for a replay: it runs at a speed, pauses, jumps, and never passes what was handed out."""

import time
from collections.abc import Callable

CATCH_UP_S = 0.5
"""How much lost time, in seconds of the wall clock, may be made up after a slow consumer; more is dropped."""


class ReplayClock:
    """Turn a monotonic clock into market time, int ms UTC.

    `speed` is market seconds in one second; None means "as fast as possible": time
    then goes from event to event.
    Time stands still at `limit_ms`, the moment of the next event that nobody has taken yet.
    """

    def __init__(
        self, start_ms: int, speed: float | None = 1.0, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._monotonic = monotonic
        self._speed = speed
        self._base_ms = float(start_ms)
        self._anchor_s = monotonic()
        self._limit_ms = start_ms
        self._paused = False

    @property
    def speed(self) -> float | None:
        """Return market seconds in one second, None for as fast as possible."""
        return self._speed

    @property
    def paused(self) -> bool:
        """Say whether time was stopped on purpose."""
        return self._paused

    def now_ms(self) -> int:
        """Return the market time."""
        return int(min(self._free_ms(), self._limit_ms))

    def _free_ms(self) -> float:
        """Return the time it would be if no event held it back."""
        if self._paused or self._speed is None:
            return self._base_ms
        return self._base_ms + (self._monotonic() - self._anchor_s) * 1000 * self._speed

    def _anchor(self, at_ms: float) -> None:
        self._base_ms = at_ms
        self._anchor_s = self._monotonic()

    def pause(self) -> None:
        """Stop time where it is."""
        self._anchor(self.now_ms())
        self._paused = True

    def resume(self) -> None:
        """Let time run on from where it stopped."""
        if self._paused:
            self._paused = False
            self._anchor(self._base_ms)

    def set_speed(self, speed: float | None) -> None:
        """Change the speed from now on, without a jump. Raise ValueError unless it is above 0 or None."""
        if speed is not None and not speed > 0:
            raise ValueError(f"speed must be above 0, or None for as fast as possible; got {speed}")
        self._anchor(self.now_ms())
        self._speed = speed

    def seek(self, at_ms: int) -> None:
        """Jump; time stands at `at_ms` until an event is handed out. A paused clock stays paused."""
        self._limit_ms = at_ms
        self._anchor(at_ms)

    def handed_out(self, at_ms: int, next_ms: int) -> None:
        """Say that the event of `at_ms` was taken: time may run up to `next_ms`, the moment of the next one.

        Time lost to a slow consumer beyond CATCH_UP_S is not made up, so that a replay never rushes.
        """
        self._limit_ms = next_ms
        if self._speed is None:
            self._base_ms = at_ms
        elif self._free_ms() > at_ms + CATCH_UP_S * 1000 * self._speed:
            self._anchor(at_ms + CATCH_UP_S * 1000 * self._speed)

    def wait_s(self, at_ms: int) -> float | None:
        """Return seconds of the wall clock until `at_ms`, 0 when it is due, None while time is stopped."""
        if self._paused:
            return None
        if self._speed is None:
            return 0.0
        return max(0.0, (at_ms - self._free_ms()) / 1000 / self._speed)
