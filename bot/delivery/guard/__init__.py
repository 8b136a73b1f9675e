"""Keep addresses that users give from leading into private networks, for every channel that calls them."""

from bot.delivery.guard.dial import Dialler
from bot.delivery.guard.networks import Networks
from bot.delivery.guard.urls import REFUSED, Refused, parse

__all__ = ["REFUSED", "Dialler", "Networks", "Refused", "parse"]
