"""Do what operators ask: tell everybody something, read the settings again."""

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.commands.services import Reloaded
from bot.reporting.notices import Notice, tell
from config.settings import Settings, load
from engine.errors import ConfigError
from storage.state import StateStore
from storage.tables import Rule

AT_ONCE = 200
"""How many users one transaction writes to."""
TITLE = "From those who run Liqwatch"
LIVE = ("chat.operators", "symbols.aliases")
"""Settings that are taken over while the process runs."""


class Office:
    """Know the operators, and what of the settings changes while the process runs."""

    def __init__(
        self,
        settings: Settings,
        state: StateStore,
        *,
        now_ms: Callable[[], int],
        wall_ms: Callable[[], int],
        wake: Callable[[], None],
        read: Callable[[], Settings] = load,
    ) -> None:
        self.operators = frozenset(settings.chat.operators)
        self.aliases = dict(settings.symbols.aliases)
        self._state, self._now_ms, self._wall_ms, self._wake, self._read = state, now_ms, wall_ms, wake, read
        self._before = _flat(settings.model_dump())
        try:
            self._before = _flat(read().model_dump())
        except ConfigError:
            self._before = {}  # what the command line mends: compared from the first good reading on

    async def audience(self) -> int:
        """Return how many users have alerts."""
        return len(await self._state.read(_owners))

    async def announce(self, text: str, about: str) -> int:
        """Queue a message to everybody who has alerts, paced as every other; return to how many."""
        owners, count = await self._state.read(_owners), 0
        for start in range(0, len(owners), AT_ONCE):
            part = owners[start : start + AT_ONCE]
            count += await self._state.run(partial(self._told, owners=part, text=text, about=about))
            self._wake()
        return count

    def _told(self, session: Session, *, owners: list[str], text: str, about: str) -> int:
        now_ms, wall_ms = self._now_ms(), self._wall_ms()
        notices = [Notice(owner=owner, about=about, title=TITLE, text=text) for owner in owners]
        return sum(tell(session, notice, now_ms=now_ms, wall_ms=wall_ms) for notice in notices)

    async def reload(self) -> Reloaded:
        """Read the settings again: take over what can be, name what needs a restart; never a value."""
        try:
            found = await asyncio.to_thread(self._read)
        except ConfigError as error:
            return Reloaded(problems=tuple(error.problems))
        after = _flat(found.model_dump())
        changed = sorted(n for n in {*self._before, *after} if self._before.get(n) != after.get(n))
        first, self._before = not self._before, after
        self.operators = frozenset(found.chat.operators)
        self.aliases.clear()
        self.aliases.update(found.symbols.aliases)
        if first:
            return Reloaded()
        live = tuple(name for name in changed if name.startswith(LIVE))
        return Reloaded(applied=live, waiting=tuple(name for name in changed if name not in live))


def _owners(session: Session) -> list[str]:
    """Return the users who have alerts."""
    return list(session.scalars(select(Rule.user_id).distinct().order_by(Rule.user_id)))


def _flat(tree: dict[str, Any]) -> dict[str, Any]:
    """Return settings by their dotted names."""
    return dict(_leaves(tree, ""))


def _leaves(tree: dict[str, Any], head: str) -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        path = f"{head}.{name}" if head else str(name)
        if isinstance(value, dict) and path != "symbols.aliases":
            yield from _leaves(value, path)
        else:
            yield path, value
