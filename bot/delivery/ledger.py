"""Write down what a chat platform says about places and messages: a way back, an alert that was answered."""

from collections.abc import Callable, Sequence
from functools import partial

from sqlalchemy.orm import Session

from bot.alerting.parts import wall_clock_ms
from engine.model import UserId
from storage import outbox, places
from storage.outbox import State
from storage.state import StateStore


class Ledger:
    """What the state store keeps about the places of one platform, each change in one transaction."""

    def __init__(
        self, channel: str, state: StateStore, *, wall_ms: Callable[[], int] = wall_clock_ms
    ) -> None:
        self._channel = channel
        self._state = state
        self._wall_ms = wall_ms

    async def reopened(self, names: Sequence[str], *, owner: UserId | None = None) -> tuple[int, int]:
        """Let messages go to places again; return how many were refused there, how many rules tell them.

        `owner` says that the place is that person's private chat.
        """

        def work(session: Session) -> tuple[int, int]:
            refused = sum(places.reopen_place(session, self._channel, name) for name in names)
            told = [places.rules_to(session, self._channel, name, owner=owner or "") for name in names]
            return refused, sum(told)

        return await self._state.run(work)

    async def reached(self) -> list[tuple[str, str]]:
        """Return each place that a message of ours arrived at, and the last message there."""
        return await self._state.read(lambda session: places.last_messages(session, self._channel))

    async def acknowledged(self, owner: UserId, remote_ids: tuple[str, ...]) -> None:
        """Note that a button of an alert was pressed by its owner; other messages are left alone."""
        find = partial(places.delivery_at, owner=owner, channel=self._channel, remote_ids=remote_ids)
        delivery = await self._state.read(find)
        if delivery is not None:
            wall_ms = self._wall_ms()
            await self._state.run(
                lambda session: outbox.receipt(session, owner, delivery, State.ACKED, wall_ms)
            )
