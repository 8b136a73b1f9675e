"""Make the one connection to Discord that alerts and the front share."""

import logging
import time
from collections.abc import Sequence
from typing import Any

import discord
from discord.gateway import DiscordWebSocket
from discord.http import Route
from yarl import URL

API_URL = "https://discord.com/api/v10"
GATEWAY_URL = "wss://gateway.discord.gg/"
SWEEP_S = 30.0
"""How often the library looks for limits that nobody uses any more."""
RATE_LIMIT_PATIENCE_S = 30.0
"""How long the library may wait for a bucket by itself; what takes longer is given back."""


def make_client(
    *,
    api_url: str = API_URL,
    gateway_url: str = GATEWAY_URL,
    shards: int | None = None,
    shard_ids: Sequence[int] = (),
) -> discord.Client:
    """Return a client that is not logged in yet, and pings nobody by itself.

    Other addresses than Discord's are for proxies of one's own; they hold for the whole process.
    `shards` says over how many connections the servers are spread (0: as Discord advises; None: one that is
    no shard), and `shard_ids` which of them this client opens, all where none is named.
    """
    Route.BASE = api_url.rstrip("/")
    DiscordWebSocket.DEFAULT_GATEWAY = URL(gateway_url)
    logging.getLogger("discord").setLevel(logging.CRITICAL + 1)  # the front says what matters, once
    options: dict[str, Any] = {
        "intents": discord.Intents(guilds=True),
        "max_messages": None,
        "member_cache_flags": discord.MemberCacheFlags.none(),
        "chunk_guilds_at_startup": False,
        "allowed_mentions": discord.AllowedMentions.none(),
        "max_ratelimit_timeout": RATE_LIMIT_PATIENCE_S,
    }
    if shards is None:
        return _sweeping_seldom(discord.Client(**options))
    if shard_ids:
        options["shard_ids"] = list(shard_ids)
    return _sweeping_seldom(discord.AutoShardedClient(**options, shard_count=shards or None))


def _sweeping_seldom(client: discord.Client) -> discord.Client:
    """Let the library look for limits that nobody uses any more now and then, not with each chat it meets.

    It keeps one a chat, and looks at all of them whenever it meets another: in a burst to thousands of people
    that takes longer than the messages.
    """
    http: Any = client.http
    sweep, swept_s = http._try_clear_expired_ratelimits, -SWEEP_S  # noqa: SLF001 - there is no setting for it

    def sweep_seldom() -> None:
        nonlocal swept_s
        now_s = time.monotonic()
        if now_s - swept_s >= SWEEP_S:
            swept_s = now_s
            sweep()

    http._try_clear_expired_ratelimits = sweep_seldom  # noqa: SLF001 - as above
    return client
