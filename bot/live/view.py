"""Show one symbol as it stands now, in plain data that commands, pictures and pages share."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from engine.model import Gap, ZoneSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Say by what dollars are multiplied: reported over expected of the week before `as_of_ms`, each side.

    `hours` is how many hours of that week reports are known of.
    """

    long: float
    short: float
    hours: int
    as_of_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolView:
    """Hold what is known about one symbol at the market clock.

    `price` is the newest price and `price_ts` its time; `interpolated` says that it was made from a recorded
    candle. `candle_ts` is the open of the newest closed candle. `warm` and `history_days` say how far the
    heatmap can be trusted; `level` is what corrects its dollars. Changes are fractions (.01 is 1 %). None
    means not known or not available.
    """

    symbol: str
    venue: str
    venues: tuple[str, ...]
    price: float
    price_ts: int
    interpolated: bool
    candle_ts: int
    zones: ZoneSet | None
    warm: bool
    history_days: float
    change_24h: float | None
    high_24h: float | None
    low_24h: float | None
    volume_24h_usd: float | None
    open_interest: float | None
    oi_change_24h: float | None
    gaps: tuple[Gap, ...] = ()
    level: Level | None = None

    @property
    def open_interest_usd(self) -> float | None:
        """Return open interest in dollars at the present price."""
        return None if self.open_interest is None else self.open_interest * self.price


class ChangeKind(StrEnum):
    """What changed in the live market."""

    TICK = "tick"
    CANDLE = "candle"
    REBUILT = "rebuilt"
    GAP = "gap"
    ENDED = "ended"


class Change(NamedTuple):
    """Tell a subscriber that something about a symbol changed; read the view for what it is now."""

    symbol: str
    kind: ChangeKind
    ts: int
