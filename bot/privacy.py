"""Hand out or remove everything kept about one user, in both stores and in memory."""

from collections.abc import Awaitable, Callable
from typing import Any

from engine.model import UserId
from storage import forget as everything
from storage.market import MarketStore
from storage.state import StateStore


class Privacy:
    """Answer `/data export` and `/data forget`."""

    def __init__(
        self, state: StateStore, market: MarketStore, forgotten: Callable[[UserId], Awaitable[None]]
    ) -> None:
        self._state = state
        self._market = market
        self._forgotten = forgotten

    async def export(self, user_id: UserId) -> dict[str, list[dict[str, Any]]]:
        """Return every row of a user, by table."""
        return await everything.export(self._state, self._market, user_id)

    async def forget(self, user_id: UserId) -> dict[str, int]:
        """Remove every row of a user from both stores; return how many by table."""
        counts = await everything.forget(self._state, self._market, user_id)
        await self._forgotten(user_id)
        return counts
