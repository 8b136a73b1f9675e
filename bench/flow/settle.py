"""Settle how much of what `flow` adds to price and distance hangs on the ridge: fixed elsewhere, judged here.

The ridge is the one at which price and distance together, without `flow`, explain most on the chosen stretch.
"""

from dataclasses import dataclass, replace

import numpy as np

from bench.flow.interest import leverage
from bench.flow.judge import Stretch, carried, together
from bench.flow.runs import Runner
from bench.flow.trial import Trial
from bench.flow.volume import evenly, late
from engine.calibration import BTC_USD_SCALE
from engine.model import DAY_MS, HOUR_MS, STEP_MS, Floats
from engine.presets import FLOW, Preset
from engine.scoring.measures import Days, Interval
from engine.scoring.placebos import random_distances, shuffled, shuffled_open_interest
from engine.scoring.predict import VenueBars, predict
from engine.scoring.zone_lift import HORIZONS_H, mark_zones, score_zones, walks
from engine.zones import ZoneParams

RIDGES = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
SHUFFLES = 3
WARM_MS = 22 * DAY_MS
FINE = ("2025-11-23", "2025-12-31")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """Hold what price and distance explain, and what a prediction adds to them, at one ridge."""

    name: str
    stretch: str
    ridge: float
    base: float
    adds: Interval
    carried_base: float
    carried_adds: Interval


def fixed_ridge(trial: Trial) -> float:
    """Return the ridge at which price and distance explain most on the chosen stretch."""
    features = together(trial.chosen, trial.distance)
    losses = [float(trial.chosen.loss(features, ridge=ridge).sum()) for ridge in RIDGES]
    return RIDGES[int(np.argmin(losses))]


def settle(trial: Trial, name: str, usd: Floats, stretch: Stretch, label: str, ridge: float) -> Settled:
    """Return what a prediction adds, by curves of the stretch's other days and of the chosen stretch."""
    chosen, distance = trial.chosen, trial.distance
    own = [together(stretch, distance), together(stretch, distance, usd)]
    there = [together(chosen, distance), together(chosen, distance, usd)]
    inside = [stretch.loss(features, ridge=ridge) for features in own]
    across = [
        carried(chosen, stretch, (train, test), ridge=ridge) for train, test in zip(there, own, strict=True)
    ]
    return Settled(
        name=name,
        stretch=label,
        ridge=ridge,
        base=stretch.explained(inside[0]),
        adds=stretch.gain(*inside),
        carried_base=stretch.explained(across[0]),
        carried_adds=stretch.gain(*across),
    )


def mixtures(trial: Trial, share: float) -> dict[str, Floats]:
    """Return `flow` with a share of `leverage`, by open interest as it was and by that of other days.

    What the others gain as well is no news of open interest; distance alone is mixed in for comparison.
    """
    study, bars = trial.study, VenueBars(venue="study", step_ms=STEP_MS, candles=trial.study.candles)
    made = {"as it was": leverage(trial.runner), "distance only": trial.distance}
    for seed in range(1, SHUFFLES + 1):
        candles = shuffled_open_interest(bars, seed=seed).candles
        made[f"days shuffled {seed}"] = leverage(Runner.of(replace(study, candles=candles)))
    one, flow = trial.runner.of_one, trial.runner.of_one(trial.flow)
    return {name: trial.scaled((1.0 - share) * flow + share * one(usd)) for name, usd in made.items()}


def looking_ahead(trial: Trial) -> dict[str, tuple[float, Interval]]:
    """Return what `flow` explains by volumes that do and do not look 10 minutes ahead, and gains over itself.

    Where perpetual volume is known by 5 minutes: 2025-11-23 to 2025-12-30.
    """
    study, runner, stretch = trial.study, trial.runner, Stretch(trial.study, *FINE)
    spot, perpetual = study.candles.quote_volume, np.nan_to_num(study.perpetual) * study.candles.open
    quotes = {
        "spot, spread over 15 min": spot,
        "spot, known late": late(spot, study),
        "perpetual, 5 min": perpetual,
        "perpetual, spread over 15 min": evenly(perpetual, study),
        "perpetual, spread and known late": late(evenly(perpetual, study), study),
    }
    level = trial.flow[stretch.rows].sum()
    usual, found = trial.losses(stretch, trial.flow), {}
    for name, quote in quotes.items():
        swept = runner.swept(mass=runner.mass(quote))
        loss = trial.losses(stretch, swept * (level / swept[stretch.rows].sum()))
        found[name] = stretch.explained(loss), stretch.gain(usual, loss)
    return found


def lifts(trial: Trial, stretch: Stretch, preset: Preset, quote: Floats) -> list[Interval]:
    """Return the lift of zones within 1, 4 and 24 hours of a stretch's hours, by quote volumes."""
    hours, params, seed = trial.study.hours, ZoneParams(), 1
    candles = replace(trial.study.candles, quote_volume=quote)
    bars = VenueBars(venue="study", step_ms=STEP_MS, candles=candles)
    columns = predict(preset, bars, hours, usd_scale=BTC_USD_SCALE).columns
    recent = slice(int(np.searchsorted(columns.ts, stretch.hour[0] * HOUR_MS - WARM_MS)), None)
    marks, known = mark_zones(columns[recent], hours, params)
    starts = stretch.rows[known[stretch.rows]]
    days = Days(hours.hour[starts], seed=seed)
    found = []
    for horizon_h in HORIZONS_H:
        walked = walks(hours, trial.study.reported, starts, horizon_h=horizon_h, params=params)
        found.append(score_zones("zones", horizon_h, marks, walked, days).lift)
    return found


def placebos(trial: Trial) -> dict[str, Floats]:
    """Return predictions in USD of `flow` by other days' volume and at random distances."""
    runner: Runner = trial.runner
    bars = VenueBars(venue="study", step_ms=STEP_MS, candles=trial.study.candles)
    made = {}
    for seed in range(1, SHUFFLES + 1):
        mixed = shuffled(bars, seed=seed).candles
        made[f"days shuffled {seed}"] = trial.scaled(runner.swept(mass=runner.mass(mixed.quote_volume)))
        made[f"random distances {seed}"] = trial.scaled(runner.swept(random_distances(FLOW, seed=seed)))
    return made
