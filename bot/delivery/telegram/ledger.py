"""Write down what Telegram says about chats: a new number, a way back, an alert that was answered."""

from collections.abc import Awaitable, Callable
from functools import partial

import structlog
from sqlalchemy.orm import Session

from bot.alerting.parts import wall_clock_ms
from bot.delivery.telegram.places import CHANNEL, Place, Remote, user_id_of
from engine.model import UserId
from storage import outbox, places
from storage.outbox import State
from storage.places import Moved
from storage.state import StateStore

log = structlog.get_logger(__name__)

RulesChanged = Callable[[str], Awaitable[None]]


class Ledger:
    """What the state store keeps about chats of Telegram, each change in one transaction."""

    def __init__(
        self, state: StateStore, rules_changed: RulesChanged, *, wall_ms: Callable[[], int] = wall_clock_ms
    ) -> None:
        self._state = state
        self._rules_changed = rules_changed
        self._wall_ms = wall_ms

    async def moved(self, old: int, new: int) -> Moved:
        """Follow a group to its new number: rules, deliveries that wait, open episodes."""
        move = partial(places.move_place, channel=CHANNEL, old=Place(old).text, new=Place(new).text)
        moved = await self._state.run(move)
        if moved.rules or moved.deliveries:
            log.info("telegram.group_moved", rules=moved.rules, deliveries=moved.deliveries)
        for symbol in moved.symbols:
            await self._rules_changed(symbol)
        return moved

    async def returned(self, chat_id: int) -> tuple[int, int]:
        """Let messages go to a chat again; return how many were refused there, how many rules tell it."""
        owner = user_id_of(chat_id) if chat_id > 0 else ""
        place = owner or Place(chat_id).text

        def work(session: Session) -> tuple[int, int]:
            refused = places.reopen_place(session, CHANNEL, place)
            return refused, places.rules_to(session, CHANNEL, place, owner=owner)

        return await self._state.run(work)

    async def answered(self, owner: UserId, message: Remote) -> None:
        """Note that a button of an alert was pressed by its owner; other messages are left alone."""
        names = tuple(Remote(message.chat_id, message.message_id, picture).text for picture in (True, False))
        find = partial(places.delivery_at, owner=owner, channel=CHANNEL, remote_ids=names)
        delivery = await self._state.read(find)
        if delivery is not None:
            wall_ms = self._wall_ms()
            await self._state.run(
                lambda session: outbox.receipt(session, owner, delivery, State.ACKED, wall_ms)
            )
