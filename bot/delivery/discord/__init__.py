"""Deliver alerts through a Discord bot, and hold what the channel shares with its front."""

from bot.delivery.discord.channel import DiscordChannel, to_owner
from bot.delivery.discord.client import make_client
from bot.delivery.discord.places import CHANNEL
from bot.delivery.discord.post import Post

__all__ = ["CHANNEL", "DiscordChannel", "Post", "make_client", "to_owner"]
