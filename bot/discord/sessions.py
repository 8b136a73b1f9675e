"""Keep within the sessions that Discord lets a bot begin in a day.

It resets the token of a bot that begins more, and a process that is restarted again and again does.
"""

import asyncio
from collections.abc import Callable, Iterable

import discord
import structlog

from bot.delivery.discord.faults import judge

log = structlog.get_logger(__name__)

ASK_S = 20.0
SPARE = 20
"""Sessions that are left for whoever else uses the token, and for connections that break."""
LONGEST_WAIT_S = 900.0
"""How long is waited at most before Discord is asked once more."""


class Sessions:
    """Ask how many sessions may still be begun, and wait while there are too few."""

    async def room(self, client: discord.Client, say: Callable[[str], None]) -> None:
        """Return once there is room for the client's connections; what is waited for is given to `say`.

        Where Discord does not say how many there are, nothing is waited for: connecting finds out.
        """
        while (wait_s := await self._wait_s(client)) > 0:
            minutes = max(1, round(wait_s / 60))
            say(f"The bot began too many sessions; Discord lets it connect again in {minutes} min.")
            await asyncio.sleep(min(wait_s, LONGEST_WAIT_S))

    async def _wait_s(self, client: discord.Client) -> float:
        try:
            async with asyncio.timeout(ASK_S):
                advised, _, limit = await client.http.get_bot_gateway()
        except Exception as error:  # noqa: BLE001 - judged: the library raises what the network does
            log.info("discord.sessions_not_known", because=judge(error).reason)
            return 0.0
        if client.shard_count is None and not isinstance(client, discord.AutoShardedClient) and advised > 1:
            log.warning("discord.shards_advised", count=advised, what="set LIQWATCH_DISCORD_SHARDS=auto")
        needed = min(connections(client, advised) + SPARE, limit["total"])
        return 0.0 if limit["remaining"] >= needed else limit["reset_after"] / 1e3


def connections(client: discord.Client, advised: int) -> int:
    """Return how many connections a client opens."""
    if not isinstance(client, discord.AutoShardedClient):
        return 1
    return len(client.shard_ids or ()) or client.shard_count or advised


def told_apart(shards: Iterable[int], count: int | None) -> str:
    """Return which connections are gone, in words."""
    named = ", ".join(map(str, sorted(shards)))
    return f"Shard {named} of {count or 1} is not connected to Discord; trying again."
