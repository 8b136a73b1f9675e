"""Calibrate the models of a symbol, and say in words what was found."""

from dataclasses import asdict, dataclass
from typing import Any

from bot.truth import words
from engine.calibrate import Shape, exposures, fit_shape, level_factors
from engine.model import HOUR_MS
from engine.presets import Preset, Unit
from engine.scoring.board import pair
from engine.scoring.predict import predict_all
from engine.scoring.report import Pair
from engine.task import Task, judged_hours


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibrated:
    """Hold what calibrating one model found; `factor` is reported over predicted USD of the last week."""

    model: str
    as_of_ms: int
    factor: Pair
    shape: Shape

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {
            "model": self.model,
            "as_of_ms": self.as_of_ms,
            "factor": self.factor,
            "shape": asdict(self.shape),
        }

    def lines(self) -> list[str]:
        """Return it in words."""
        shape = self.shape
        verdict = "accepted" if shape.accepted else "refused: the default stays"
        lines = [
            f"{self.model}: level {words.pair(self.factor, '.2f')} (reported over predicted in 7 days)",
            f"shape {verdict}; what it adds on unseen hours is {words.interval(shape.gain, '+.4f')}",
            "distance  default  fitted",
        ]
        for distance, default, fitted in zip(shape.distances, shape.default, shape.weights, strict=True):
            lines.append(f"{distance:7.2%}  {default:7.4f}  {fitted:7.4f}")
        return lines


def calibrate_symbol(task: Task) -> list[Calibrated]:
    """Return level and shape of each model of a task; DataError where too little is known."""
    return [_calibrated(task, preset) for preset in task.presets]


def _calibrated(task: Task, preset: Preset) -> Calibrated:
    judged = judged_hours(task)
    scale = task.usd_scale if preset.unit is Unit.EXPECTED else 1.0
    walk = predict_all(preset, task.venues, judged.hours, usd_scale=scale).walk + task.background_usd
    factors = level_factors(walk, judged.everywhere())
    exposure = exposures(preset, task.venues, judged.hours, usd_scale=scale)[judged.rows]
    return Calibrated(
        model=preset.name,
        as_of_ms=(int(judged.hours.hour[-1]) + 1) * HOUR_MS,
        factor=pair(*factors[-1]),
        shape=fit_shape(preset, exposure, judged.usd, judged.hour, seed=task.seed),
    )
