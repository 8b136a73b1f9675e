"""Join Telegram: the way out for alerts and the front, over one bot."""

from bot.alerting.engine import Alerting
from bot.chats import Front, Inside
from bot.commands.grounds import Grounds
from bot.delivery import telegram
from bot.delivery.channel import Channel
from bot.delivery.reroute import Fallback
from bot.reporting.moves import Moves
from bot.telegram import front as telegram_front
from bot.telegram.grounds import TelegramGrounds
from bot.telegram.webhook import Hook, secret_of
from config.chat_sections import ChatSettings
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
        self.grounds: Grounds = TelegramGrounds(self._post.bot)

    def front(self, inside: Inside) -> Front:
        """Return the front, not yet running."""
        behind = telegram_front.Behind(
            commands=inside.commands,
            market=inside.market,
            state=self._state,
            aliases=inside.settings.symbols.aliases,
            hook=hook_of(inside.settings.chat),
            moves=Moves(
                self.name, self._state, rules_changed=inside.rules_changed, now_ms=inside.market.now_ms
            ),
        )
        return telegram_front.TelegramFront(self._post, self._ledger, behind)

    async def close(self) -> None:
        """Close the connections to the Bot API."""
        await self._post.close()


def hook_of(chat: ChatSettings) -> Hook | None:
    """Return where Telegram is to send what people do; None where it is fetched."""
    if chat.telegram_webhook_url is None or chat.telegram_token is None:
        return None
    own = chat.telegram_webhook_secret
    return Hook(
        url=chat.telegram_webhook_url,
        secret=own.get_secret_value() if own else secret_of(chat.telegram_token.get_secret_value()),
        host=chat.telegram_webhook_host,
        port=chat.telegram_webhook_port,
    )
