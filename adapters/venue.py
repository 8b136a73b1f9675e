"""Say what every source of market data offers, live venues and replay alike.

A source hands out `engine.model` messages and owns the market clock. Whatever reads it knows nothing of
sockets, files or speeds.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from engine.model import Candles, MarketEvent


class SourceKind(StrEnum):
    """Where market data comes from."""

    LIVE = "live"
    REPLAY = "replay"


class Feed(StrEnum):
    """One kind of fact that a source may or may not have."""

    CANDLES = "candles"
    PRICES = "prices"
    OPEN_INTEREST = "open_interest"
    LIQUIDATIONS = "liquidations"
    FUNDING = "funding"
    LONG_SHORT = "long_short"


class VenueState(StrEnum):
    """How a venue is doing."""

    UP = "up"
    CONNECTING = "connecting"
    STALE = "stale"
    DOWN = "down"
    PAUSED = "paused"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueHealth:
    """One venue's state, in words a user can read.

    `last_event_ms` is the market time of its newest message, None before the first; `messages` counts them
    since the start; `detail` is a short sentence, empty when there is nothing to say.
    """

    venue: str
    state: VenueState
    last_event_ms: int | None = None
    messages: int = 0
    reconnects: int = 0
    feeds: frozenset[Feed] = frozenset()
    detail: str = ""

    @property
    def ok(self) -> bool:
        """Say whether data is flowing, or is held on purpose."""
        return self.state in (VenueState.UP, VenueState.PAUSED, VenueState.ENDED)


class Source(Protocol):
    """Be a source of market data: history up to a moment, then events from there on."""

    @property
    def kind(self) -> SourceKind:
        """Return where the data comes from."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """Return the canonical symbols that this source serves."""

    @property
    def listed(self) -> tuple[str, ...]:
        """Return the symbols that could be served, those that are among them."""

    def follow(self, symbol: str) -> None:
        """Serve one of the listed symbols from now on."""

    def unfollow(self, symbol: str) -> None:
        """Serve a symbol no longer; it can be followed again."""

    @property
    def venues(self) -> tuple[str, ...]:
        """Return the venues that this source reads."""

    def venues_of(self, symbol: str) -> tuple[str, ...]:
        """Return the venues that have a symbol, the one whose price stands for it first."""

    @property
    def feeds(self) -> frozenset[Feed]:
        """Return which kinds of fact there are; what is not named is "not available" to users."""

    def now_ms(self) -> int:
        """Return the market clock, int ms UTC; it never runs ahead of events not yet handed out."""

    def label(self) -> str:
        """Return the line shown on everything made from this source; empty when live."""

    async def history(
        self, symbol: str, *, until_ms: int, since_ms: int = 0, venue: str | None = None
    ) -> Candles:
        """Return closed bars with `since_ms <= ts` and `ts + step <= until_ms`, oldest first.

        `venue` None stands for the first of `venues`. Raise SourceError for a symbol that is not served.
        """

    def events(self) -> AsyncIterator[MarketEvent]:
        """Yield messages in market-time order, a closed candle before the first tick of the next one."""

    def health(self) -> list[VenueHealth]:
        """Return how each venue is doing now."""

    async def aclose(self) -> None:
        """Stop the events and let go of what is held. May be called twice."""
