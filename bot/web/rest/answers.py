"""Model every answer of the API. Times are ms UTC, prices in quote currency, `..._usd` dollars."""

from typing import Annotated, Any

import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, SkipValidation, WithJsonSchema

NUMBERS = {"type": "array", "items": {"type": "number"}}
GAPPED = {"type": "array", "items": {"type": ["number", "null"]}}
WHOLE = {"type": "array", "items": {"type": "integer"}}

Numbers = Annotated[SkipValidation[npt.NDArray[Any]], WithJsonSchema(NUMBERS)]
Gapped = Annotated[SkipValidation[npt.NDArray[Any]], WithJsonSchema(GAPPED)]
Whole = Annotated[SkipValidation[npt.NDArray[Any]], WithJsonSchema(WHOLE)]
Cells = Annotated[
    SkipValidation[npt.NDArray[Any]] | None,
    WithJsonSchema({"type": ["array", "null"], "items": WHOLE}),
]
Ms = Annotated[int, Field(description="ms UTC")]
Usd = Annotated[float, Field(description="USD")]


class Answer(BaseModel):
    """Be a part of an answer."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True, protected_namespaces=())


class Head(Answer):
    """Say where an answer's data is from, and what time it is there."""

    source: str = Field(description="live or replay: recorded data is never passed off as live")
    now_ms: Ms


class ExchangePart(Answer):
    """One exchange's part of what stands in the newest column."""

    exchange: str
    share: float = Field(description="part of all dollars, 0 to 1")
    long_usd: Usd
    short_usd: Usd


class ExchangeProfile(ExchangePart):
    """The same with the dollars in each price bin."""

    long_profile_usd: Whole
    short_profile_usd: Whole


class HeatmapAnswer(Answer):
    """A heatmap over time: one row of bins a column and side; the other side is null where one is asked."""

    source: str
    symbol: str
    interval: str
    step_ms: int
    start: Ms
    end: Ms
    model: str
    unit: str = Field(description="what the dollars mean (docs/model.md)")
    exchanges: list[ExchangeProfile]
    edges: Numbers = Field(description="prices between the bins, one more than bins")
    ts: Whole = Field(description="start of each column, ms UTC")
    open: Gapped
    high: Gapped
    low: Gapped
    close: Gapped
    long_usd: Cells = Field(description="USD, [column][bin], lowest price first")
    short_usd: Cells


class LevelsAnswer(Head):
    """What stands at the newest close; each level is price_low, price_high, notional_usd, distance."""

    symbol: str
    model: str
    unit: str
    ts: Ms
    price: float
    exchanges: list[str]
    fields: list[str]
    long_levels: list[list[float]]
    short_levels: list[list[float]]


class ZoneAnswer(Answer):
    """One zone: a group of levels that is denser than usual for its distance from price."""

    id: str
    side: str
    low: float
    high: float
    peak: float
    notional_usd: Usd
    distance: float = Field(description="from price to the nearer edge, as a fraction; 0 inside")
    share: float = Field(description="part of its side within the searched range, 0 to 1")
    percentile: float = Field(description="where its peak stands among the last weeks, 0 to 100")
    born_ts: Ms
    age_s: int
    exchanges: dict[str, float] = Field(description="each exchange's part, 0 to 1; empty for a single one")


class ZonesAnswer(Head):
    """The zones of a market, nearest first."""

    symbol: str
    price: float
    price_ts: Ms
    exchanges: list[str]
    ready: bool = Field(description="false while there is too little history to judge")
    zones: list[ZoneAnswer]


class CandlesAnswer(Answer):
    """Closed candles, oldest first; null where something is not known."""

    source: str
    symbol: str
    exchange: str
    interval: str
    step_ms: int
    start: Ms
    end: Ms
    ts: Whole
    open: Numbers
    high: Numbers
    low: Numbers
    close: Numbers
    volume: Gapped = Field(description="base coins")
    quote_volume_usd: Gapped
    open_interest: Gapped = Field(description="base coins at the end of each candle")


class Reported(Answer):
    """What one exchange reported as liquidated."""

    exchange: str
    long_usd: Usd
    short_usd: Usd
    count: int
    share: float
    coverage: str = Field(description="how much of its liquidations is seen: full, sampled, partial, unknown")
    recorded_since: int | None = Field(description="ms UTC; null where nothing ever was")


class Step(Answer):
    """What was liquidated in one step of time."""

    ts: Ms
    long_usd: Usd
    short_usd: Usd


class Largest(Answer):
    """One liquidation."""

    ts: Ms
    exchange: str
    symbol: str
    side: str
    price: float
    price_kind: str
    quantity: float
    notional_usd: Usd


class LiquidationsAnswer(Head):
    """What exchanges reported as liquidated; nothing is scaled up for what they leave out."""

    symbol: str
    start: Ms
    end: Ms
    min_usd: Usd
    step_ms: int
    total_usd: Usd
    exchanges: list[Reported]
    steps: list[Step]
    largest: list[Largest]


class SymbolAnswer(Answer):
    """One market as it stands; null where something is not known."""

    symbol: str
    exchanges: list[str]
    price: float
    price_ts: Ms
    candle_ts: Ms
    change_24h: float | None
    high_24h: float | None
    low_24h: float | None
    volume_24h_usd: float | None
    open_interest_usd: float | None
    warm: bool
    history_days: float
    zones: int


class SymbolsAnswer(Head):
    """Every market that is served."""

    symbols: list[SymbolAnswer]


class ExchangeAnswer(Answer):
    """One exchange that is read."""

    exchange: str
    title: str
    state: str
    ok: bool
    symbols: list[str]
    coverage: str = Field(description="how much of its liquidations is seen: full, sampled, partial, unknown")
    coverage_says: str


class ExchangesAnswer(Head):
    """Every exchange that is read."""

    exchanges: list[ExchangeAnswer]


class VenueHealth(BaseModel):
    """How one exchange is doing now, and how its last day went."""

    model_config = ConfigDict(extra="allow")

    venue: str
    state: str
    ok: bool
    note: str
    newest_ms: int | None
    last_24h: dict[str, Any] | None


class HealthAnswer(Head):
    """How exchanges are doing."""

    ok: bool
    venues: list[VenueHealth]


class Figure(Answer):
    """A figure with its bootstrap interval of 95 %."""

    value: float | None
    low: float | None
    high: float | None


class SkillAnswer(Answer):
    """How well one prediction explains reported liquidations on unseen hours."""

    name: str
    role: str
    kind: str
    model: str
    explained: float | None
    over_price: Figure | None
    over_distance: Figure | None


class ZoneLift(Answer):
    """How much more was liquidated in zones, or placebos of them, than their width would hold."""

    kind: str
    horizon_h: int
    coverage: float | None
    dollars: float | None
    lift: Figure


class AccuracyAnswer(Answer):
    """How well models explain reported liquidations, beside baselines and placebos (docs/accuracy.md)."""

    symbol: str
    measured_on: str
    own: bool = Field(description="true where this installation measured it on its own data")
    says: str
    made_ms: Ms
    start: Ms
    end: Ms
    hours: int
    exchanges: list[str]
    reported_by: list[str]
    works: dict[str, bool]
    skills: list[SkillAnswer]
    zones: list[ZoneLift]


class AliveAnswer(Answer):
    """The process answers."""

    status: str


class PartAnswer(Answer):
    """How one part of the process is."""

    name: str
    state: str
    well: bool
    essential: bool
    restarts: int
    since_s: float


class ReadyAnswer(Answer):
    """Whether every part does its work."""

    status: str
    reasons: list[str]
    source: str
    parts: list[PartAnswer]


class StreamStats(Answer):
    """How the WebSocket is doing."""

    connections: int
    most_connections: int
    channels: dict[str, int] = Field(description="subscribers by channel")
    messages_sent: int
    bytes_sent: int
    messages_dropped: int
    messages_received: int
    snapshots_sent: int
    slow_consumers: int
    slow_consumers_closed: int
    refused: dict[str, int] = Field(description="connections not let in: off, full, address")
