"""Fit and judge how likely price comes to a zone in 1, 4 and 24 hours, and what is liquidated then.

Fitted on BTC to 2026-01-30, judged on BTC from 2026-02-01 and on ETH of 2025's last quarter, which nothing
was fitted on. Asked beside it: whether a zone's dollars, rank, side and width say more than distance and
volatility do. Data are read from LIQWATCH_SAMPLES. `python -m bench.touch` prints the tables of
docs/accuracy.md and the figures of `engine.touch.FITS`.
"""

import math
import sys
from dataclasses import dataclass, replace
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.flow.study import at_ms, columns, read_study, samples
from bench.flow.touches import Touches, gather
from bench.runner import Outcome, machine
from engine.calibration import BTC_USD_SCALE
from engine.errors import UserError
from engine.model import HOUR_MS, STEP_MS, Candles, Floats
from engine.scoring.measures import Days, Interval
from engine.scoring.predict import VenueBars
from engine.scoring.tweedie import deviance
from engine.scoring.tweedie import fit as fit_curve
from engine.touch import FITS, HORIZONS_H, Fit, chance, chances, stretched, usd_if_touched

FITTED_TO, JUDGED_FROM = at_ms("2026-01-31") // HOUR_MS, at_ms("2026-02-01") // HOUR_MS
ETH = Path("market") / "klines_5m_2025Q4" / "ETHUSDT_5m.csv.gz"
PARTS = (0.0, 0.01, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9, 1.01)
THIN = 3
"""Every so many hours are fitted on: those between are nearly the same."""
RESAMPLES = 4000
Truths = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Hold the zones that are fitted on, and those that are judged by."""

    fitted: Touches
    btc: Touches
    eth: Touches


def gathered(folder: Path) -> Samples:
    """Return zones with what became of them."""
    study = read_study(folder)
    btc = gather(
        VenueBars(venue="study", step_ms=STEP_MS, candles=study.candles),
        study.reported,
        usd_scale=BTC_USD_SCALE,
    )
    what = '"timestamp" AS ts, open, high, low, close, volume'
    bars = columns(folder / ETH, what)
    unknown = np.full(len(bars["ts"]), np.nan)
    candles = Candles(
        ts=bars.pop("ts").astype(np.int64),
        **bars,
        quote_volume=bars["volume"] * bars["close"],
        taker_buy_volume=unknown,
        open_interest=unknown,
    )
    eth = gather(VenueBars(venue="binance", step_ms=STEP_MS, candles=candles), None, usd_scale=BTC_USD_SCALE)
    return Samples(
        fitted=btc.where(btc.hour + max(HORIZONS_H) < FITTED_TO),
        btc=btc.where(btc.hour >= JUDGED_FROM),
        eth=eth,
    )


def fit_chances(zones: Touches) -> list[Fit]:
    """Return the fits of chances, of the least squared error on every third hour."""
    thin = zones.where(zones.hour % THIN == 0)
    return [_closest(thin, nth) for nth in range(len(HORIZONS_H))]


def _closest(zones: Touches, nth: int) -> Fit:
    best, width = replace(FITS[nth], spread=1.0, bend=1.0, day=0.5), np.array([0.5, 0.4, 0.5])
    for _ in range(5):
        steps = [np.linspace(-each, each, 5) for each in width]
        tried = [
            replace(best, spread=float(best.spread + a), bend=float(best.bend + b), day=float(best.day + c))
            for a, b, c in product(*steps)
            if best.spread + a > 0.1 and best.bend + b > 0.1 and 0.0 <= best.day + c <= 1.0
        ]
        best = min(tried, key=lambda fit: _error(fit, zones, nth))
        width = width / 2.0
    return best


def _error(fit: Fit, zones: Touches, nth: int) -> float:
    found = chance(stretched(fit, zones.near, zones.day, zones.week))
    return float(brier(found, zones.touched[:, nth]).mean())


def known_dollars(zones: Touches, nth: int) -> tuple[Touches, Floats]:
    """Return the zones that were touched in a horizon with all reports known, and their dollars."""
    kept = zones.touched[:, nth] & np.isfinite(zones.usd[:, nth])
    return zones.where(kept), zones.usd[kept, nth]


def fit_dollars(zones: Touches, nth: int) -> tuple[float, float]:
    """Return what a touched zone of a million dollars holds, and the power of dollars that others go by."""
    touched, usd = known_dollars(zones, nth)
    curve = fit_curve(np.log(touched.notional_usd)[:, None], usd, ridge=1e-5)
    power = float(curve.weights[1] / curve.spread[0])
    level = float(curve.weights[0] - power * curve.mean[0] + power * math.log(1e6))
    return math.exp(level), power


def brier(said: Floats, came: Truths) -> Floats:
    """Return the squared error of each chance."""
    return np.asarray((said - came) ** 2)


def skill(zones: Touches, base: Floats, said: Floats, came: Truths) -> Interval:
    """Return the share of a baseline's squared error that chances are spared, with its interval over days."""
    before, after = brier(base, came), brier(said, came)
    return Days(zones.hour, seed=1, resamples=RESAMPLES).ratio(before - after, before)


def refitted(fitted: Touches, judged: Touches, nth: int, *, with_zone: bool) -> Floats:
    """Return chances of judged zones by a logistic curve of distance, with what the zones are or without."""
    tables = [_table(zones, nth)[:, : None if with_zone else 3] for zones in (fitted, judged)]
    weights = logistic(tables[0], fitted.touched[:, nth])
    return np.asarray(1.0 / (1.0 + np.exp(-tables[1] @ weights)))


def _table(zones: Touches, nth: int) -> Floats:
    plain = replace(FITS[nth], spread=1.0, bend=1.0)
    z = stretched(plain, zones.near, zones.day, zones.week)
    width = np.log(zones.far - zones.near + 1e-4)
    of_zone = (zones.short, zones.percentile / 100.0, np.log(zones.notional_usd) / 10.0, width)
    return np.column_stack([np.ones(len(zones)), z, np.sqrt(z), *of_zone])


def logistic(table: Floats, came: Truths) -> Floats:
    """Return the weights of a logistic curve, by Newton's method."""
    weights = np.zeros(table.shape[1])
    for _ in range(50):
        said = 1.0 / (1.0 + np.exp(-table @ weights))
        slope = table.T @ (came - said)
        bend = (table * (said * (1.0 - said))[:, None]).T @ table + 1e-6 * np.eye(len(weights))
        step = np.linalg.solve(bend, slope)
        weights = weights + step
        if np.abs(step).max() < 1e-9:
            break
    return np.asarray(weights)


def run(*, quick: bool) -> Outcome:
    """Judge what ships on zones that it was not fitted on; `quick` does the same. Nothing without data."""
    try:
        folder = samples()
    except UserError as missing:
        sys.stderr.write(f"{missing}\n")
        return {"figures": {"zones": 0.0}, "units": {}, "goals": {}}
    found = gathered(folder)
    figures = {"zones": float(len(found.btc) + len(found.eth))}
    for name, zones in (("btc", found.btc), ("eth", found.eth)):
        said = chances(zones.near, zones.day, zones.week)
        for nth, hours in enumerate(HORIZONS_H):
            came = zones.touched[:, nth]
            usual = np.full(len(zones), found.fitted.touched[:, nth].mean())
            figures[f"{name}_{hours}h_brier"] = float(brier(said[:, nth], came).mean())
            figures[f"{name}_{hours}h_skill"] = skill(zones, usual, said[:, nth], came).value
            figures[f"{name}_{hours}h_said"] = float(said[:, nth].mean())
            figures[f"{name}_{hours}h_came"] = float(came.mean())
    return {"figures": figures, "units": {}, "goals": {}}


def report(found: Samples) -> None:
    """Print what would be fitted, and how what ships does elsewhere."""
    print(f"{machine()}\nzones: fitted {len(found.fitted)}, BTC {len(found.btc)}, ETH {len(found.eth)}\n")
    for nth, fit in enumerate(fit_chances(found.fitted)):
        million_usd, power = fit_dollars(found.fitted, nth)
        print(replace(fit, million_usd=million_usd, dollars=power))
    for name, zones in (("BTC fitted", found.fitted), ("BTC", found.btc), ("ETH", found.eth)):
        print(f"\n{name}\n| within | said | came | error | over the usual | random walk | zone adds |")
        for nth, hours in enumerate(HORIZONS_H):
            print(_chance_row(found.fitted, zones, nth, hours))
    for name, zones in (("BTC", found.btc), ("ETH", found.eth)):
        report_calibration(name, zones)
    report_dollars(found)


def report_calibration(name: str, zones: Touches) -> None:
    """Print how many zones of each chance were touched."""
    found = chances(zones.near, zones.day, zones.week)
    for nth, hours in enumerate(HORIZONS_H):
        cells = []
        for low, high in pairwise(PARTS):
            kept = (found[:, nth] >= low) & (found[:, nth] < high)
            if kept.any():
                said, came = found[kept, nth].mean(), zones.touched[kept, nth].mean()
                cells.append(f"{said:.3f}/{came:.3f} ({kept.sum()})")
        print(f"\n{name}, {hours} h, said/came (zones): {', '.join(cells)}")


def _chance_row(fitted: Touches, zones: Touches, nth: int, hours: int) -> str:
    came = zones.touched[:, nth]
    said = chances(zones.near, zones.day, zones.week)[:, nth]
    plain = replace(FITS[nth], spread=1.0, bend=1.0)
    z = stretched(plain, zones.near, zones.day, zones.week)
    walk = np.array([math.erfc(each) for each in (z / math.sqrt(2.0)).tolist()])
    usual = np.full(len(zones), fitted.touched[:, nth].mean())
    curves = [refitted(fitted, zones, nth, with_zone=given) for given in (False, True)]
    gains = [skill(zones, base, said, came) for base in (usual, walk)]
    gains.append(skill(zones, curves[0], curves[1], came))
    cells = [f"{hours} h", f"{said.mean():.3f}", f"{came.mean():.3f}", f"{brier(said, came).mean():.4f}"]
    return "| " + " | ".join([*cells, *(_interval(each) for each in gains)]) + " |"


def _interval(value: Interval) -> str:
    return f"{value.value:+.3f} [{value.low:+.3f}, {value.high:+.3f}]"


def report_dollars(found: Samples) -> None:
    """Print what touched zones held against what was said, on stretches fitted on and held out."""
    print("\n| dollars within | zones | reported | said over reported | explained | by width alone |")
    for nth, hours in enumerate(HORIZONS_H):
        train, usd = known_dollars(found.fitted, nth)
        test, truth = known_dollars(found.btc, nth)
        said = usd_if_touched(test.notional_usd)[:, nth]
        wide = fit_curve(np.log(train.far - train.near)[:, None], usd, ridge=1e-5)
        null = deviance(truth, np.full(len(truth), usd.mean())).sum()
        explained = [
            1.0 - deviance(truth, each).sum() / null
            for each in (said, wide.predict(np.log(test.far - test.near)[:, None]))
        ]
        ratio = Days(test.hour, seed=1, resamples=RESAMPLES).ratio(said, truth)
        cells = [f"{hours} h", f"{len(truth)}", f"{truth.mean() / 1e6:.2f} M", _interval(ratio)]
        print("| " + " | ".join([*cells, *(f"{each:.2f}" for each in explained)]) + " |")
        edges = np.quantile(test.notional_usd, (0.0, 0.2, 0.4, 0.6, 0.8, 1.0))
        for low, high in pairwise(edges):
            kept = (test.notional_usd >= low) & (test.notional_usd <= high)
            means = [float(each[kept].mean()) / 1e6 for each in (test.notional_usd, said, truth)]
            print("  shown {:.2f} M, said {:.2f} M, reported {:.2f} M".format(*means))


if __name__ == "__main__":
    report(gathered(samples()))
