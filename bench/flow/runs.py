"""Run variants of `flow` through the product's own kernel: what each hour sweeps, walk-forward.

A variant may give every candle another mass on each side and let time pass at another speed; the rest is a
preset's. Predictions are linear in mass, so that anything which can be written as a sum of presets can be
tried without another kernel.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.flow.study import Study, at_ms
from engine import kernel, state
from engine.kernel import SWEPT, Bars, Near
from engine.model import DAY_MS, HOUR_MS, STEP_MS, Floats, Ints
from engine.norm import masses, new_norm, rule_of
from engine.presets import BIN_LOG, FLOW, Preset

BEGIN_MS, END_MS = at_ms("2025-10-01"), at_ms("2026-01-31")
"""Walks begin here, 53 days before the first report; what mixtures are measured by ends there."""
NARROW = 3 * BIN_LOG


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """Know the study's candles from BEGIN_MS on and sweep presets through them."""

    study: Study
    first: int
    prices: Floats  # (4, n)
    vwap: Floats

    @classmethod
    def of(cls, study: Study) -> "Runner":
        """Return the runner of a study."""
        first = int(np.searchsorted(study.candles.ts, BEGIN_MS))
        c = study.candles[slice(first, None)]
        return cls(
            study=study,
            first=first,
            prices=np.stack([c.open, c.high, c.low, c.close]),
            vwap=(c.high + c.low + c.close) / 3.0,
        )

    @property
    def ts(self) -> Ints:
        """Return the candles' opens."""
        return self.study.candles.ts[self.first :]

    def mass(self, quote: Floats | None = None, preset: Preset = FLOW) -> Floats:
        """Return each candle's mass from quote volumes of the whole study (spot ones unless given)."""
        c = self.study.candles
        values = c.quote_volume if quote is None else quote
        return masses(rule_of(preset), new_norm(preset), c.ts, np.nan_to_num(values))[0][self.first :]

    def of_one(self, predicted: Floats) -> Floats:
        """Return a prediction whose sum is one over the hours that are chosen on and those before."""
        early = self.study.hours.hour * HOUR_MS < END_MS
        one: Floats = predicted / predicted[early].sum()
        return one

    def swept(
        self,
        preset: Preset = FLOW,
        mass: Floats | None = None,
        *,
        shorts: Floats | None = None,
        clock_ms: Ints | None = None,
        open_interest: bool = False,
    ) -> Floats:
        """Return the mass that each hour sweeps, (hours, 2).

        `mass` enters on both sides unless shorts have their own; `clock_ms` is the time that fading goes by.
        """
        long = self.mass(preset=preset) if mass is None else mass
        moved = self._moved(preset, long, clock_ms, open_interest=open_interest)
        if shorts is not None:
            moved[:, 1] = self._moved(preset, shorts, clock_ms, open_interest=open_interest)[:, 1]
        out = np.zeros((len(self.study.hours), 2))
        np.add.at(out, self.study.hour_row[self.first :], moved)
        return out

    def _moved(self, preset: Preset, mass: Floats, clock: Ints | None, *, open_interest: bool) -> Floats:
        thin = replace(preset, reach=NARROW)
        parts, book = state.parts_of(thin), state.new_book(thin)
        count = len(mass)
        coins = self.study.candles.open_interest[self.first :]
        bars = Bars(
            ts=self.ts if clock is None else clock,
            prices=self.prices,
            mass=mass,
            vwap=self.vwap,
            open_interest=coins if open_interest else np.full(count, np.nan),
        )
        out = Near(
            usd_scale=1.0,
            rows=np.zeros((2, count, thin.width), np.float32),
            close_bin=np.zeros(count, np.int64),
            moved=np.zeros((count, 2, 5)),
            need=np.zeros((2, 2), np.int64),
        )
        at = kernel.walk_near(parts, book, bars, 0, out)
        while at < count:
            book = state.grown(book, out.need)
            at = kernel.walk_near(parts, book, bars, at, out)
        swept: Floats = out.moved[:, :, SWEPT].copy()
        if open_interest:
            swept *= self.prices[3][:, None]
        return swept

    def by_level(self, weights: Floats, preset: Preset = FLOW, *, clock_ms: Ints | None = None) -> Floats:
        """Return what is swept where each candle weighs levels its own way: `weights` is (levels, n)."""
        base = self.mass(preset=preset)
        parts = [
            self.swept(replace(preset, levels=(level,)), base * weights[nth], clock_ms=clock_ms)
            for nth, level in enumerate(preset.levels)
        ]
        total: Floats = np.sum(parts, axis=0)
        return total

    def exposures(self, presets: Sequence[Preset]) -> Floats:
        """Return what each of several presets sweeps, (hours, 2, presets)."""
        return np.stack([self.swept(preset) for preset in presets], axis=2)

    def log_returns(self) -> Floats:
        """Return each candle's log return."""
        returns: Floats = np.log(self.prices[3] / self.prices[0])
        return returns

    def volatility(self, hours: float) -> Floats:
        """Return the root mean square return of a candle over the time before each one's end."""
        return np.sqrt(trailing(self.log_returns() ** 2, round(hours * 12)) + 1e-12)

    def wildness(self, hours: float) -> Floats:
        """Return volatility over its mean of the 30 days before, at each candle's end."""
        now = self.volatility(hours)
        wild: Floats = np.clip(now / before(now, 30.0), 0.1, 10.0)
        return wild

    def warped(self, speed: Floats) -> Ints:
        """Return a clock that runs at `speed` (n,) times the usual one, as candles' opens in ms."""
        bounded = np.clip(speed, 0.02, 50.0)
        ticks = np.maximum(np.rint(STEP_MS * bounded), 1.0)
        return BEGIN_MS + np.cumsum(ticks).astype(np.int64)


def trailing(values: Floats, span: int) -> Floats:
    """Return the mean of each value and those before it, `span` at most."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    end = np.arange(1, len(values) + 1)
    since = np.maximum(end - span, 0)
    mean: Floats = (total[end] - total[since]) / (end - since)
    return mean


def before(values: Floats, days: float) -> Floats:
    """Return the mean of the days before each value, of itself for the first."""
    mean = trailing(values, round(days * DAY_MS / STEP_MS))
    return np.concatenate([mean[:1], mean[:-1]])
