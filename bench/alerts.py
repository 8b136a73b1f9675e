"""Count what the default `/watch btc` says on the recorded market, and how soon it speaks in a cascade.

The recorded candles run through heatmap, zones, rule and pipeline as they do in the product, on the same
prices within a candle as the replay's. A message that rings counts, an edit does not; nor does a digest of
info alone, which comes without a sound.
"""

import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import mean, median

import numpy as np

from adapters.recording import Recording, load_recording
from adapters.replay import shipped_recordings
from bench.runner import Outcome
from config.sections import AlertSettings, CalibrationSettings
from engine.alerts.memory import Memory, Message
from engine.alerts.stage import Policy, Preferences, RuleView
from engine.heatmap import Heatmap
from engine.model import DAY_MS, Candles, Fire, RuleId, Severity, UserId, Watch, ZoneEvent, ZoneSet
from engine.path import candle_path
from engine.presets import PRESETS
from engine.rules.zone_proximity import ArmState, evaluate, follow, still_true
from engine.zones import ZoneBook

SYMBOL = "BTCUSDT"
OWNER = UserId("local:owner")
RULE = RuleId(1)


def at(text: str) -> int:
    """Return an ISO time (UTC) in ms."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


DECEMBER = (at("2025-12-01"), at("2026-01-01"))
CASCADE = (at("2025-10-10T20:00"), at("2025-10-10T22:00"))
FALL_MS = at("2025-10-10T20:50")
"""When the price began to fall."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """Recorded candles with the zones that stood at each close, and what it cost to find them."""

    candles: Candles
    zones: list[tuple[ZoneSet, list[ZoneEvent]]]
    update_us: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one watch gave over a stretch: every fire, every message that rang."""

    start_ms: int
    end_ms: int
    fires: list[Fire]
    messages: list[Message]

    def per_day(self, *, critical: bool = False) -> list[int]:
        """Return how many messages rang on each day; with `critical` only the critical alerts."""
        counted = [m for m in self.messages if not critical or is_critical(m)]
        days = Counter((m.at_ms - self.start_ms) // DAY_MS for m in counted)
        return [days[d] for d in range((self.end_ms - self.start_ms) // DAY_MS)]


def is_critical(message: Message) -> bool:
    """Say whether a message is a critical alert."""
    return message.severity is Severity.CRITICAL and not message.digest


def default_watch() -> Watch:
    """Return what `/watch btc` makes."""
    alerts = AlertSettings()
    return Watch(
        rule_id=RULE,
        owner=OWNER,
        symbol=SYMBOL,
        within=alerts.within.pairs(),
        cooldown_s=alerts.cooldown_s,
        hysteresis=alerts.hysteresis,
    )


def read_market(
    recording: Recording, *, start_ms: int, end_ms: int, usd_scale: float | None = None
) -> Market:
    """Return the candles of a stretch, each with the zones at its close; without a scale at BTC's."""
    times = recording.candles.ts
    candles = recording.candles[slice(*np.searchsorted(times, [start_ms, end_ms]).tolist())]
    scale = CalibrationSettings().usd_scale_btc if usd_scale is None else usd_scale
    columns = Heatmap(PRESETS["flow"], usd_scale=scale).feed(candles)
    book = ZoneBook(recording.venue, recording.symbol)
    zones, cost = [], []
    for row in range(len(candles)):
        column, bar = columns[row : row + 1], candles[row : row + 1]
        began = time.perf_counter()
        zones.append(book.update(column, bar))
        cost.append(time.perf_counter() - began)
    return Market(candles=candles, zones=zones, update_us=median(cost) * 1e6)


def replay(market: Market, watch: Watch, *, start_ms: int, end_ms: int) -> Told:
    """Return what a watch placed at `start_ms` gives until `end_ms`."""
    memory = _memory(watch)
    first, stop = np.searchsorted(market.candles.ts, [start_ms, end_ms]).tolist()
    armed, previous = ArmState(), None
    fires: list[Fire] = []
    for row in range(first, stop):
        zones, events = market.zones[row - 1]
        armed = follow(armed, events).state
        bar = market.candles.row(row, venue=zones.venue, symbol=zones.symbol)
        for ts, price in zip(*(a.tolist() for a in candle_path(bar)), strict=True):
            looked = evaluate(watch, zones, previous, price, ts, armed)
            armed, previous = looked.state, price
            memory.arms[watch.rule_id] = armed
            _decide(memory, watch, zones, price, ts, looked.fires)
            fires.extend(looked.fires)
    return Told(
        start_ms=start_ms, end_ms=end_ms, fires=fires, messages=[m for m in memory.messages if not m.silent]
    )


def _memory(watch: Watch) -> Memory:
    """Return the state of one user with the default settings and one watch."""
    alerts = AlertSettings()
    clocks = (text.split(":") for text in alerts.digest_times)
    digests = tuple(int(hours) * 60 + int(minutes) for hours, minutes in clocks)
    memory = Memory(policy=Policy(group_wait_s=alerts.group_wait_s, episode_quiet_s=alerts.episode_quiet_s))
    memory.rules[watch.rule_id] = RuleView(rule_id=watch.rule_id, cooldown_s=watch.cooldown_s)
    memory.preferences[watch.owner] = Preferences(daily_limit=alerts.daily_limit, digest_min=digests)
    return memory


def _decide(
    memory: Memory, watch: Watch, zones: ZoneSet, price: float, ts: int, fires: tuple[Fire, ...]
) -> None:
    """Let the pipeline decide what waits and what has just fired."""
    memory.sweep(ts, lambda fire: still_true(watch, zones, fire, price))
    for fire in fires:
        memory.submit(fire, ts)


def timeline(told: Told) -> list[str]:
    """Return one line for each fire of a stretch, and one for each message that rang."""
    lines = []
    for fire in told.fires:
        facts, zone = dict(fire.facts), fire.zone
        usd = 0.0 if zone is None else zone.notional_usd / 1e6
        side = "" if zone is None else zone.side.value
        distance = 100 * float(facts["distance"])
        what = f"{fire.severity.value} {side} {distance:.2f} % ${usd:.1f}M at {fire.price:.0f}"
        lines.append(f"{clock(fire.ts)} fire {what}")
    lines += [f"{clock(m.at_ms)} ring {m.severity.value}" for m in told.messages]
    return sorted(lines)


def clock(ts: int) -> str:
    """Return a time as people read it."""
    return datetime.fromtimestamp(ts / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def run(*, quick: bool) -> Outcome:
    """Replay the recorded December and the October cascade; `quick` is the same, it takes 20 s."""
    recording = load_recording(shipped_recordings() / f"{SYMBOL}.parquet", SYMBOL)
    market = read_market(recording, start_ms=recording.first_ms, end_ms=recording.end_ms)
    watch = default_watch()
    december = replay(market, watch, start_ms=DECEMBER[0], end_ms=min(DECEMBER[1], recording.end_ms))
    cascade = replay(market, watch, start_ms=CASCADE[0], end_ms=CASCADE[1])
    standing = replay(market, watch, start_ms=CASCADE[0] - DAY_MS, end_ms=CASCADE[1])
    figures = {
        **_figures(december),
        **_cascade_figures(cascade, standing),
        "zone_update_us": market.update_us,
    }
    units = {name: _unit(name) for name in figures}
    goals = {
        "alerts_median_per_day": 10.0,
        "critical_median_per_day": 3.0,
        "cascade_first_ring_s": 300.0,
        "cascade_standing_ring_s": 300.0,
        "zone_update_us": 300.0,
    }
    return {"figures": figures, "units": units, "goals": goals}


def _figures(told: Told) -> dict[str, float]:
    """Return the figures of a stretch of days."""
    all_days, critical_days = told.per_day(), told.per_day(critical=True)
    raw = Counter(fire.severity for fire in told.fires)
    digests = sum(m.digest for m in told.messages)
    return {
        "alerts_median_per_day": median(all_days),
        "critical_median_per_day": median(critical_days),
        "alerts_mean_per_day": mean(all_days),
        "critical_mean_per_day": mean(critical_days),
        "alerts_max_per_day": max(all_days),
        "critical_max_per_day": max(critical_days),
        "digests_mean_per_day": digests / len(all_days),
        **{f"raw_{s.value}_per_day": raw[s] / len(all_days) for s in Severity},
    }


def _cascade_figures(fresh: Told, standing: Told) -> dict[str, float]:
    """Return how soon watches speak: one placed as the replay starts, one that stood a day before."""
    first_ms = min((m.at_ms for m in fresh.messages), default=fresh.end_ms)
    falling = [m.at_ms for m in standing.messages if m.at_ms >= FALL_MS and is_critical(m)]
    return {
        "cascade_first_ring_s": (first_ms - fresh.start_ms) / 1000,
        "cascade_rings": len(fresh.messages),
        "cascade_critical_rings": sum(map(is_critical, fresh.messages)),
        "cascade_standing_ring_s": (min(falling, default=standing.end_ms) - FALL_MS) / 1000,
    }


def _unit(name: str) -> str:
    """Return the unit of a figure by its name."""
    endings = {"_per_day": "a day", "_s": "s", "_us": "us"}
    return next((unit for ending, unit in endings.items() if name.endswith(ending)), "")
