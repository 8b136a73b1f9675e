"""Let several processes share one state store: one watches and sends, the others tell it what changed.

A rule that somebody saves through a process that only answers is live within `LOOK_S` seconds.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from sqlalchemy.orm import Session

from bot.alerting.audit import Finding
from bot.alerting.engine import Alerting
from engine.model import (
    Candle,
    Funding,
    Liquidation,
    LongShortRatio,
    OpenInterest,
    Tick,
    UserId,
    ZoneEvent,
)
from storage.notes import get_note, set_note
from storage.state import StateStore

NOTE = "alerts_changed"
KEPT = 64
"""How many changes are kept for the process that watches; where it missed some, it takes up everything."""
LOOK_S = 2.0
RULES, SETTINGS, ALL = "rules", "settings", "all"


class Watching(Protocol):
    """What takes changes up."""

    async def rules_changed(self, symbol: str) -> None:
        """Take up the rules of a symbol."""
        ...

    async def settings_changed(self, owner: UserId) -> None:
        """Take up what a user has set."""
        ...

    async def load(self) -> None:
        """Take up everything."""
        ...


class Apart(Alerting):
    """The alerts in a process that only answers: it keeps and shows them, and evaluates none."""

    def __init__(self, *given: Any, **named: Any) -> None:  # noqa: ANN401 - what Alerting takes
        super().__init__(*given, **named)
        self.on_event = self._pass_by
        self.on_said = self._not_listen

    async def load(self) -> None:
        """Have everything taken up where it is watched."""
        await self._tell(ALL, "")

    async def rules_changed(self, symbol: str) -> None:
        """Have the rules of a symbol taken up where they are watched."""
        await self._tell(RULES, symbol)

    async def settings_changed(self, owner: UserId) -> None:
        """Have what a user has set taken up where alerts are held."""
        await self._tell(SETTINGS, owner)

    async def on_tick(self, *_: object) -> None:
        """Look at nothing."""

    async def on_zone_events(self, symbol: str, events: Sequence[ZoneEvent]) -> None:
        """Look at nothing."""

    async def on_seek(self, ts: int, *, backwards: bool) -> None:
        """Void nothing."""

    async def sweep(self, now_ms: int | None = None) -> None:
        """Look after nothing."""

    async def audit(self) -> list[Finding]:
        """Leave that to the process that watches."""
        return []

    async def forget_old(self) -> int:
        """Leave that to the process that watches."""
        return 0

    async def _pass_by(self, event: Candle | Tick) -> None:
        """Look at nothing."""

    def _not_listen(self, event: Liquidation | OpenInterest | Funding | LongShortRatio) -> None:
        """Look at nothing."""

    async def _tell(self, kind: str, name: str) -> None:
        await self._state.run(lambda session: _add(session, kind, name))


def _add(session: Session, kind: str, name: str) -> None:
    note = get_note(session, NOTE) or {"number": 0, "recent": []}
    number = int(note["number"]) + 1
    recent = [*note["recent"], [number, kind, str(name)]][-KEPT:]
    set_note(session, NOTE, {"number": number, "recent": recent})


class Changes:
    """What others have changed, taken up by the process that watches."""

    def __init__(self, state: StateStore, watching: Watching) -> None:
        self._state = state
        self._watching = watching
        self._seen: int | None = None

    async def look(self) -> None:
        """Take up what has changed since the last look; at the first one all that others have changed."""
        note = await self._state.read(lambda session: get_note(session, NOTE)) or {"number": 0, "recent": []}
        seen, self._seen = self._seen, int(note["number"])
        if self._seen == (seen or 0):
            return
        fresh = [entry for entry in note["recent"] if entry[0] > (seen or 0)]
        if seen is None or len(fresh) < self._seen - seen or any(kind == ALL for _, kind, _ in fresh):
            await self._watching.load()
            return
        for kind, name in dict.fromkeys((kind, name) for _, kind, name in fresh):
            if kind == RULES:
                await self._watching.rules_changed(name)
            else:
                await self._watching.settings_changed(UserId(name))
