"""Make the one connection to Discord that alerts and the front share."""

import logging

import discord
from discord.gateway import DiscordWebSocket
from discord.http import Route
from yarl import URL

API_URL = "https://discord.com/api/v10"
GATEWAY_URL = "wss://gateway.discord.gg/"
RATE_LIMIT_PATIENCE_S = 30.0
"""How long the library may wait for a bucket by itself; what takes longer is given back."""


def make_client(*, api_url: str = API_URL, gateway_url: str = GATEWAY_URL) -> discord.Client:
    """Return a client that is not logged in yet, and pings nobody by itself.

    Other addresses than Discord's are for proxies of one's own; they hold for the whole process.
    """
    Route.BASE = api_url.rstrip("/")
    DiscordWebSocket.DEFAULT_GATEWAY = URL(gateway_url)
    logging.getLogger("discord").setLevel(logging.CRITICAL + 1)  # the front says what matters, once
    return discord.Client(
        intents=discord.Intents(guilds=True),
        max_messages=None,
        member_cache_flags=discord.MemberCacheFlags.none(),
        chunk_guilds_at_startup=False,
        allowed_mentions=discord.AllowedMentions.none(),
        max_ratelimit_timeout=RATE_LIMIT_PATIENCE_S,
    )
