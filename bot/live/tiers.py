"""Keep margin tiers as venues publish them now: read each day, doubted, kept, used in place of shipped ones.

Nobody waits for it. What cannot be read, or is refused, changes nothing: the table before stays in use.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

import structlog

from adapters.instruments import Instrument
from adapters.rest.client import RestClient
from adapters.tiers import Reader
from config.tiers import TierBook
from engine.errors import MarginError, SourceError
from engine.margin.sanity import doubt
from engine.margin.tiers import TierTable
from engine.model import DAY_MS, HOUR_MS
from storage.tiers import TierStore

log = structlog.get_logger(__name__)

CHECK_S = 600.0
"""How often it is looked what is due: a venue may open, and a symbol be followed, at any time."""
EVERY_MS = DAY_MS
AGAIN_MS = HOUR_MS
"""When it is tried again after a venue did not answer, or its answer was refused."""


class Lines(Protocol):
    """Be what asks the venues that are open."""

    def lines(self) -> Iterable[tuple[str, RestClient, Mapping[str, Instrument]]]:
        """Return each open venue's name, its client, and what it trades of the symbols followed."""


class TierKeeper:
    """Renew the tables of a book; `wall_ms` is the time of day, ms UTC."""

    def __init__(
        self,
        book: TierBook,
        store: TierStore,
        lines: Lines,
        readers: Mapping[str, Reader],
        wall_ms: Callable[[], int],
    ) -> None:
        self.refused: dict[tuple[str, str], str] = {}
        """Why the newest tables of markets were not taken, by venue and symbol."""
        self._book = book
        self._store = store
        self._lines = lines
        self._readers = readers
        self._wall_ms = wall_ms
        self._due_ms: dict[tuple[str, str], int] = {}

    async def load(self) -> None:
        """Use what was read before, where it is not older than what ships."""
        for read_ms, table in await self._store.newest():
            if self._newer(table) and not self._doubt(table):
                self._book.renew([table])
                self._due_ms[table.venue, table.symbol] = read_ms + EVERY_MS

    async def refresh(self) -> None:
        """Read what is due of every open venue, one after the other; no trouble of one is another's."""
        for venue, rest, known in tuple(self._lines.lines()):
            reader, now_ms = self._readers.get(venue), self._wall_ms()
            due = [each for each in known.values() if self._due_ms.get((venue, each.symbol), 0) <= now_ms]
            if reader is not None and due:
                await self._read(venue, rest, reader, due)

    async def _read(self, venue: str, rest: RestClient, reader: Reader, due: Sequence[Instrument]) -> None:
        now_ms = self._wall_ms()
        for each in due:
            self._due_ms[venue, each.symbol] = now_ms + AGAIN_MS
        try:
            found = await reader(rest, due)
        except SourceError as error:
            log.warning("tiers.not_read", venue=venue, why=str(error))
            return
        wanted = {each.symbol for each in due}
        good = [table for table in found.tables if table.symbol in wanted and self._accepted(table)]
        if missing := found.missing(due):
            log.warning("tiers.missing", venue=venue, symbols=missing, odd=dict(found.odd))
        self._book.renew(good)
        for table in good:
            self._due_ms[venue, table.symbol] = now_ms + EVERY_MS
        await self._store.add(good, now_ms)
        log.info("tiers.renewed", venue=venue, count=len(good), of=len(due))

    def _accepted(self, table: TierTable) -> bool:
        """Say whether a table may be used; why not is kept and logged."""
        why = self._doubt(table)
        place = (table.venue, table.symbol)
        if why:
            self.refused[place] = why
            log.warning("tiers.refused", venue=table.venue, symbol=table.symbol, why=why)
        else:
            self.refused.pop(place, None)
        return not why

    def _doubt(self, table: TierTable) -> str:
        try:
            before = self._book.table(table.venue, table.symbol)
        except MarginError:
            before = None
        return doubt(table, before)

    def _newer(self, table: TierTable) -> bool:
        """Say whether a table that was kept is as new as the one that ships; dates are compared as text."""
        filed = self._book.filed(table.venue, table.symbol)
        return filed is None or table.as_of >= filed.as_of[: len("2026-10-01")]
