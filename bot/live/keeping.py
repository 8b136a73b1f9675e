"""Give a store what is new beside the loop that carries prices: a slow disk holds up nobody."""

import asyncio
from collections.abc import Awaitable, Callable


class KeepSoon:
    """Keep each symbol in a task of its own, one at a time; what comes meanwhile is kept together after it.

    `keep` writes all that is new of a symbol.
    """

    def __init__(self, keep: Callable[[str], Awaitable[None]]) -> None:
        self._keep = keep
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._news: set[str] = set()

    def soon(self, symbol: str) -> None:
        """Let what is new of a symbol be kept."""
        self._news.add(symbol)
        if symbol not in self._tasks:
            self._tasks[symbol] = asyncio.create_task(self._on(symbol))

    async def _on(self, symbol: str) -> None:
        try:
            while symbol in self._news:
                self._news.discard(symbol)
                await self._keep(symbol)
        finally:
            del self._tasks[symbol]

    async def all(self) -> None:
        """Wait until everything that was new is kept."""
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
