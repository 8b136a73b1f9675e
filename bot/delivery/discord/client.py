"""Make the one connection to Discord that alerts and the front share."""

import logging
from collections.abc import Sequence
from typing import Any

import discord
from discord.gateway import DiscordWebSocket
from discord.http import Route
from yarl import URL

API_URL = "https://discord.com/api/v10"
GATEWAY_URL = "wss://gateway.discord.gg/"
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
        return discord.Client(**options)
    if shard_ids:
        options["shard_ids"] = list(shard_ids)
    return discord.AutoShardedClient(**options, shard_count=shards or None)
