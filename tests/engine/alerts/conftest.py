"""Fires and zones to decide about."""

from collections.abc import Callable

import pytest

from engine.model import Fire, RuleId, Severity, Side, UserId, Zone, ZoneId

NOW = 1_765_000_000_000 // 86_400_000 * 86_400_000 + 12 * 3_600_000
"""A noon, UTC."""

MakeFire = Callable[..., Fire]


@pytest.fixture
def now() -> int:
    return NOW


@pytest.fixture
def make_fire() -> MakeFire:
    """Return a maker of fires: `make_fire(severity, zone=, rule=, after_s=, owner=, kind=)`."""

    def zone(name: str) -> Zone:
        return Zone(
            zone_id=ZoneId(name),
            venue="binance",
            symbol="BTCUSDT",
            side=Side.LONG if name.startswith("l") else Side.SHORT,
            low=100.0,
            high=101.0,
            peak=100.5,
            notional_usd=2e7,
            share=0.3,
            percentile=99.0,
            born_ts=NOW,
            updated_ts=NOW,
        )

    def make(
        severity: Severity,
        *,
        name: str | None = "s1",
        rule: int = 1,
        after_s: float = 0.0,
        owner: str = "local:owner",
        kind: str = "zone_proximity",
        facts: tuple[tuple[str, float | str], ...] = (),
    ) -> Fire:
        ts = NOW + round(after_s * 1000)
        return Fire(
            fire_id=f"{rule}-{name}-{severity}-{ts}",
            rule_id=RuleId(rule),
            owner=UserId(owner),
            symbol="BTCUSDT",
            kind=kind,
            severity=severity,
            ts=ts,
            price=99.5,
            zone=None if name is None else zone(name),
            facts=facts,
        )

    return make
