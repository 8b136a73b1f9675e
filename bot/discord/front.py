"""Run the Discord front: log in, send the commands where they changed, connect, and hand on what comes."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import discord
import structlog
from discord import app_commands

from bot.commands.dispatch import Commands
from bot.commands.reply import Reply, Tone
from bot.delivery.discord.faults import Fault, judge
from bot.delivery.discord.places import CHANNEL
from bot.delivery.discord.post import Post
from bot.delivery.ledger import Ledger
from bot.discord.asked import Asked
from bot.discord.handler import Handler
from bot.discord.manners import is_private
from bot.discord.membership import Membership
from bot.discord.render import parcels_of
from bot.discord.sessions import Sessions, told_apart
from bot.discord.sync import sync
from bot.discord.translator import Translator
from bot.discord.tree import commands_of
from bot.lanes import Lanes
from bot.lang import N_, _, heard, settle
from bot.reporting.moves import Moves
from bot.supervisor import PartHealth, PartState
from engine.errors import LiqwatchError
from storage.state import StateStore

log = structlog.get_logger(__name__)

DRAIN_S = 4.0
CLOSE_S = 3.0
LOGIN_S = 30.0
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0
SAID_EVERY_S = 60.0
"""How often the same trouble is logged."""
BAD_CREDENTIALS = (
    "Discord does not accept the token. Copy it again from https://discord.com/developers/applications "
    "(Bot, Reset Token) into LIQWATCH_DISCORD_TOKEN, and start Liqwatch again."
)
BAD_INTENTS = (
    "Discord refuses what the bot asks to be told of. Liqwatch asks for servers only, which needs no switch: "
    "make sure that LIQWATCH_DISCORD_TOKEN belongs to your own application, and start Liqwatch again."
)
CHANGED = Reply(
    command="", error=N_("That command has changed. Reload Discord, and type it again."), tone=Tone.WARN
)
BAD_SHARD = (
    "Discord does not know the shards that this process asks for. LIQWATCH_DISCORD_SHARDS has to be the same "
    "in each process, and LIQWATCH_DISCORD_SHARD_IDS below it; then start Liqwatch again."
)
SHARDS_NEEDED = (
    "The bot is in too many servers for one connection. Put LIQWATCH_DISCORD_SHARDS=auto into .env, "
    "and start Liqwatch again."
)
FINAL_CODES = {
    4004: BAD_CREDENTIALS,
    4010: BAD_SHARD,
    4011: SHARDS_NEEDED,
    4013: BAD_INTENTS,
    4014: BAD_INTENTS,
}
"""Why the gateway will not have the bot, whatever is tried again."""
PERMISSIONS = discord.Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    embed_links=True,
    attach_files=True,
)


class Final(LiqwatchError):
    """Say that nothing will work before the operator changes something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """What the front stands before."""

    commands: Commands
    state: StateStore
    replaying: bool
    moves: Moves | None = None


class Tree(app_commands.CommandTree[discord.Client]):
    """The slash commands; one that Discord still shows but that changed meanwhile is answered in words."""

    async def on_error(
        self, interaction: discord.Interaction, error: app_commands.AppCommandError, /
    ) -> None:
        """Answer where a command could not even be begun."""
        log.warning("discord.command_not_begun", error=type(error).__name__)
        asked = Asked(interaction, hidden=not is_private(interaction))
        settle(await heard(interaction.locale.value))
        changed = replace(CHANGED, error=_(CHANGED.error))
        await asked.answer(parcels_of(changed), hidden=not is_private(interaction))


class DiscordFront:
    """Let people use Liqwatch in Discord, through one bot."""

    def __init__(self, token: str, post: Post, ledger: Ledger, behind: Behind) -> None:
        self._token = token
        self._client = post.client
        self._behind = behind
        self._lanes = Lanes()
        self._handler = Handler(behind.commands, ledger, self._lanes)
        self._membership = Membership(post, ledger, behind.moves or Moves(CHANNEL, behind.state))
        self._state = PartState.STOPPED
        self._since_s = time.time()
        self._final = ""
        self._trouble = ""
        self._said = ("", 0.0)
        self._apart: set[int] = set()
        self._sessions = Sessions()
        self._rng = random.Random()  # noqa: S311 - jitter, not a secret
        self._tree = Tree(self._client)
        made = commands_of(
            behind.commands.registry, self._handler.command, self._handler.suggest, replaying=behind.replaying
        )
        for command in made:
            self._tree.add_command(command)
        for listener in (
            self.on_interaction,
            self.on_ready,
            self.on_resumed,
            self.on_disconnect,
            self.on_shard_disconnect,
            self.on_shard_connect,
            self.on_shard_resumed,
            self.on_guild_join,
            self.on_guild_remove,
            self.on_guild_channel_delete,
            self.on_raw_thread_delete,
            self.on_guild_role_delete,
        ):
            self._client.event(listener)

    async def run(self) -> None:
        """Serve until cancelled; return, with a line in the log, where only the operator can help."""
        self._turn(PartState.RESTARTING)
        if self._client.is_closed():
            self._client.clear()
            await self._afresh()
        try:
            await self._login()
            await self._tree.set_translator(Translator())
            await sync(self._tree, self._behind.state)
            await self._sessions.room(self._client, self._say)
            self._well()
            await self._connect()
        except Final as error:
            self._final = str(error)
            log.error("discord.off", what=self._final)  # noqa: TRY400 - where it was raised does not matter
        finally:
            self._turn(PartState.STOPPED)

    async def stop(self) -> None:
        """Let answers under way end, and hang up. `run` has been cancelled before."""
        await self._lanes.close(DRAIN_S)
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._client.close()
        except TimeoutError:
            log.info("discord.slow_to_close")

    def health(self) -> PartHealth:
        """Return how the front is; not well while Discord cannot be reached, or takes no token."""
        trouble = self._final or self._trouble
        state = PartState.RESTARTING if self._state is PartState.RUNNING and trouble else self._state
        return PartHealth(
            name="discord",
            state=state,
            since_s=self._since_s,
            restarts=0,
            essential=False,
            advice=trouble,
        )

    @property
    def invite(self) -> str:
        """Return the link by which the bot is let into a server, empty before it is known."""
        number = self._client.application_id
        scopes = ("bot", "applications.commands")
        return discord.utils.oauth_url(number, permissions=PERMISSIONS, scopes=scopes) if number else ""

    async def on_interaction(self, interaction: discord.Interaction) -> None:
        """Hand on the press of a button and a form; slash commands come through the tree."""
        if interaction.type is discord.InteractionType.component and isinstance(interaction.data, dict):
            await self._handler.press(interaction, str(interaction.data.get("custom_id", "")))
        elif interaction.type is discord.InteractionType.modal_submit and isinstance(interaction.data, dict):
            await self._handler.submit(interaction, str(interaction.data.get("custom_id", "")))

    async def on_ready(self) -> None:
        """Say that the bot is connected, and how to let it in."""
        self._well()
        name = self._client.user.name if self._client.user else ""
        log.info("discord.connected", bot=name, servers=len(self._client.guilds), invite=self.invite)

    async def on_resumed(self) -> None:
        """Note that the connection is there again."""
        if not self._apart:
            self._well()

    async def on_disconnect(self) -> None:
        """Note that the connection is gone; the library tries again by itself."""
        if not self._client.is_closed() and self._client.shard_count in (None, 1):
            self._say("Discord's gateway cannot be reached; trying again.")

    async def on_shard_disconnect(self, shard: int) -> None:
        """Note that one connection of several is gone: its servers alone are not answered meanwhile."""
        if not self._client.is_closed():
            self._apart.add(shard)
            self._say(told_apart(self._apart, self._client.shard_count))

    async def on_shard_connect(self, shard: int) -> None:
        """Note that one connection of several was made anew."""
        self._joined(shard)

    async def on_shard_resumed(self, shard: int) -> None:
        """Note that one connection of several is there again."""
        self._joined(shard)

    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Note that the bot was let into a server."""
        await self._quietly(lambda: self._membership.joined(guild))

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Note that the bot was thrown out of a server."""
        await self._quietly(lambda: self._membership.left(guild))

    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        """Note that a channel was deleted."""
        await self._quietly(lambda: self._membership.closed(channel.id, f"#{channel.name}"))

    async def on_raw_thread_delete(self, event: discord.RawThreadDeleteEvent) -> None:
        """Note that a thread was deleted."""
        name = f"#{event.thread.name}" if event.thread is not None else _("a thread")
        await self._quietly(lambda: self._membership.closed(event.thread_id, name))

    async def on_guild_role_delete(self, role: discord.Role) -> None:
        """Note that a role was deleted."""
        await self._quietly(lambda: self._membership.role_gone(role))

    async def _login(self) -> None:
        """Learn who the bot is, however long that takes. Raises Final where the token is wrong."""
        failures = 0
        while True:
            try:
                async with asyncio.timeout(LOGIN_S):
                    await self._client.login(self._token)
            except Exception as error:  # noqa: BLE001 - judged: the library raises what the network does
                verdict = judge(error)
                if verdict.fault is Fault.TOKEN:
                    raise Final(BAD_CREDENTIALS) from None
                self._say(f"{verdict.reason}; trying again.")
            else:
                self._well()
                self._turn(PartState.RUNNING)
                return
            await self._afresh()
            failures += 1
            ceiling_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(failures, 8))
            wait_s = self._rng.uniform(ceiling_s / 2, ceiling_s)
            await asyncio.sleep(max(wait_s, verdict.retry_after_s or 0.0))

    async def _afresh(self) -> None:
        """Let go of a connection that failed; the library makes another."""
        await self._client.http.close()
        self._client.http.connector = discord.utils.MISSING

    async def _connect(self) -> None:
        """Stay connected until cancelled. Raises Final where Discord will not have the bot."""
        try:
            await self._client.connect(reconnect=True)
        except discord.PrivilegedIntentsRequired:
            raise Final(BAD_INTENTS) from None
        except discord.ConnectionClosed as error:
            if error.code in FINAL_CODES:
                raise Final(FINAL_CODES[error.code]) from None
            raise

    async def _quietly(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do what nobody waits for; its trouble is logged."""
        try:
            await work()
        except Exception:  # the edge of the front: one event that fails is one event
            log.exception("discord.event_failed")

    def _joined(self, shard: int) -> None:
        self._apart.discard(shard)
        if self._apart:
            self._trouble = told_apart(self._apart, self._client.shard_count)
        else:
            self._well()

    def _turn(self, state: PartState) -> None:
        self._state = state
        self._since_s = time.time()

    def _well(self) -> None:
        if self._trouble:
            log.info("discord.connected_again")
        self._trouble = ""

    def _say(self, trouble: str) -> None:
        self._trouble = trouble
        told, at_s = self._said
        now_s = time.monotonic()
        if trouble != told or now_s - at_s > SAID_EVERY_S:
            self._said = (trouble, now_s)
            log.warning("discord.trouble", what=trouble)
