"""Run the Telegram front: connect, set the menus, take what comes, and hand it on."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog
from telegram import Update
from telegram.error import TelegramError

from bot.commands.dispatch import Commands
from bot.commands.services import Market
from bot.commands.symbols import Markets
from bot.delivery.telegram.faults import Refusal, judge
from bot.delivery.telegram.ledger import Ledger
from bot.delivery.telegram.places import CHANNEL
from bot.delivery.telegram.post import Post
from bot.lanes import Lanes, Work
from bot.reporting.moves import Moves
from bot.supervisor import PartHealth, PartState
from bot.telegram import menu
from bot.telegram.admins import Admins
from bot.telegram.answers import Answers
from bot.telegram.contact import Contact, Final
from bot.telegram.handler import Handler
from bot.telegram.manners import Manners
from bot.telegram.membership import Membership
from bot.telegram.poll import POLL_S, Poll
from bot.telegram.seen import Intake, Seen
from bot.telegram.webhook import Hook, Webhook, let_go
from storage.state import StateStore

log = structlog.get_logger(__name__)

DRAIN_S = 4.0
"""How long answers under way may take when the front stops."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """What the front stands before. `aliases` are what people call a coin.

    `hook` is where Telegram sends what people do; without one it is fetched.
    """

    commands: Commands
    market: Market
    state: StateStore
    aliases: Mapping[str, str] = field(default_factory=dict)
    hook: Hook | None = None
    moves: Moves | None = None

    def markets(self) -> Markets:
        """Return the markets there are, and their names."""
        return Markets(known=tuple(self.market.listed), aliases=self.aliases)

    @property
    def replaying(self) -> bool:
        """Say whether the market is a recording."""
        return self.market.source_kind == "replay"


class TelegramFront:
    """Let people use Liqwatch in Telegram, through one bot."""

    def __init__(self, post: Post, ledger: Ledger, behind: Behind, *, poll_s: float = POLL_S) -> None:
        self._post = post
        self._behind = behind
        self._lanes = Lanes()
        answers = Answers(post, ledger)
        manners = Manners(
            behind.commands.registry, Admins(post.bot), behind.markets, replaying=behind.replaying
        )
        self._handler = Handler(behind.commands, manners, answers, ledger, self._lanes)
        self._membership = Membership(ledger, answers, behind.moves or Moves(CHANNEL, behind.state))
        self._contact = Contact(post.bot)
        self._seen = Seen(behind.state)
        self._way = self._way_in(poll_s)
        self._state = PartState.STOPPED
        self._since_s = time.time()
        self._final = ""
        self.bot_name = ""

    async def run(self) -> None:
        """Serve until cancelled; return, with a line in the log, where only the operator can help."""
        self._turn(PartState.RESTARTING)
        try:
            self.bot_name = await self._contact.connect()
            await self._seen.load()
            await self._set_menu()
            self._turn(PartState.RUNNING)
            log.info("telegram.connected", bot=self.bot_name)
            if self._behind.hook is None:
                await let_go(self._post.bot, self._behind.state, self._contact)
            await self._way.run()
        except Final as error:
            self._final = str(error)
            log.error("telegram.off", what=self._final)  # noqa: TRY400 - where it was raised does not matter
        finally:
            self._turn(PartState.STOPPED)

    async def stop(self) -> None:
        """Let answers under way end, and tell Telegram what was taken. `run` has been cancelled before."""
        await self._lanes.close(DRAIN_S)
        if self.bot_name:
            await self._way.stop()

    def health(self) -> PartHealth:
        """Return how the front is; not well while Telegram cannot be reached, or takes no token."""
        trouble = self._final or self._contact.trouble
        state = PartState.RESTARTING if self._state is PartState.RUNNING and trouble else self._state
        return PartHealth(
            name="telegram",
            state=state,
            since_s=self._since_s,
            restarts=0,
            essential=False,
            advice=trouble,
        )

    def _way_in(self, poll_s: float) -> Poll | Webhook:
        """Return how updates come: fetched, or sent by Telegram where it was told to."""
        intake, behind, bot = Intake(self._seen, self._take), self._behind, self._post.bot
        if behind.hook is None:
            return Poll(bot, intake, self._lanes.room, contact=self._contact, poll_s=poll_s)
        return Webhook(
            bot,
            intake,
            lambda: self._lanes.has_room,
            contact=self._contact,
            state=behind.state,
            hook=behind.hook,
        )

    async def _set_menu(self) -> None:
        behind = self._behind
        try:
            await menu.publish(
                self._post.bot, behind.state, behind.commands.registry, replaying=behind.replaying
            )
        except TelegramError as error:
            log.warning("telegram.menu_not_set", because=judge(error).reason)

    def _turn(self, state: PartState) -> None:
        self._state = state
        self._since_s = time.time()

    def _take(self, update: Update) -> None:
        """Hand on one update; nothing here waits."""
        if (query := update.callback_query) is not None:
            self._handler.press(query, self.bot_name)
        elif (standing := update.my_chat_member) is not None:
            lane = f"chat:{standing.chat.id}"
            self._lanes.add(lane, self._quietly(lambda: self._membership.changed(standing)))
        elif (message := update.message) is not None:
            if message.migrate_to_chat_id or message.migrate_from_chat_id:
                lane = f"chat:{message.chat.id}"
                self._lanes.add(lane, self._quietly(lambda: self._membership.migrated(message)))
            else:
                self._handler.message(message, self.bot_name)

    @staticmethod
    def _quietly(work: Work) -> Work:
        """Return work whose trouble is logged: nobody waits for it."""

        async def run() -> None:
            try:
                await work()
            except Refusal as refusal:
                log.info("telegram.not_said", because=refusal.verdict.reason)
            except Exception:  # the edge of the front: one update that fails is one update
                log.exception("telegram.update_failed")

        return run
