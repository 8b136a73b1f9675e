"""Join Telegram: the way out for alerts and the front, over one bot."""

from bot.alerting.engine import Alerting
from bot.chats import Front, Inside
from bot.delivery import telegram
from bot.delivery.channel import Channel
from bot.delivery.reroute import Fallback
from bot.telegram import front as telegram_front
from config.settings import Settings
from storage.state import StateStore


class Telegram:
    """Telegram, through one bot."""

    name = telegram.CHANNEL

    def __init__(self, token: str, settings: Settings, state: StateStore, alerting: Alerting) -> None:
        self._state = state
        self._post = telegram.Post(token, settings.chat.telegram_base_url)
        self._ledger = telegram.Ledger(state, alerting.rules_changed)
        self.channel: Channel = telegram.TelegramChannel(self._post, self._ledger)
        self.fallback: Fallback = telegram.to_owner

    def front(self, inside: Inside) -> Front:
        """Return the front, not yet running."""
        behind = telegram_front.Behind(
            commands=inside.commands,
            market=inside.market,
            state=self._state,
            aliases=inside.settings.symbols.aliases,
        )
        return telegram_front.TelegramFront(self._post, self._ledger, behind)

    async def close(self) -> None:
        """Close the connections to the Bot API."""
        await self._post.close()
