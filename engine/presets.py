"""Describe heatmap models as data: a preset is a choice of parts for the one kernel.

The parts are those of every known liquidation heatmap: mass enters at some points of a candle, stands
at a set of distances from them, fades by lifetimes, leaves in profit, and is swept. Nothing here
computes; the kernel never asks for a preset's name.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

from engine.model import STEP_MS

BIN_LOG = 2e-4
"""Width of a state bin in log price (2 basis points); bin `b` covers `[b, b + 1) * BIN_LOG`."""


class Unit(StrEnum):
    """What the dollars of a surface mean."""

    EXPECTED = "expected_liquidations_usd"
    STANDING = "standing_notional_usd"


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

    def __post_init__(self) -> None:
        problems = [text for wrong, text in self._checks() if wrong]
        if problems:
            raise ValueError(f"preset {self.name}: " + "; ".join(problems))

    def _checks(self) -> list[tuple[bool, str]]:
        blends = [p.open + p.high + p.low + p.close for p in self.entry]
        logs = [d for level in self.levels for d in (level.long_log, level.short_log)]
        fades = [(life.half_life_h, life.amplitude) for life in self.lifetimes]
        return [
            (not self.entry, "no entry point"),
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

PRESETS = {preset.name: preset for preset in (FLOW,)}
"""Every shipped preset, by name."""
