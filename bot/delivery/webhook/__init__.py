"""Deliver alerts to programs: one signed request each, by Standard Webhooks."""

from bot.delivery.webhook.channel import CHANNEL, WebhookChannel
from bot.delivery.webhook.signature import new_secret, secret_bytes, sign

__all__ = ["CHANNEL", "WebhookChannel", "new_secret", "secret_bytes", "sign"]
