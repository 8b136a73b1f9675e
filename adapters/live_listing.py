"""Know which of the symbols wanted a venue trades, and say what became of the others."""

from collections.abc import Iterable
from datetime import UTC, datetime

import structlog

from adapters.instruments import Instrument, Instruments, Status
from engine.model import DAY_MS

log = structlog.get_logger(__name__)

SOON_MS = 30 * DAY_MS
"""How long before its end a contract is said to end."""
_WORDS = {
    Status.PAUSED: "has paused {}",
    Status.PENDING: "does not trade {} yet",
    Status.DELISTED: "has delisted {}",
}


class Listed:
    """Choose what is read of one venue. What is not listed there and never was is nothing to tell."""

    def __init__(self, venue: str) -> None:
        self.notes: tuple[str, ...] = ()
        """What is to be said of the symbols wanted, each without its subject, the venue."""
        self._venue = venue
        self._traded: set[str] = set()

    def choose(self, instruments: Instruments, wanted: Iterable[str], now_ms: int) -> dict[str, Instrument]:
        """Return what is traded of the symbols wanted; what changed since the last time is logged."""
        chosen: dict[str, Instrument] = {}
        notes: list[str] = []
        for symbol in wanted:
            found = instruments.symbol(symbol)
            if found is not None and found.status is Status.TRADING:
                chosen[symbol] = found
            if note := self._note(symbol, found, now_ms):
                notes.append(note)
        self._traded |= set(chosen)
        for note in notes:
            if note not in self.notes:
                log.warning("live.listing", venue=self._venue, what=note)
        self.notes = tuple(notes)
        return chosen

    def _note(self, symbol: str, found: Instrument | None, now_ms: int) -> str:
        if found is None:
            return f"no longer lists {symbol}" if symbol in self._traded else ""
        if found.status is not Status.TRADING:
            return _WORDS[found.status].format(symbol)
        ends_ms = found.delist_ms
        if ends_ms is not None and ends_ms <= now_ms + SOON_MS:
            return f"ends {symbol} on {datetime.fromtimestamp(ends_ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"
        return ""
