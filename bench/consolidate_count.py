"""Count what one made trader was spared: rings, storms, delays of criticals, what nobody told of."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.consolidate_run import Told
from engine.alerts.stage import Action
from engine.model import Fire, Severity

STORM_FIRES, STORM_MS = 10, 600_000
AFTER_MS = 20_000
"""A group waits this long, so that what a storm's last fire rings still belongs to it."""
NOT_TOLD = frozenset({Action.SUPPRESS.value, Action.HOLD.value})


@dataclass(frozen=True, slots=True, kw_only=True)
class Storm:
    """Fires of one trader that came ten in ten minutes, and the rings that they cost."""

    fires: int
    rings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What one trader got, in numbers: small enough to be handed from process to process.

    `rang` counts rings by what rang: a severity, or `digest`. `delay_ms` is the longest that a critical
    waited to be told of, None where there was none.
    """

    style: str
    fires: int
    rings: int
    rang: Mapping[str, int] = field(default_factory=dict)
    storms: tuple[Storm, ...] = ()
    criticals: int = 0
    delay_ms: int | None = None
    lost: int = 0


def tally(told: Told) -> Tally:
    """Return the numbers of one trader."""
    delays = critical_delays_ms(told)
    severities = {alert.alert_id: alert.severity for alert in told.alerts.values()}
    return Tally(
        style=told.trader.style,
        fires=len(told.fires),
        rings=len(told.rings),
        rang=Counter("digest" if ring.digest else severities[ring.alert_id] for ring in told.rings),
        storms=tuple(storms(told)),
        criticals=len(delays),
        delay_ms=max(delays, default=None),
        lost=lost(told),
    )


def storms(told: Told) -> list[Storm]:
    """Return a trader's storms: stretches of fires of which each is one of ten within ten minutes."""
    fires = sorted(told.fires, key=lambda fire: fire.ts)
    spans: list[tuple[int, int]] = []
    for first, last in zip(range(len(fires)), range(STORM_FIRES - 1, len(fires)), strict=False):
        if fires[last].ts - fires[first].ts > STORM_MS:
            continue
        if spans and first <= spans[-1][1]:
            spans[-1] = (spans[-1][0], last)
        else:
            spans.append((first, last))
    return [_storm(told, fires[first].ts, fires[last].ts) for first, last in spans]


def _storm(told: Told, start_ms: int, end_ms: int) -> Storm:
    fires = [fire for fire in told.fires if start_ms <= fire.ts <= end_ms]
    own = {told.alerts[fire.fire_id].alert_id for fire in fires if fire.fire_id in told.alerts}
    rings = sum(start_ms <= r.at_ms <= end_ms + AFTER_MS or r.alert_id in own for r in told.rings)
    return Storm(fires=len(fires), rings=rings)


def critical_delays_ms(told: Told) -> list[int]:
    """Return how long after its fire each critical was told of, but for those that may wait."""
    fires = [fire for fire in told.fires if _urgent(told, fire)]
    return [max(0, ms - fire.ts) for fire in fires if (ms := told.told_ms(fire.fire_id)) is not None]


def lost(told: Told) -> int:
    """Return how many fires no message carries though one should, or that no reason explains."""
    return sum(_is_lost(told, fire) for fire in told.fires)


def _is_lost(told: Told, fire: Fire) -> bool:
    alert = told.alerts.get(fire.fire_id)
    if alert is None or not alert.reason:
        return True
    if alert.action in NOT_TOLD and not _urgent(told, fire):
        return False
    return told.told_ms(fire.fire_id) is None


def _urgent(told: Told, fire: Fire) -> bool:
    """Say whether a fire is a critical of a rule that lets nothing hold it."""
    return fire.severity is Severity.CRITICAL and fire.rule_id not in told.lenient
