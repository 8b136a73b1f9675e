"""Describe heatmap models as data: a preset is a choice of parts for the one kernel.

The parts are those of every known liquidation heatmap: mass enters at some points of a candle, stands
at a set of distances from them, fades by lifetimes, leaves in profit, and is swept. Nothing here
computes; the kernel never asks for a preset's name.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from engine.errors import UserError
from engine.model import STEP_MS

BIN_LOG = 2e-4
"""Width of a state bin in log price (2 basis points); bin `b` covers `[b, b + 1) * BIN_LOG`."""


class Unit(StrEnum):
    """What the dollars of a surface mean."""

    EXPECTED = "expected_liquidations_usd"
    STANDING = "standing_notional_usd"


class Fuel(StrEnum):
    """What a candle's mass is made of."""

    VOLUME = "volume"  # its quote volume over the mean of the days before
    OPEN_INTEREST = "open_interest"  # the coins that were opened, on both sides


class Sides(StrEnum):
    """On which side a candle's mass enters."""

    BOTH = "both"
    COLOUR = "colour"  # longs when it closed at its open or above, else shorts


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPoint:
    """Say where in a candle a share of its mass enters: a blend of its log prices that sums to 1."""

    open: float = 0.0
    high: float = 0.0
    low: float = 0.0
    close: float = 0.0
    share: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Say how far from entry a share of the mass is liquidated.

    `long_log` and `short_log` are distances in log price, so that any formula which multiplies the
    entry price fits; `weight` is the dollars at that distance per unit of mass and of scale.
    """

    long_log: float
    short_log: float
    weight: float

    @property
    def distance(self) -> float:
        """Return how far below entry a long is liquidated, as a fraction of its price."""
        return -math.expm1(-self.long_log)

    @classmethod
    def rung(cls, leverage: float, maintenance_margin_rate: float, *, weight: float) -> "Level":
        """Return where an isolated position of a linear contract is liquidated, at a leverage.

        Long at `e (1 - 1/L) / (1 - m)`, short at `e (1 + 1/L) / (1 + m)` for entry `e`: the formula of
        `engine.margin` in a bracket without maintenance amount.
        """
        long = (1.0 - 1.0 / leverage) / (1.0 - maintenance_margin_rate)
        short = (1.0 + 1.0 / leverage) / (1.0 + maintenance_margin_rate)
        return cls(long_log=-math.log(long), short_log=math.log(short), weight=weight)

    @classmethod
    def at(cls, distance: float, *, weight: float) -> "Level":
        """Return the level at a fixed fraction of the entry price, on either side."""
        return cls(long_log=-math.log1p(-distance), short_log=math.log1p(distance), weight=weight)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetime:
    """Say how one component of the mass fades; an infinite half-life never does."""

    half_life_h: float
    amplitude: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """Choose the parts of a heatmap model.

    Mass enters at the `entry` points or, with `spread`, at that many points between low and high whose shares
    are a triangle with its top at the VWAP. With `Fuel.OPEN_INTEREST` mass is coins: what is opened
    enters, what is closed leaves in proportion, and `feedback` is the part of what was swept that counts
    as liquidated; levels and the rest that no level holds make up the open interest, on each side.
    `take_profit` is the move in favour (log price) after which mass leaves, None for never.
    A candle's mass is `(quote volume / its mean over the norm_days before) ** volume_exponent`, per
    step of five minutes, and nothing before there are `norm_min_days` of it. `reach` is the log
    width, per side, of the columns handed out; `warm_days` how much history a picture should have.
    """

    name: str
    unit: Unit
    entry: tuple[EntryPoint, ...]
    levels: tuple[Level, ...]
    lifetimes: tuple[Lifetime, ...]
    take_profit: float | None
    volume_exponent: float
    norm_days: float
    norm_min_days: float
    warm_days: float
    reach: float
    step_ms: int = STEP_MS
    fuel: Fuel = Fuel.VOLUME
    sides: Sides = Sides.BOTH
    spread: int = 0
    feedback: float = 0.0

    def __post_init__(self) -> None:
        problems = [text for wrong, text in self._checks() if wrong]
        if problems:
            raise ValueError(f"preset {self.name}: " + "; ".join(problems))

    def _checks(self) -> list[tuple[bool, str]]:
        blends = [p.open + p.high + p.low + p.close for p in self.entry]
        logs = [d for level in self.levels for d in (level.long_log, level.short_log)]
        fades = [(life.half_life_h, life.amplitude) for life in self.lifetimes]
        return [
            (not self.entry and self.spread < 1, "no entry point"),
            (bool(self.entry) and self.spread > 0, "entry points or a spread, not both"),
            (not 0 <= self.feedback <= 1, "feedback must be in [0, 1]"),
            (any(not math.isclose(b, 1.0) for b in blends), "an entry point's prices must blend to 1"),
            (any(not 0 < p.share <= 1 for p in self.entry), "an entry share must be in (0, 1]"),
            (not self.levels, "no level"),
            (any(not 0 < d < math.inf for d in logs), "a distance must be above 0"),
            (any(not 0 <= level.weight < math.inf for level in self.levels), "a weight must be 0 or more"),
            (not self.lifetimes, "no lifetime"),
            (any(not h > 0 or not 0 < a < math.inf for h, a in fades), "a lifetime must be above 0"),
            (self.take_profit is not None and not self.take_profit > 0, "take_profit must be above 0"),
            (not 0 < self.norm_min_days <= self.norm_days, "norm_min_days must be in (0, norm_days]"),
            (not self.reach > BIN_LOG, "reach must be wider than a bin"),
            (self.step_ms <= 0, "step_ms must be above 0"),
        ]

    @property
    def distances(self) -> tuple[float, ...]:
        """Return the distances of the levels, as fractions of the entry price."""
        return tuple(level.distance for level in self.levels)

    @property
    def weights(self) -> tuple[float, ...]:
        """Return the weights of the levels."""
        return tuple(level.weight for level in self.levels)

    @property
    def width(self) -> int:
        """Return how many bins a column has on each side."""
        return round(self.reach / BIN_LOG)


_FLOW_DISTANCES = (
    *(0.002, 0.003, 0.004, 0.005, 0.0065, 0.008, 0.01, 0.0125, 0.016),
    *(0.02, 0.025, 0.032, 0.04, 0.05, 0.065, 0.08, 0.1),
)

FLOW = Preset(
    name="flow",
    unit=Unit.EXPECTED,
    entry=(EntryPoint(open=0.5, close=0.5),),
    levels=tuple(Level.at(d, weight=d) for d in _FLOW_DISTANCES),
    lifetimes=(Lifetime(half_life_h=0.5, amplitude=1.67), Lifetime(half_life_h=48.0, amplitude=0.33)),
    take_profit=0.006,
    volume_exponent=0.75,
    norm_days=30.0,
    norm_min_days=3.0,
    warm_days=7.0,
    reach=0.12,
)
"""Volume in, fixed distances, two lifetimes: the model that measured best (docs/model.md)."""

LEVERAGES = (5.0, 10.0, 25.0, 50.0, 100.0)
LEVERAGE_WEIGHTS = (0.15, 0.30, 0.25, 0.20, 0.10)
MAINTENANCE_MARGIN_RATE = 0.004
"""Of the first bracket of BTC and ETH on Binance, where most positions are."""

LEVERAGE = Preset(
    name="leverage",
    unit=Unit.STANDING,
    entry=(),
    spread=5,
    levels=tuple(
        Level.rung(leverage, MAINTENANCE_MARGIN_RATE, weight=weight)
        for leverage, weight in zip(LEVERAGES, LEVERAGE_WEIGHTS, strict=True)
    ),
    lifetimes=(Lifetime(half_life_h=48.0, amplitude=1.0),),
    take_profit=None,
    volume_exponent=1.0,
    norm_days=30.0,
    norm_min_days=3.0,
    warm_days=14.0,
    reach=0.25,
    fuel=Fuel.OPEN_INTEREST,
    feedback=0.1,
)
"""Open interest in, a ladder of leverages: what other tools draw, made right (docs/model.md)."""

SIMPLE = replace(
    LEVERAGE,
    name="simple",
    entry=(EntryPoint(close=1.0),),
    spread=0,
    lifetimes=(Lifetime(half_life_h=math.inf, amplitude=1.0),),
    sides=Sides.COLOUR,
    feedback=0.0,
)
"""The textbook's: one entry at the close, one side a candle, and nothing fades."""

PRESETS = {preset.name: preset for preset in (FLOW, LEVERAGE, SIMPLE)}
"""Every shipped preset, by name."""
NAMED = 17
"""Levels that an error names one by one."""


def preset_named(name: str) -> Preset:
    """Return a shipped preset; raise UserError that names those there are for any other name."""
    if name not in PRESETS:
        raise UserError(f"There is no model {name[:40]!r}; there are: {', '.join(PRESETS)}.")
    return PRESETS[name]


def with_weights(preset: Preset, weights: Sequence[float]) -> Preset:
    """Return a preset with other weights of its levels, in their order.

    Raise UserError for another number of weights than levels, for one that is negative or no number, where
    all are 0, and, where mass is open interest, for weights that sum to more than 1.
    """
    if len(weights) != len(preset.levels):
        names = " ".join(f"{distance:.2%}" for distance in preset.distances[:NAMED])
        more = " …" if len(preset.levels) > NAMED else ""
        had = f"{preset.name} has {len(preset.levels)} levels ({names}{more} from entry)"
        raise UserError(f"{had}, and {len(weights)} weights were given.")
    if any(not 0 <= weight < math.inf for weight in weights):
        raise UserError("A weight is a number of 0 or more, such as .25.")
    if not any(weights):
        raise UserError("The weights are 0 for every level, so nothing would be drawn. Raise one.")
    if preset.fuel is Fuel.OPEN_INTEREST and sum(weights) > 1 + 1e-9:
        raise UserError(
            f"The weights sum to {sum(weights):.3g}; they are shares of what is opened, 1 at most."
        )
    levels = [replace(level, weight=float(w)) for level, w in zip(preset.levels, weights, strict=True)]
    return replace(preset, levels=tuple(levels))
