"""Deliver alerts through a Telegram bot, and hold what the channel shares with its front."""

from bot.delivery.telegram.channel import TelegramChannel, to_owner
from bot.delivery.telegram.ledger import Ledger
from bot.delivery.telegram.places import CHANNEL
from bot.delivery.telegram.post import Post

__all__ = ["CHANNEL", "Ledger", "Post", "TelegramChannel", "to_owner"]
