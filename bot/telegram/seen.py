"""Remember which updates were taken, over a restart too: Telegram sends again what it is not sure about."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping

import structlog
from telegram import Update

from engine.errors import StorageError
from storage.notes import get_note, set_note
from storage.state import StateStore

log = structlog.get_logger(__name__)

NOTE = "telegram_updates"
REMEMBERED = 4_096
KEPT = 512
"""How many are remembered, and how many of them over a restart: more than Telegram sends again."""


class Seen:
    """The newest updates that were taken, by number. Numbers say nothing about what anybody did."""

    def __init__(self, state: StateStore) -> None:
        self._state = state
        self._known: OrderedDict[int, None] = OrderedDict()
        self._writing = asyncio.Lock()
        self._added = self._written = 0

    async def load(self) -> None:
        """Take up what was taken before the start."""
        note = await self._state.read(lambda session: get_note(session, NOTE))
        for number in (note or {}).get("ids", ()):
            self._known[int(number)] = None

    def new(self, numbers: Iterable[int]) -> list[int]:
        """Return those that were not taken yet, and remember them."""
        fresh = [number for number in dict.fromkeys(numbers) if number not in self._known]
        for number in fresh:
            self._known[number] = None
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        self._added += len(fresh)
        return fresh

    async def keep(self) -> None:
        """Return once everything remembered so far is on disk; who comes meanwhile shares one transaction.

        Where the store does not answer, people are served all the same: an update may then come again.
        """
        wanted = self._added
        async with self._writing:
            if self._written >= wanted:
                return
            added, ids = self._added, list(self._known)[-KEPT:]
            try:
                await self._state.run(lambda session: set_note(session, NOTE, {"ids": ids}))
            except StorageError as error:
                log.warning("telegram.updates_not_remembered", because=str(error))
            else:
                self._written = added


class Intake:
    """Where updates come in, whichever way they were brought: each is handed to `take` once."""

    def __init__(self, seen: Seen, take: Callable[[Update], None]) -> None:
        self._seen = seen
        self._take = take

    async def hand_on(self, updates: Mapping[int, Update | None]) -> None:
        """Take what is new of these, by number, once it is noted as taken; None is one that says nothing.

        What is noted is taken even where we are being stopped meanwhile: it will not come again.
        """
        new = self._seen.new(updates)
        try:
            await self._seen.keep()
        finally:
            for number in new:
                if (update := updates[number]) is not None:
                    self._take(update)
