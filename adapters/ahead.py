"""Know what is of a time still to come: a venue's mistake, after which nothing else would be newer."""

from engine.model import STEP_MS, Candle, Tick, VenueEvent

AHEAD_MS = 60_000
"""How far a venue's times may run ahead of its own clock, as well as that is known."""
AHEAD = "of a time to come"
"""Under which reason it is counted."""


def is_ahead(event: VenueEvent, now_ms: int) -> bool:
    """Say whether a price or a closed candle is of a time well after `now_ms`, the venue's own."""
    if isinstance(event, Candle):
        return event.closed and event.ts + STEP_MS > now_ms + AHEAD_MS
    return isinstance(event, Tick) and event.ts > now_ms + AHEAD_MS
