"""Hold what a measurement of accuracy found, in plain values that go to JSON and back."""

import math
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

from engine.errors import DataError
from engine.scoring.measures import Interval
from engine.scoring.zone_lift import ZoneScore

FORMAT = 1
DIGITS = 10
"""What is kept of a figure: how sums are ordered on a machine shows beyond that."""
LEAN = 0.006
"""What the choice of the baseline's ridge, from 1e-6 to 1e-2, moved the gain of `flow` by in development."""
Pair = tuple[float, float]
"""One figure for longs, one for shorts."""


class Role(StrEnum):
    """What a row of the table is there for."""

    MODEL = "model"
    BASELINE = "baseline"
    PLACEBO = "placebo"


class Kind(StrEnum):
    """How a prediction was made; the two are never mixed."""

    WALK = "walk-forward"
    FROZEN = "frozen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Skill:
    """Hold how well one prediction does on unseen hours.

    `explained` is the share of the null deviance; `over_price` what it explains beyond price alone, and
    `over_distance` what it adds to price and distance together, None where it is one of them. `spearman` and
    `recall` are of the prediction through its curve; `usd_ratio` is predicted over reported dollars as the
    prediction stands. `model` is the preset it is or belongs to, empty for what belongs to none.
    """

    name: str
    role: Role
    explained: float
    spearman: Pair
    recall: Pair
    usd_ratio: Pair
    model: str = ""
    kind: Kind = Kind.WALK
    over_price: Interval | None = None
    over_distance: Interval | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Hold reported over predicted dollars: in the last week, and what the weekly factor does to the whole.

    `drift` is how far weeks stray from each other (standard deviation of the logarithm), before and after.
    """

    factor: Pair
    raw_ratio: Pair
    levelled_ratio: Pair
    raw_drift: Pair
    levelled_drift: Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Hold a whole measurement. `venues` gave the candles, `reported_by` the liquidations.

    Dollars of the models in `standing` are of positions that stood where price went, not of liquidations that
    were expected: predicted over reported is no error of level for them, and `levels` leaves them out.
    """

    symbol: str
    models: tuple[str, ...]
    venues: tuple[str, ...]
    reported_by: tuple[str, ...]
    from_ms: int
    to_ms: int
    hours: int
    days: int
    step_ms: int
    seed: int
    usd_scale: float
    background_usd: float
    reported_usd: Pair
    skills: tuple[Skill, ...]
    zones: tuple[ZoneScore, ...]
    levels: tuple[tuple[str, Level], ...]
    notes: tuple[str, ...] = ()
    standing: tuple[str, ...] = ()

    def skill(self, name: str, kind: Kind = Kind.WALK) -> Skill | None:
        """Return the row of that name, or None."""
        return next((s for s in self.skills if s.name == name and s.kind is kind), None)

    def placebos(self, model: str) -> tuple[Skill, ...]:
        """Return the placebos of a model: the same with its volume or open interest put on other days."""
        return tuple(s for s in self.skills if s.role is Role.PLACEBO and s.model == model)

    def adds(self, model: str) -> bool:
        """Say whether a model adds to price and distance for certain, and none of its placebos does.

        That alone is not to *work*: how the baseline is fitted may move the figure by as much.
        """
        skill = self.skill(model)
        placebos = self.placebos(model)
        if skill is None or skill.over_distance is None or not placebos:
            return False
        fooled = any(p.over_distance is not None and p.over_distance.above_zero for p in placebos)
        return skill.over_distance.above_zero and not fooled

    def works(self, model: str) -> bool:
        """Say whether a model adds more than what one free choice of the baseline moves the figure by."""
        skill = self.skill(model)
        gain = skill.over_distance if skill is not None else None
        return self.adds(model) and gain is not None and gain.low > LEAN

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON can hold it; NaN becomes null."""
        plain = _plain(asdict(self))
        works = {model: self.works(model) for model in self.models}
        adds = {model: self.adds(model) for model in self.models}
        return {"format": FORMAT, **plain, "works": works, "adds": adds}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Return the report that `to_dict` gave; DataError where it is none of this format."""
        try:
            if data["format"] != FORMAT:
                raise DataError(
                    f"an accuracy report of format {data['format']}; this Liqwatch reads {FORMAT}"
                )
            data = {"standing": [], **data}  # reports made before there were any lack it
            fields = {name: data[name] for name in cls.__dataclass_fields__}
            fields["skills"] = tuple(_skill(row) for row in fields["skills"])
            fields["zones"] = tuple(_zone_score(row) for row in fields["zones"])
            fields["levels"] = tuple((name, _level(row)) for name, row in fields["levels"])
            for name in ("models", "venues", "reported_by", "notes", "standing", "reported_usd"):
                fields[name] = tuple(fields[name])
            return cls(**fields)
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"this is not an accuracy report: {error!r}") from error


def _plain(value: Any) -> Any:  # noqa: ANN401 - any value of a report
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    return value


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _pair(row: list[float | None]) -> Pair:
    first, second = (_number(v) for v in row)
    return first, second


def _interval(row: dict[str, float | None]) -> Interval:
    return Interval(**{name: _number(row[name]) for name in ("value", "low", "high")})


def _skill(row: dict[str, Any]) -> Skill:
    over_price, over_distance = row["over_price"], row["over_distance"]
    return Skill(
        name=row["name"],
        role=Role(row["role"]),
        kind=Kind(row["kind"]),
        model=row["model"],
        explained=_number(row["explained"]),
        spearman=_pair(row["spearman"]),
        recall=_pair(row["recall"]),
        usd_ratio=_pair(row["usd_ratio"]),
        over_price=None if over_price is None else _interval(over_price),
        over_distance=None if over_distance is None else _interval(over_distance),
    )


def _zone_score(row: dict[str, Any]) -> ZoneScore:
    return ZoneScore(
        kind=row["kind"],
        horizon_h=int(row["horizon_h"]),
        coverage=_number(row["coverage"]),
        dollars=_number(row["dollars"]),
        lift=_interval(row["lift"]),
        lift_at_distance=_interval(row["lift_at_distance"]),
    )


def _level(row: dict[str, Any]) -> Level:
    return Level(**{name: _pair(row[name]) for name in Level.__dataclass_fields__})
