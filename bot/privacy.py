"""Hand out or remove everything kept about one user, in both stores and in memory."""

from collections.abc import Awaitable, Callable
from typing import Any

from engine.errors import SealError
from engine.model import UserId
from storage import forget as everything
from storage.channels import address_in, list_channels
from storage.market import MarketStore
from storage.sealed import Sealer
from storage.state import StateStore
from storage.tables import OwnChannel


class Privacy:
    """Answer `/data export` and `/data forget`."""

    def __init__(
        self,
        state: StateStore,
        market: MarketStore,
        forgotten: Callable[[UserId], Awaitable[None]],
        *,
        sealer: Sealer | None = None,
    ) -> None:
        self._sealer = sealer
        self._state = state
        self._market = market
        self._forgotten = forgotten

    async def export(self, user_id: UserId) -> dict[str, list[dict[str, Any]]]:
        """Return every row of a user, by table; addresses as they are, keys and secrets left out."""
        found = await everything.export(self._state, self._market, user_id)
        rows = await self._state.read(lambda session: list_channels(session, user_id))
        opened = {row.channel_id: self._opened(row) for row in rows}
        for row in found.get("channels", []):
            row["address"] = opened.get(row["channel_id"])
            del row["secret"], row["mark"]
        for row in found.get("channel_codes", []):
            del row["digest"]
        return found

    def _opened(self, row: OwnChannel) -> str | None:
        """Return a channel's address, None where it cannot be read here."""
        try:
            return address_in(row, self._sealer) if self._sealer is not None else None
        except SealError:
            return None

    async def forget(self, user_id: UserId) -> dict[str, int]:
        """Remove every row of a user from both stores; return how many by table."""
        counts = await everything.forget(self._state, self._market, user_id)
        await self._forgotten(user_id)
        return counts
