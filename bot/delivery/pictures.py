"""Draw the picture of a message at the moment it is sent, and never let a picture stop a message."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from bot.delivery.channel import Picture, PictureRequest

log = structlog.get_logger(__name__)

Draw = Callable[[PictureRequest], Awaitable[Picture | None]]
"""Draw what a message asks for, or return None where there is nothing to draw."""


class Pictures:
    """Ask for pictures, the same one once however many messages want it at the same time."""

    def __init__(self, draw: Draw | None, *, timeout_s: float = 4.0) -> None:
        self._draw = draw
        self._timeout_s = timeout_s
        self._under_way: dict[PictureRequest, asyncio.Task[Picture | None]] = {}

    async def get(self, request: PictureRequest | None) -> Picture | None:
        """Return a picture, or None where there is none or it took too long."""
        if request is None or self._draw is None:
            return None
        task = self._under_way.get(request)
        if task is None:
            task = asyncio.create_task(self._guarded(self._draw, request))
            self._under_way[request] = task
            task.add_done_callback(lambda _: self._under_way.pop(request, None))
        return await asyncio.shield(task)

    async def _guarded(self, draw: Draw, request: PictureRequest) -> Picture | None:
        """Draw one picture; whatever goes wrong is logged and costs the picture only."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await draw(request)
        except TimeoutError:
            log.warning("delivery.picture_late", symbol=request.symbol, timeout_s=self._timeout_s)
            return None
        except Exception:  # part of a delivery attempt: the text goes out without its picture
            log.exception("delivery.picture_failed", symbol=request.symbol)
            return None

    async def close(self) -> None:
        """Stop what is being drawn."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
