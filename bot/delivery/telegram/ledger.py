"""Write down what Telegram says about chats: a new number, a way back, an alert that was answered."""

from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy.orm import Session

from bot.delivery import ledger
from bot.delivery.telegram.places import CHANNEL, Place, Remote, user_id_of
from engine.model import UserId
from storage import places, servers
from storage.places import Moved
from storage.state import StateStore

log = structlog.get_logger(__name__)

RulesChanged = Callable[[str], Awaitable[None]]


class Ledger(ledger.Ledger):
    """What the state store keeps about chats of Telegram, each change in one transaction."""

    def __init__(self, state: StateStore, rules_changed: RulesChanged) -> None:
        super().__init__(CHANNEL, state)
        self._rules_changed = rules_changed

    async def moved(self, old: int, new: int) -> Moved:
        """Follow a group to its new number: rules, deliveries that wait, open episodes."""
        before, after = Place(old).text, Place(new).text

        def move(session: Session) -> Moved:
            found = places.move_place(session, CHANNEL, before, after)
            servers.move_server(session, CHANNEL, before, after)
            return found

        moved = await self._state.run(move)
        if moved.rules or moved.deliveries:
            log.info("telegram.group_moved", rules=moved.rules, deliveries=moved.deliveries)
        for symbol in moved.symbols:
            await self._rules_changed(symbol)
        return moved

    async def returned(self, chat_id: int) -> tuple[int, int]:
        """Let messages go to a chat again; return how many were refused there, how many rules tell it."""
        if chat_id > 0:
            owner = user_id_of(chat_id)
            return await self.reopened([owner], owner=owner)
        return await self.reopened([Place(chat_id).text])

    async def answered(self, owner: UserId, message: Remote) -> None:
        """Note that a button of an alert was pressed by its owner; other messages are left alone."""
        names = tuple(Remote(message.chat_id, message.message_id, picture).text for picture in (True, False))
        await self.acknowledged(owner, names)
