"""Join Discord: the way out for alerts and the front, over one bot."""

from bot.chats import Front, Inside
from bot.commands.grounds import Grounds
from bot.delivery import discord
from bot.delivery.channel import Channel
from bot.delivery.ledger import Ledger
from bot.delivery.reroute import Fallback
from bot.discord import front as discord_front
from bot.discord.grounds import DiscordGrounds
from bot.reporting.moves import Moves
from config.settings import Settings
from storage.state import StateStore


class Discord:
    """Discord, through one bot."""

    name = discord.CHANNEL

    def __init__(self, token: str, settings: Settings, state: StateStore) -> None:
        self._token = token
        self._state = state
        chat = settings.chat
        client = discord.make_client(
            api_url=chat.discord_api_url,
            gateway_url=chat.discord_gateway_url,
            shards=chat.discord_shards,
            shard_ids=chat.discord_shard_ids,
        )
        self._post = discord.Post(client)
        self.channel: Channel = discord.DiscordChannel(self._post, Ledger(self.name, state).reached)
        self.fallback: Fallback = discord.to_owner
        self.grounds: Grounds = DiscordGrounds(client)

    def front(self, inside: Inside) -> Front:
        """Return the front, not yet running."""
        replaying = inside.market.source_kind == "replay"
        moves = Moves(self.name, self._state, rules_changed=inside.rules_changed, now_ms=inside.market.now_ms)
        behind = discord_front.Behind(
            commands=inside.commands, state=self._state, replaying=replaying, moves=moves
        )
        return discord_front.DiscordFront(self._token, self._post, Ledger(self.name, self._state), behind)

    async def close(self) -> None:
        """Hang up; the front has done so where it ran."""
        await self._post.client.close()
