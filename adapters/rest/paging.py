"""Page through a time range, whatever order a venue's answers come in. Times are ms UTC."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator

from adapters.rest.calls import Call
from adapters.rest.pages import Order, Page, Piece, Rows

Ask = Callable[[Call], Awaitable[object]]
"""Return the decoded answer to a call, or raise CallFailed."""


class Pager:
    """Walk through ranges with one way of asking; `parallel` requests are under way at most."""

    def __init__(self, ask: Ask, page: Page, *, parallel: int) -> None:
        self._ask = ask
        self._page = page
        self._parallel = parallel

    def pieces(self, since_ms: int, until_ms: int) -> AsyncGenerator[Piece]:
        """Yield a range piece by piece, each whole; `since_ms` is included, `until_ms` is not."""
        walk = self._stepped if self._page.step_ms else self._walked
        return walk(since_ms, until_ms)

    async def _stepped(self, since_ms: int, until_ms: int) -> AsyncGenerator[Piece]:
        """Yield pieces of rows in steps, oldest first, some of them asked for ahead."""
        under_way: deque[asyncio.Task[Piece]] = deque()
        spans = _windows(self._page, since_ms, until_ms)
        try:
            while True:
                while len(under_way) < self._parallel and (span := next(spans, None)) is not None:
                    next_ms = span[1] + self._page.step_ms
                    left = (next_ms, until_ms) if next_ms < until_ms else None
                    under_way.append(asyncio.create_task(self._window(*span, left=left)))
                if not under_way:
                    return
                yield await under_way[0]
                under_way.popleft()
        finally:
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)

    async def _window(self, first_ms: int, last_ms: int, *, left: tuple[int, int] | None) -> Piece:
        """Return the rows of one window; what is missing is asked for once more."""
        rows = Rows(self._page)
        await self._fill(rows, first_ms, last_ms)
        if holes := rows.holes(first_ms, last_ms):
            await self._fill(rows, holes[0][0], holes[-1][1])
        return rows.piece(first_ms, last_ms + self._page.step_ms, left)

    async def _fill(self, rows: Rows, first_ms: int, last_ms: int) -> None:
        """Ask until a window is covered or nothing more comes: a venue may give less than a page."""
        while first_ms <= last_ms:
            decoded = await self._ask(self._page.ask(first_ms, last_ms))
            times = rows.add(decoded, first_ms, last_ms)
            if not times:
                return
            if self._page.order is Order.OLDEST_FIRST:
                first_ms = max(times) + self._page.step_ms
            else:
                last_ms = min(times) - self._page.step_ms

    async def _walked(self, since_ms: int, until_ms: int) -> AsyncGenerator[Piece]:
        """Yield pieces of rows at times of their own, until an answer has none."""
        while since_ms < until_ms:
            rows = Rows(self._page)
            decoded = await self._ask(self._page.ask(since_ms, until_ms - 1))
            times = rows.add(decoded, since_ms, until_ms - 1)
            if not times:
                yield rows.piece(since_ms, until_ms, None)
                return
            if self._page.order is Order.OLDEST_FIRST:
                edge_ms = max(times) + 1
                left = (edge_ms, until_ms) if edge_ms < until_ms else None
                yield rows.piece(since_ms, edge_ms, left)
                since_ms = edge_ms
            else:
                edge_ms = min(times)
                left = (since_ms, edge_ms) if since_ms < edge_ms else None
                yield rows.piece(edge_ms, until_ms, left)
                until_ms = edge_ms


def _windows(page: Page, since_ms: int, until_ms: int) -> Iterator[tuple[int, int]]:
    """Return the first and last time of each page of rows in steps."""
    step_ms = page.step_ms
    first_ms = -(-(since_ms - page.offset_ms) // step_ms) * step_ms + page.offset_ms
    end_ms = (until_ms - 1 - page.offset_ms) // step_ms * step_ms + page.offset_ms
    while first_ms <= end_ms:
        last_ms = min(end_ms, first_ms + (page.size - 1) * step_ms)
        yield first_ms, last_ms
        first_ms = last_ms + step_ms
