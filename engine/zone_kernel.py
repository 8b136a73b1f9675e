"""Find zones in a heatmap's columns and follow them from one to the next.

A column is read as a running sum of dollars over log price, so that the dollars between any two prices come
out exactly (a state bin that straddles an edge counts pro rata). What the same distance from price has held
over the last weeks is kept as hourly samples, by time and in order; the first column of an hour is its
sample and counts from the next hour on, so that a zone is never judged by itself.

Everything is compiled and stands in one file, for the reason that `kernel` gives. `.py_func` of each function
is the same in plain Python.
"""

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from engine.model import HOUR_MS, Floats, Ints
from engine.presets import BIN_LOG

Singles = npt.NDArray[np.float32]

LONG, SHORT = 0, 1
LOG_LOW, LOG_HIGH, LOG_PEAK, USD, SHARE, PERCENTILE, REPORTED_USD, BORN_TS, BORN_PEAK, UPDATED_TS = range(10)
FIELDS = 10
"""Numbers that a zone is kept as; BORN_TS and the log price BORN_PEAK are what its id is made of."""
TS, SIDE, CHANGE, FRACTION, OTHER_TS, OTHER_PEAK, ZONE = range(7)
"""Numbers that an event is written as; from ZONE on, those of its zone."""
BORN, GROWN, MERGED, SPLIT, EATEN, GONE = range(6)
OLDEST, HOURS, PENDING_TS, LAST_TS, NOW, SEEN, TRACKED = range(7)
"""Places in `Memory.at`; from TRACKED on, how many zones each side has."""
NEVER = -(1 << 62)

GROWN_BY = 0.5
"""Growth since it was last reported that makes an event."""
EATEN_BY = 0.1
"""Share swept in one step that makes an event."""
EATEN_UP = 0.5
"""Share swept in one step from which a zone's end is put down to it."""


class Rule(NamedTuple):
    """Say what a zone is; see `zones.ZoneParams`."""

    bin_log: float
    bins: int
    quantile: float
    span_ms: int
    min_hours: int
    overlap: float


class Memory(NamedTuple):
    """Hold what is known from one column to the next; written in place. B distance bins a side, H hours."""

    samples: Singles  # (H, 2 B) by time, a ring
    sample_ts: Ints  # (H,)
    ordered: Singles  # (2 B, H) each row's samples, ascending
    threshold: Singles  # (2 B,)
    pending: Singles  # (2 B,) the running hour's sample
    surface: Floats  # (2, 2, width + 1) running sums: this column and the one before, per side
    first_bin: Ints  # (2, 2) global bin where each begins
    tracked: Floats  # (2, B, FIELDS)
    close: Floats  # (1,) price, NaN before the first column
    at: Ints  # (8,) see OLDEST


class Seen(NamedTuple):
    """Hold what is taken in: n columns, and how far price went within each (NaN where not known)."""

    ts: Ints
    close: Floats
    close_bin: Ints
    long: Singles  # (n, width)
    short: Singles
    low: Floats
    high: Floats


class Out(NamedTuple):
    """Hold what a walk writes; it stops where one more column might not fit."""

    events: Floats  # (room, ZONE + FIELDS)
    usd: Singles  # (room,) dollars of the zones that stood at an hour's sample
    usd_hours: Ints  # (hours, 2) that hour, and how many zones
    filled: Ints  # (3,) how much of each is written


class Scratch(NamedTuple):
    """Hold what one column needs."""

    raw: Floats  # (2, B + 1) dollars per distance bin; the last is for smoothing only
    density: Floats  # (2, B) smoothed
    found: Floats  # (B, FIELDS)
    common: Floats  # (B, B)
    heir: Ints  # (B,) which tracked zone each found one continues, -1 for none
    given: Ints  # (B,)
    swept: Floats  # (B,)


def new_memory(rule: Rule, width: int) -> Memory:
    """Return what is known before the first column."""
    hours, rows = max(1, rule.span_ms // HOUR_MS), 2 * rule.bins
    at = np.zeros(8, np.int64)
    at[PENDING_TS] = NEVER
    return Memory(
        samples=np.zeros((hours, rows), np.float32),
        sample_ts=np.zeros(hours, np.int64),
        ordered=np.zeros((rows, hours), np.float32),
        threshold=np.full(rows, np.inf, np.float32),
        pending=np.zeros(rows, np.float32),
        surface=np.zeros((2, 2, width + 1)),
        first_bin=np.zeros((2, 2), np.int64),
        tracked=np.zeros((2, rule.bins, FIELDS)),
        close=np.full(1, np.nan),
        at=at,
    )


def new_scratch(rule: Rule) -> Scratch:
    """Return room for one column's work."""
    bins = rule.bins
    return Scratch(
        raw=np.zeros((2, bins + 1)),
        density=np.zeros((2, bins)),
        found=np.zeros((bins, FIELDS)),
        common=np.zeros((bins, bins)),
        heir=np.zeros(bins, np.int64),
        given=np.zeros(bins, np.int64),
        swept=np.zeros(bins),
    )


def new_out(rule: Rule) -> Out:
    """Return room for what one column may give at most, and for many of the usual ones."""
    rows = 4 * rule.bins
    return Out(
        events=np.zeros((rows, ZONE + FIELDS)),
        usd=np.zeros(rows, np.float32),
        usd_hours=np.zeros((rows, 2), np.int64),
        filled=np.zeros(3, np.int64),
    )


def kept(memory: Memory) -> dict[str, npt.NDArray[Any]]:
    """Return what has to be kept of a memory, the same for the same columns however they were fed."""
    now, hours, room = memory.at[NOW], int(memory.at[HOURS]), len(memory.sample_ts)
    by_time = (memory.at[OLDEST] + np.arange(hours)) % room
    return {
        "samples": memory.samples[by_time],
        "sample_ts": memory.sample_ts[by_time],
        "pending": memory.pending,
        "surface": memory.surface[now],
        "first_bin": memory.first_bin[now],
        "tracked": np.concatenate([memory.tracked[i, : memory.at[TRACKED + i]] for i in (LONG, SHORT)]),
        "close": memory.close,
        "at": memory.at[[PENDING_TS, LAST_TS, SEEN, TRACKED + LONG, TRACKED + SHORT]],
    }


def restored(rule: Rule, arrays: dict[str, npt.NDArray[Any]]) -> Memory:
    """Return the memory that `kept` described; samples that the rule no longer counts are left out."""
    memory = new_memory(rule, arrays["surface"].shape[1] - 1)
    pending_ts, last_ts, seen, *tracked = arrays["at"].tolist()
    hours = min(len(arrays["sample_ts"]), len(memory.sample_ts))
    memory.samples[:hours] = arrays["samples"][len(arrays["samples"]) - hours :]
    memory.sample_ts[:hours] = arrays["sample_ts"][len(arrays["sample_ts"]) - hours :]
    memory.ordered[:, :hours] = np.sort(memory.samples[:hours].T, axis=1)
    memory.pending[:] = arrays["pending"]
    memory.surface[0], memory.first_bin[0] = arrays["surface"], arrays["first_bin"]
    for side, rows in zip((LONG, SHORT), np.split(arrays["tracked"], [tracked[LONG]]), strict=True):
        memory.tracked[side, : len(rows)] = rows
    memory.close[:] = arrays["close"]
    memory.at[:] = (0, hours, pending_ts, last_ts, 0, seen, *tracked)
    judge(rule, memory)
    return memory


@njit(cache=True, nogil=True)
def below(cumulative: Floats, first_bin: int, log_price: float) -> float:
    """Return the dollars below a log price."""
    place = log_price / BIN_LOG - first_bin
    if place <= 0.0:
        return 0.0
    i = int(place)
    if i >= cumulative.shape[0] - 1:
        return float(cumulative[-1])
    return float((cumulative[i + 1] - cumulative[i]) * (place - i) + cumulative[i])


@njit(cache=True, nogil=True)
def between(cumulative: Floats, first_bin: int, low: float, high: float) -> float:
    """Return the dollars between two log prices; 0 where `high` is not above `low`."""
    if high <= low:
        return 0.0
    return below(cumulative, first_bin, high) - below(cumulative, first_bin, low)


@njit(cache=True, nogil=True)
def add_up(memory: Memory, seen: Seen, row: int) -> None:
    """Make the running sums of a column; those of the one before stay beside them."""
    now = 1 - memory.at[NOW]
    memory.at[NOW] = now
    width = seen.long.shape[1]
    memory.first_bin[now, LONG] = seen.close_bin[row] - width + 1
    memory.first_bin[now, SHORT] = seen.close_bin[row]
    long, short = memory.surface[now, LONG], memory.surface[now, SHORT]
    longs, shorts = seen.long[row, ::-1], seen.short[row]
    long_usd, short_usd = 0.0, 0.0
    for i in range(width):
        long_usd += float(longs[i])
        short_usd += float(shorts[i])
        long[i + 1] = long_usd
        short[i + 1] = short_usd


@njit(cache=True, nogil=True)
def measure(rule: Rule, memory: Memory, log_close: float, scratch: Scratch) -> None:
    """Write the dollars per distance bin, and their means over each bin and its neighbours."""
    now = memory.at[NOW]
    for side in (LONG, SHORT):
        sign = -1.0 if side == LONG else 1.0
        cumulative, first_bin = memory.surface[now, side], memory.first_bin[now, side]
        raw, density = scratch.raw[side], scratch.density[side]
        before = below(cumulative, first_bin, log_close)
        for b in range(rule.bins + 1):
            reached = below(cumulative, first_bin, log_close + sign * ((b + 1) * rule.bin_log))
            raw[b] = sign * (reached - before)
            before = reached
        density[0] = (raw[0] + raw[1]) / 2.0
        for b in range(1, rule.bins):
            density[b] = (raw[b] + raw[b + 1] + raw[b - 1]) / 3.0


@njit(cache=True, nogil=True)
def place_of(values: Singles, value: np.float32) -> int:
    """Return how many values of an ascending row lie below one; no branch depends on what is found."""
    at, rest = 0, values.shape[0]
    while rest > 1:
        half = rest >> 1
        at += half if values[at + half - 1] < value else 0
        rest -= half
    return at + 1 if rest == 1 and values[at] < value else at


@njit(cache=True, nogil=True)
def exchange(values: Singles, old: np.float32, new: np.float32) -> None:
    """Put a value in the place of another in an ascending row; infinity stands for none, at the end."""
    left, taken = place_of(values, old), place_of(values, new)
    if taken > left:
        moved = values[left:taken]
        for i in range(moved.shape[0] - 1):
            moved[i] = moved[i + 1]
        moved[-1] = new
    else:
        moved = values[taken : left + 1]
        for i in range(moved.shape[0] - 1, 0, -1):
            moved[i] = moved[i - 1]
        moved[0] = new


@njit(cache=True, nogil=True)
def drop_oldest(memory: Memory) -> None:
    """Forget the oldest sample."""
    hours = memory.at[HOURS]
    oldest = memory.samples[memory.at[OLDEST]]
    for r in range(oldest.shape[0]):
        exchange(memory.ordered[r, :hours], oldest[r], np.float32(np.inf))
    memory.at[OLDEST] = (memory.at[OLDEST] + 1) % memory.sample_ts.shape[0]
    memory.at[HOURS] -= 1


@njit(cache=True, nogil=True)
def push(memory: Memory) -> None:
    """Make the pending sample one that counts; with no room, in the oldest's place."""
    room, rows = memory.sample_ts.shape[0], memory.pending.shape[0]
    full = memory.at[HOURS] == room
    slot = (memory.at[OLDEST] + memory.at[HOURS]) % room
    hours = room if full else memory.at[HOURS] + 1
    for r in range(rows):
        ordered = memory.ordered[r, :hours]
        if not full:
            ordered[hours - 1] = np.inf
        old = memory.samples[slot, r] if full else np.float32(np.inf)
        exchange(ordered, old, memory.pending[r])
        memory.samples[slot, r] = memory.pending[r]
    memory.sample_ts[slot] = memory.at[PENDING_TS]
    memory.at[HOURS] = hours
    if full:
        memory.at[OLDEST] = (slot + 1) % room


@njit(cache=True, nogil=True)
def judge(rule: Rule, memory: Memory) -> None:
    """Set each distance's threshold: the smallest sample that a share `quantile` of them does not exceed."""
    hours = memory.at[HOURS]
    place = max(0, int(math.ceil(rule.quantile * hours)) - 1)  # noqa: RUF046 - numba's is a float
    for r in range(memory.threshold.shape[0]):
        memory.threshold[r] = memory.ordered[r, place] if hours > 0 else np.inf


@njit(cache=True, nogil=True)
def begin_hour(rule: Rule, memory: Memory, ts: int, scratch: Scratch) -> bool:
    """Take a column in; return whether it opens an hour."""
    hour_ts = ts // HOUR_MS * HOUR_MS
    pending_ts = memory.at[PENDING_TS]
    if pending_ts == hour_ts:
        return False
    if pending_ts != NEVER:
        oldest_ts = hour_ts - rule.span_ms
        if pending_ts >= oldest_ts:
            push(memory)
        while memory.at[HOURS] > 0 and memory.sample_ts[memory.at[OLDEST]] < oldest_ts:
            drop_oldest(memory)
        judge(rule, memory)
    memory.at[PENDING_TS] = hour_ts
    for side in (LONG, SHORT):
        for b in range(rule.bins):
            memory.pending[side * rule.bins + b] = scratch.density[side, b]
    return True


@njit(cache=True, nogil=True)
def percentile(ordered: Singles, value: float) -> float:
    """Return where a value stands among samples, 0 to 100."""
    reached = np.searchsorted(ordered, np.float32(value), side="right")
    return float(reached * (100.0 / max(1, ordered.shape[0])))


@njit(cache=True, nogil=True)
def describe(
    rule: Rule, memory: Memory, side: int, run: tuple[int, int], scratch: Scratch, zone: Floats
) -> None:
    """Write a run of dense bins as a zone: places, peak and how unusual it is."""
    sign = -1.0 if side == LONG else 1.0
    log_close = math.log(memory.close[0])
    start, stop = run
    peak = start
    for b in range(start, stop):
        if scratch.density[side, b] > scratch.density[side, peak]:
            peak = b
    near, far = log_close + sign * rule.bin_log * start, log_close + sign * rule.bin_log * stop
    zone[LOG_LOW] = min(near, far)
    zone[LOG_HIGH] = max(near, far)
    zone[LOG_PEAK] = log_close + sign * rule.bin_log * (peak + 0.5)
    ordered = memory.ordered[side * rule.bins + peak, : memory.at[HOURS]]
    zone[PERCENTILE] = percentile(ordered, scratch.density[side, peak])


@njit(cache=True, nogil=True)
def find(rule: Rule, memory: Memory, side: int, scratch: Scratch) -> int:
    """Write the zones of one side as they lie in its column; return how many there are."""
    # Compared as samples are kept: in single precision rounding does not make a zone of an equal.
    total = 0.0
    for b in range(rule.bins):
        total += scratch.raw[side, b]
    count, start, usd = 0, -1, 0.0
    for b in range(rule.bins + 1):
        place = side * rule.bins + b
        if b < rule.bins and np.float32(scratch.density[side, b]) > memory.threshold[place]:
            start = b if start < 0 else start
            usd += scratch.raw[side, b]
            continue
        if start >= 0 and usd > 0.0:
            describe(rule, memory, side, (start, b), scratch, scratch.found[count])
            scratch.found[count, USD] = usd
            scratch.found[count, SHARE] = usd / total
            count += 1
        start, usd = -1, 0.0
    return count


@njit(cache=True, nogil=True)
def weigh(rule: Rule, memory: Memory, side: int, found: int, scratch: Scratch) -> None:
    """Write the dollars that each tracked zone has in common with each found one; 0 where too little."""
    now = memory.at[NOW]
    cumulative, first_bin = memory.surface[now, side], memory.first_bin[now, side]
    for i in range(memory.at[TRACKED + side]):
        low, high = memory.tracked[side, i, LOG_LOW], memory.tracked[side, i, LOG_HIGH]
        whole = between(cumulative, first_bin, low, high)
        for j in range(found):
            shared = between(
                cumulative,
                first_bin,
                max(low, scratch.found[j, LOG_LOW]),
                min(high, scratch.found[j, LOG_HIGH]),
            )
            least = min(whole, scratch.found[j, USD])
            scratch.common[i, j] = shared if shared > 0.0 and shared >= rule.overlap * least else 0.0


@njit(cache=True, nogil=True)
def choose(tracked: int, found: int, scratch: Scratch) -> None:
    """Write which tracked zone each found one continues: most dollars in common first, one to one."""
    scratch.heir[:found] = -1
    scratch.given[:tracked] = 0
    while True:
        most, best_i, best_j = 0.0, -1, -1
        for i in range(tracked):
            if scratch.given[i]:
                continue
            for j in range(found):
                if scratch.heir[j] < 0 and scratch.common[i, j] > most:
                    most, best_i, best_j = scratch.common[i, j], i, j
        if best_i < 0:
            return
        scratch.heir[best_j] = best_i
        scratch.given[best_i] = 1


@njit(cache=True, nogil=True)
def note_swept(memory: Memory, side: int, log_low: float, log_high: float, scratch: Scratch) -> None:
    """Write which share of each tracked zone's dollars lay in the range traded since the last column."""
    before = 1 - memory.at[NOW]
    cumulative, first_bin = memory.surface[before, side], memory.first_bin[before, side]
    for i in range(memory.at[TRACKED + side]):
        low, high = memory.tracked[side, i, LOG_LOW], memory.tracked[side, i, LOG_HIGH]
        scratch.swept[i] = 0.0
        if memory.at[SEEN] == 0 or high <= log_low or low >= log_high:
            continue
        whole = between(cumulative, first_bin, low, high)
        begin, end = (max(low, log_low), high) if side == LONG else (low, min(high, log_high))
        if whole > 0.0:
            scratch.swept[i] = between(cumulative, first_bin, begin, end) / whole


@njit(cache=True, nogil=True)
def tell(out: Out, ts: int, side: int, change: int, fraction: float, zone: Floats) -> Floats:
    """Write an event; return it."""
    event: Floats = out.events[out.filled[0]]
    out.filled[0] += 1
    event[TS], event[SIDE], event[CHANGE], event[FRACTION] = ts, side, change, fraction
    event[OTHER_TS] = event[OTHER_PEAK] = np.nan
    event[ZONE:] = zone
    return event


@njit(cache=True, nogil=True)
def name_other(event: Floats, other: Floats) -> None:
    """Say in an event into which zone another was merged, or from which it was split."""
    event[OTHER_TS], event[OTHER_PEAK] = other[BORN_TS], other[BORN_PEAK]


@njit(cache=True, nogil=True)
def greatest(values: Floats) -> int:
    """Return which value above zero is the greatest, -1 where none is above zero."""
    best, most = -1, 0.0
    for i in range(values.shape[0]):
        if values[i] > most:
            best, most = i, values[i]
    return best


@njit(cache=True, nogil=True)
def arrive(memory: Memory, ts: int, side: int, j: int, scratch: Scratch, out: Out) -> None:
    """Begin a zone: BORN, or SPLIT where it lies in one that lives on elsewhere."""
    zone = scratch.found[j]
    zone[BORN_TS], zone[BORN_PEAK], zone[REPORTED_USD] = ts, zone[LOG_PEAK], zone[USD]
    source = greatest(scratch.common[: memory.at[TRACKED + side], j])
    event = tell(out, ts, side, BORN if source < 0 else SPLIT, 0.0, zone)
    if source >= 0:
        name_other(event, memory.tracked[side, source])


@njit(cache=True, nogil=True)
def carry_on(old: Floats, ts: int, side: int, swept: float, zone: Floats, out: Out) -> None:
    """Continue a zone under its old id, with what happened to it."""
    zone[BORN_TS], zone[BORN_PEAK], zone[REPORTED_USD] = old[BORN_TS], old[BORN_PEAK], zone[USD]
    if swept >= EATEN_BY:
        tell(out, ts, side, EATEN, swept, zone)
    elif zone[USD] >= old[REPORTED_USD] * (1.0 + GROWN_BY):
        tell(out, ts, side, GROWN, zone[USD] / old[REPORTED_USD] - 1.0, zone)
    else:
        zone[REPORTED_USD] = old[REPORTED_USD]


@njit(cache=True, nogil=True)
def follow(memory: Memory, ts: int, side: int, found: int, scratch: Scratch, out: Out) -> None:
    """Give the zones found their identities, and say what happened to those before.

    Every id that appears has one BORN or SPLIT, every one that disappears one MERGED, EATEN or GONE. An
    EATEN zone that is still tracked lives on.
    """
    tracked = memory.at[TRACKED + side]
    choose(tracked, found, scratch)
    for j in range(found):
        i = scratch.heir[j]
        scratch.found[j, UPDATED_TS] = ts
        if i < 0:
            arrive(memory, ts, side, j, scratch, out)
        else:
            carry_on(memory.tracked[side, i], ts, side, scratch.swept[i], scratch.found[j], out)
    for i in range(tracked):
        if scratch.given[i]:
            continue
        old, swept, into = memory.tracked[side, i], scratch.swept[i], greatest(scratch.common[i, :found])
        if into >= 0:
            name_other(tell(out, ts, side, MERGED, 0.0, old), scratch.found[into])
        else:
            tell(out, ts, side, EATEN if swept >= EATEN_UP else GONE, swept, old)
    memory.tracked[side, :found] = scratch.found[:found]
    memory.at[TRACKED + side] = found


@njit(cache=True, nogil=True)
def note_usd(memory: Memory, out: Out) -> None:
    """Write the dollars of the zones that stand at an hour's sample."""
    count = 0
    for side in (LONG, SHORT):
        for i in range(memory.at[TRACKED + side]):
            out.usd[out.filled[1] + count] = memory.tracked[side, i, USD]
            count += 1
    out.usd_hours[out.filled[2], 0] = memory.at[PENDING_TS]
    out.usd_hours[out.filled[2], 1] = count
    out.filled[1] += count
    out.filled[2] += 1


@njit(cache=True, nogil=True)
def advance(rule: Rule, memory: Memory, seen: Seen, row: int, scratch: Scratch, out: Out) -> None:
    """Take one column in."""
    ts, close = seen.ts[row], seen.close[row]
    add_up(memory, seen, row)
    measure(rule, memory, math.log(close), scratch)
    opens_hour = begin_hour(rule, memory, ts, scratch)
    ready = memory.at[HOURS] >= rule.min_hours
    before = memory.close[0]
    low = np.nanmin(np.array([before, close, seen.low[row]]))
    high = np.nanmax(np.array([before, close, seen.high[row]]))
    memory.close[0] = close
    for side in (LONG, SHORT):
        found = find(rule, memory, side, scratch) if ready else 0
        weigh(rule, memory, side, found, scratch)
        note_swept(memory, side, math.log(low), math.log(high), scratch)
        follow(memory, ts, side, found, scratch, out)
    memory.at[SEEN] = 1
    memory.at[LAST_TS] = ts
    if opens_hour and ready:
        note_usd(memory, out)


@njit(cache=True, nogil=True)
def walk(rule: Rule, memory: Memory, seen: Seen, start: int, scratch: Scratch, out: Out) -> int:
    """Take columns in from `start`; return where it stopped for room to write."""
    most = 2 * rule.bins
    for row in range(start, seen.ts.shape[0]):
        fits = out.filled[0] + most <= out.events.shape[0] and out.filled[1] + most <= out.usd.shape[0]
        if not fits or out.filled[2] == out.usd_hours.shape[0]:
            return row
        advance(rule, memory, seen, row, scratch, out)
    return int(seen.ts.shape[0])
