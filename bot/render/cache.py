"""Keep drawn pictures for as long as their candle is the newest, and draw each only once at a time."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from bot.render.picture import Picture

T = TypeVar("T")


class PictureCache:
    """Hold the pictures used last, of one candle a symbol, within a number of bytes."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._held: OrderedDict[Hashable, tuple[str, int, Picture]] = OrderedDict()
        self.held_bytes = 0

    def __len__(self) -> int:
        return len(self._held)

    def get(self, what: Hashable, candle_ts: int) -> Picture | None:
        """Return the picture of `what` at a candle, or None."""
        found = self._held.get(what)
        if found is None or found[1] != candle_ts:
            return None
        self._held.move_to_end(what)
        return found[2]

    def put(self, what: Hashable, symbol: str, candle_ts: int, picture: Picture) -> None:
        """Keep a picture; those of the symbol's other candles go, then those unused longest."""
        for key in [k for k, (s, ts, _) in self._held.items() if s == symbol and ts != candle_ts]:
            self._drop(key)
        self._drop(what)
        if len(picture.png) > self._limit_bytes:
            return
        self._held[what] = (symbol, candle_ts, picture)
        self.held_bytes += len(picture.png)
        while self.held_bytes > self._limit_bytes:
            self._drop(next(iter(self._held)))

    def forget(self, symbol: str | None = None) -> None:
        """Drop the pictures of a symbol, or all."""
        for key in [k for k, (s, _, _) in self._held.items() if symbol in (None, s)]:
            self._drop(key)

    def _drop(self, key: Hashable) -> None:
        """Take one picture out, if it is there."""
        found = self._held.pop(key, None)
        if found is not None:
            self.held_bytes -= len(found[2].png)


class SingleFlight(Generic[T]):
    """Let everybody who asks for the same thing at the same time wait for one making of it.

    The making is a task of its own: a caller that is cancelled leaves it to the others.
    """

    def __init__(self) -> None:
        self._flying: dict[Hashable, asyncio.Task[T]] = {}

    def __len__(self) -> int:
        return len(self._flying)

    async def run(self, key: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        """Return what `make` returns or raises, made once for all who ask with this key meanwhile."""
        task = self._flying.get(key)
        if task is None:
            task = asyncio.ensure_future(self._made(make))
            self._flying[key] = task
            task.add_done_callback(lambda done: self._landed(key, done))
        return await asyncio.shield(task)

    async def _made(self, make: Callable[[], Awaitable[T]]) -> T:
        """Make it."""
        return await make()

    def _landed(self, key: Hashable, done: asyncio.Task[T]) -> None:
        """Forget a finished task; an error that nobody waited for was still seen."""
        self._flying.pop(key, None)
        if not done.cancelled():
            done.exception()

    async def aclose(self) -> None:
        """Cancel what is under way and wait for its end."""
        tasks = list(self._flying.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
