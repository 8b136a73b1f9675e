import math
from dataclasses import replace

import pytest

from engine.presets import FLOW, PRESETS, EntryPoint, Level, Lifetime, Unit


def test_flow_has_the_parts_that_were_measured():
    assert PRESETS["flow"] is FLOW
    assert len(FLOW.distances) == 17
    assert FLOW.distances[0] == pytest.approx(0.002)
    assert FLOW.distances[-1] == pytest.approx(0.1)
    assert FLOW.weights == pytest.approx(FLOW.distances)
    assert [(v.half_life_h, v.amplitude) for v in FLOW.lifetimes] == [(0.5, 1.67), (48, 0.33)]
    assert (FLOW.take_profit, FLOW.volume_exponent, FLOW.warm_days) == (0.006, 0.75, 7)
    assert (FLOW.norm_days, FLOW.norm_min_days, FLOW.unit) == (30, 3, Unit.EXPECTED)
    assert FLOW.width == 600


def test_a_level_is_at_its_distance_on_both_sides():
    level = Level.at(0.05, weight=2.0)
    assert math.exp(-level.long_log) == pytest.approx(0.95)
    assert math.exp(level.short_log) == pytest.approx(1.05)
    assert level.distance == pytest.approx(0.05)


def test_a_preset_reaches_beyond_its_levels():
    for preset in PRESETS.values():
        assert preset.reach > max(level.long_log for level in preset.levels)


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        ({"entry": ()}, "no entry point"),
        ({"entry": (EntryPoint(open=0.5),)}, "blend to 1"),
        ({"entry": (EntryPoint(close=1.0, share=0.0),)}, "share must be in"),
        ({"levels": ()}, "no level"),
        ({"levels": (Level(long_log=0.0, short_log=0.1, weight=1.0),)}, "distance must be above 0"),
        ({"levels": (Level(long_log=0.1, short_log=0.1, weight=-1.0),)}, "weight must be 0 or more"),
        ({"lifetimes": ()}, "no lifetime"),
        ({"lifetimes": (Lifetime(half_life_h=0, amplitude=1),)}, "lifetime must be above 0"),
        ({"take_profit": -0.1}, "take_profit must be above 0"),
        ({"norm_min_days": 31.0}, "norm_min_days"),
        ({"reach": 0.0}, "reach must be wider"),
        ({"step_ms": 0}, "step_ms must be above 0"),
    ],
)
def test_impossible_parts_are_refused_by_name(parts, problem):
    with pytest.raises(ValueError, match=f"preset flow: .*{problem}"):
        replace(FLOW, **parts)
