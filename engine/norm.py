"""Turn quote volumes into mass: each by the mean of the days before it.

Bars that are missing count as nothing known, not as zero, so that a gap leaves the mean as it was.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from engine.model import DAY_MS, STEP_MS, Floats, Ints
from engine.presets import Preset

SUM, COUNT, PEAK = range(3)
NEVER = -(1 << 62)
MAX_RATIO = 1e9
"""Bound on a bar's volume in means, so that a market waking from nothing stays finite."""
CANCELLED = 1e-6
"""Share of its peak below which a running sum is mostly rounding and is added up anew."""


class Rule(NamedTuple):
    """Say how volume becomes mass."""

    step_ms: int
    min_bars: int
    exponent: float
    share: float  # a bar's part of the five minutes that a unit of mass is meant for


class Norm(NamedTuple):
    """Hold the quote volumes of the days before; written in place."""

    ring: Floats  # (bars,) by time; NaN where there was no bar
    sums: Floats  # (3,) sum and count of the ring, largest sum since it was added up
    slot: Ints  # (1,) the last bar, counted in steps


def rule_of(preset: Preset) -> Rule:
    """Return a preset's rule."""
    return Rule(
        step_ms=preset.step_ms,
        min_bars=math.ceil(preset.norm_min_days * DAY_MS / preset.step_ms),
        exponent=float(preset.volume_exponent),
        share=preset.step_ms / STEP_MS,
    )


def new_norm(preset: Preset) -> Norm:
    """Return the norm before the first bar."""
    bars = math.ceil(preset.norm_days * DAY_MS / preset.step_ms)
    return Norm(ring=np.full(bars, np.nan), sums=np.zeros(3), slot=np.array([NEVER], np.int64))


def mean_of(norm: Norm, rule: Rule) -> float:
    """Return the mean that the next bar is divided by; NaN while too few are known."""
    return float(norm.sums[SUM] / norm.sums[COUNT]) if norm.sums[COUNT] >= rule.min_bars else math.nan


def means(preset: Preset, ts: Ints, quote_volume: Floats) -> Floats:
    """Return the mean quote volume that each bar is divided by, NaN while too few are known."""
    return masses(rule_of(preset), new_norm(preset), ts, quote_volume)[1]


@njit(cache=True, nogil=True)
def add_up(norm: Norm) -> None:
    """Add the ring up anew, so that the rounding of a running sum never gathers."""
    total = 0.0
    count = 0
    for value in norm.ring:
        if not math.isnan(value):
            total += value
            count += 1
    norm.sums[SUM] = total
    norm.sums[COUNT] = count
    norm.sums[PEAK] = total


@njit(cache=True, nogil=True)
def forget(norm: Norm, place: int) -> None:
    """Take one bar out, if there is one."""
    if not math.isnan(norm.ring[place]):
        norm.sums[SUM] -= norm.ring[place]
        norm.sums[COUNT] -= 1.0
        norm.ring[place] = np.nan


@njit(cache=True, nogil=True)
def skip(norm: Norm, slot: int) -> None:
    """Forget what the bars missing since the last one would have replaced."""
    size = norm.ring.shape[0]
    for missing in range(max(norm.slot[0] + 1, slot - size), slot):
        forget(norm, missing % size)
    if norm.sums[SUM] < CANCELLED * norm.sums[PEAK]:
        add_up(norm)


@njit(cache=True, nogil=True)
def join(norm: Norm, slot: int, quote_volume: float) -> None:
    """Put a bar in, in place of the one a ring before."""
    place = slot % norm.ring.shape[0]
    forget(norm, place)
    norm.ring[place] = quote_volume
    norm.sums[SUM] += quote_volume
    norm.sums[COUNT] += 1.0
    norm.sums[PEAK] = max(norm.sums[PEAK], norm.sums[SUM])
    norm.slot[0] = slot
    if place == 0 or norm.sums[SUM] < CANCELLED * norm.sums[PEAK]:
        add_up(norm)


@njit(cache=True, nogil=True)
def masses(rule: Rule, norm: Norm, ts: Ints, quote_volume: Floats) -> tuple[Floats, Floats]:
    """Return each bar's mass by the mean of the bars before it, and that mean; let it join them.

    The mean is NaN while too few bars are known.
    """
    mass = np.zeros(ts.shape[0])
    mean = np.full(ts.shape[0], np.nan)
    for t in range(ts.shape[0]):
        slot = ts[t] // rule.step_ms
        skip(norm, slot)
        count = norm.sums[COUNT]
        if count >= rule.min_bars:
            mean[t] = norm.sums[SUM] / count
        if count >= rule.min_bars and norm.sums[SUM] > 0.0:
            ratio = min(quote_volume[t] / norm.sums[SUM] * count, MAX_RATIO)
            mass[t] = ratio**rule.exponent * rule.share
        join(norm, slot, quote_volume[t])
    return mass, mean
