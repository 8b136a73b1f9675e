"""Define the messages that the parts of Liqwatch hand to each other: frozen, slotted, keyword-only.

Units: `ts` and every `*_ms` are int64 milliseconds UTC; prices are in quote currency; `volume`,
`taker_buy_volume` and `open_interest` are in base coins; `quote_volume` and `*_usd` are in USD(T).
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NewType, Self

import numpy as np
import numpy.typing as npt

UserId = NewType("UserId", str)
"""`front:number`, for example `local:owner`, `discord:42`, `telegram:42`."""
ZoneId = NewType("ZoneId", str)
RuleId = NewType("RuleId", int)
AlertId = NewType("AlertId", str)

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

STEP_MS = 300_000
"""The step of the kernel: five minutes."""
HOUR_MS = 3_600_000
DAY_MS = 86_400_000


class Side(StrEnum):
    """Whose positions are liquidated: longs below the price, shorts above it."""

    LONG = "long"
    SHORT = "short"


class Severity(StrEnum):
    """How much an alert matters, from context to money at risk now."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Order severities: 0 info, 1 warning, 2 critical."""
        return ("info", "warning", "critical").index(self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candle:
    """One bar of one symbol on one venue. `closed` is False while it still forms."""

    venue: str
    symbol: str
    ts: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    quote_volume: float | None = None
    taker_buy_volume: float | None = None
    open_interest: float | None = None
    closed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Candles:
    """Many bars as a struct of arrays, all of shape (n,); NaN stands for "not known"."""

    ts: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    quote_volume: Floats
    taker_buy_volume: Floats
    open_interest: Floats

    def __len__(self) -> int:
        return int(self.ts.shape[0])

    def __getitem__(self, rows: slice) -> "Candles":
        """Return the bars of a slice (views, not copies)."""
        return Candles(**{name: getattr(self, name)[rows] for name in CANDLE_FIELDS})

    @classmethod
    def empty(cls) -> Self:
        """Return no bars."""
        floats = {name: np.empty(0) for name in CANDLE_FIELDS if name != "ts"}
        return cls(ts=np.empty(0, np.int64), **floats)

    @classmethod
    def of(cls, candles: list[Candle]) -> Self:
        """Return single candles as arrays, in the order given."""

        def column(name: str) -> Floats:
            values = (getattr(c, name) for c in candles)
            return np.array([np.nan if v is None else v for v in values], float)

        floats = {name: column(name) for name in CANDLE_FIELDS if name != "ts"}
        return cls(ts=np.array([c.ts for c in candles], np.int64), **floats)

    def row(self, index: int, *, venue: str, symbol: str) -> Candle:
        """Return one bar as a message; NaN becomes None."""

        def known(values: Floats) -> float | None:
            value = float(values[index])
            return None if np.isnan(value) else value

        return Candle(
            venue=venue,
            symbol=symbol,
            ts=int(self.ts[index]),
            open=float(self.open[index]),
            high=float(self.high[index]),
            low=float(self.low[index]),
            close=float(self.close[index]),
            volume=float(self.volume[index]),
            quote_volume=known(self.quote_volume),
            taker_buy_volume=known(self.taker_buy_volume),
            open_interest=known(self.open_interest),
        )

    def concat(self, later: "Candles") -> "Candles":
        """Return these bars followed by `later`."""
        pairs = {n: np.concatenate([getattr(self, n), getattr(later, n)]) for n in CANDLE_FIELDS}
        return Candles(**pairs)


CANDLE_FIELDS = (
    "ts",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "quote_volume",
    "taker_buy_volume",
    "open_interest",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """One price of one symbol. `interpolated` marks prices made from a recorded candle."""

    venue: str
    symbol: str
    ts: int
    price: float
    interpolated: bool = False


class PriceKind(StrEnum):
    """What the price of a liquidation is; they differ by more than a spread."""

    FILL = "fill"  # average price of the order that closed the position
    BANKRUPTCY = "bankruptcy"  # price at which the position's margin is gone
    MARK = "mark"


@dataclass(frozen=True, slots=True, kw_only=True)
class Liquidation:
    """One position that was force-closed, wholly or in part.

    `side` is whose position it was, never the order's side. `ts` is the venue's time, `received_ms` ours.
    `notional_usd` is `quantity * price`. `venue_id` names the event where the venue does; "" where it names
    none. `nth` tells equal events of one frame apart: they are as real as any other.
    """

    venue: str
    symbol: str
    side: Side
    price: float
    price_kind: PriceKind
    quantity: float
    notional_usd: float
    ts: int
    received_ms: int
    venue_id: str = ""
    nth: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenInterest:
    """All open positions of one symbol on one venue at a time, one side, in base coins."""

    venue: str
    symbol: str
    ts: int
    open_interest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Funding:
    """What longs pay shorts at `funding_ts`, as a fraction for `interval_h` hours; `settled` once paid.

    `ts` is when it was said. `interval_h` is None where the venue does not say how often it is paid.
    """

    venue: str
    symbol: str
    ts: int
    rate: float
    funding_ts: int
    interval_h: float | None = None
    settled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LongShortRatio:
    """Accounts (or positions) that are long over those that are short, over a period that begins at `ts`."""

    venue: str
    symbol: str
    ts: int
    step_ms: int
    kind: str
    ratio: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Say that bars are missing between two times (both candle opens, first and last missing)."""

    venue: str
    symbol: str
    first_ts: int
    last_ts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceEnded:
    """Say that a replay has reached its end, at market time `ts`."""

    ts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSought:
    """Say that a replay jumped: everything that stood is rebuilt from what came before `ts`."""

    ts: int
    backwards: bool


MarketEvent = Candle | Tick | Gap | SourceEnded | SourceSought
VenueEvent = Candle | Tick | Liquidation | OpenInterest | Funding | LongShortRatio
"""What a venue's frames and answers are turned into."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A group of levels that is denser than usual for its distance from price.

    `low`, `high` and `peak` are prices; `notional_usd` what would be liquidated in it if price got
    through; `share` its part of its side within the searched range, 0 to 1; `percentile` where its
    peak stands among the last days at that distance, 0 to 100; `born_ts` when it was first seen.
    """

    zone_id: ZoneId
    venue: str
    symbol: str
    side: Side
    low: float
    high: float
    peak: float
    notional_usd: float
    share: float
    percentile: float
    born_ts: int
    updated_ts: int
    venue_share: tuple[tuple[str, float], ...] = ()

    def distance(self, price: float) -> float:
        """Return how far the nearer edge is from `price`, as a fraction of it; 0 inside the zone."""
        if self.low <= price <= self.high:
            return 0.0
        edge = self.low if price < self.low else self.high
        return abs(edge - price) / price


class ZoneChange(StrEnum):
    """What can happen to a zone."""

    BORN = "born"
    GROWN = "grown"
    MERGED = "merged"
    SPLIT = "split"
    EATEN = "eaten"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneEvent:
    """One thing that happened to a zone at a candle's close.

    `fraction` is the share swept for EATEN and the growth for GROWN; `other` the zone it was merged
    into or split from.
    """

    ts: int
    change: ZoneChange
    zone: Zone
    fraction: float = 0.0
    other: ZoneId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneSet:
    """The zones of one symbol at one candle's close, and what they were judged by.

    `samples_h` is how many hourly samples the judgement rests on; `threshold_ready` is False while
    there are too few of them (under 48). `auto_min_usd` is the 95th percentile of this symbol's
    zone dollars over the last 21 days: what `min=auto` means; NaN while unknown.
    """

    venue: str
    symbol: str
    ts: int
    price: float
    zones: tuple[Zone, ...]
    samples_h: int
    threshold_ready: bool
    auto_min_usd: float

    def by_side(self, side: Side) -> tuple[Zone, ...]:
        """Return the zones of one side, nearest to the price first."""
        return tuple(sorted((z for z in self.zones if z.side is side), key=lambda z: z.distance(self.price)))


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionEvents:
    """Say what n candles moved, in USD; every array is (n, 2), longs first.

    What entered stood at the candle's close; what was swept was in the range that it traded; what was taken
    left in profit; what decayed faded; what closed left with falling open interest.
    """

    ts: Ints
    entered: Floats
    swept: Floats
    taken: Floats
    decayed: Floats
    closed: Floats

    def __len__(self) -> int:
        return int(self.ts.shape[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """One user's standing wish to be told about zones of one symbol.

    Percentages are fractions of price (.01 is 1 %). `min_notional_usd` None means `auto`.
    """

    rule_id: RuleId
    owner: UserId
    symbol: str
    within: tuple[tuple[Severity, float], ...]
    min_notional_usd: float | None = None
    side: Side | None = None
    cooldown_s: int = 3600
    hysteresis: float = 0.0025
    paused: bool = False
    snoozed_until_ms: int | None = None
    quiet_critical: bool = False
    created_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fire:
    """A rule that became true: the input of the alert pipeline, in market time."""

    fire_id: str
    rule_id: RuleId
    owner: UserId
    symbol: str
    kind: str
    severity: Severity
    ts: int
    price: float
    zone: Zone | None = None
    facts: tuple[tuple[str, float | str], ...] = field(default=())

    def raised(self, severity: Severity) -> "Fire":
        """Return the same fire at another severity."""
        return replace(self, severity=severity)
