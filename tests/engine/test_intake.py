import numpy as np
import pytest

from engine import intake
from engine.model import STEP_MS

GOOD = (10.0, 12.0, 9.0, 11.0, 5.0, 50.0, 2.0, 7.0)


def spoilt(field, value):
    bar = np.array(GOOD)
    bar[field] = value
    return bar


@pytest.mark.parametrize(
    ("bar", "fault"),
    [
        (np.array(GOOD), 0),
        (spoilt(intake.QUOTE_VOLUME, np.nan), 0),
        (spoilt(intake.OPEN_INTEREST, np.nan), 0),
        (spoilt(intake.CLOSE, -1.0), intake.PRICE),
        (spoilt(intake.LOW, 13.0), intake.RANGE),
        (spoilt(intake.VOLUME, np.inf), intake.VOLUMES),
        (spoilt(intake.QUOTE_VOLUME, 1e31), intake.QUOTE),
        (spoilt(intake.TAKER_BUY_VOLUME, -1.0), intake.KNOWN),
    ],
)
def test_faults(bar, fault):
    plain = bar.copy()
    assert intake.fault_of(bar) == intake.fault_of.py_func(plain) == fault
    np.testing.assert_array_equal(bar, plain)


def test_an_unknown_quote_volume_is_made_from_volume_and_prices():
    bar = spoilt(intake.QUOTE_VOLUME, np.nan)
    intake.fault_of(bar)
    assert bar[intake.QUOTE_VOLUME] == pytest.approx(5.0 * (12.0 + 9.0 + 11.0) / 3.0)


@pytest.mark.parametrize(
    ("slots", "last", "answer"),
    [
        ([1.0, 2.0, 3.0], 0, (-1, 0)),
        ([1.0, 2.5, 3.0], 0, (1, intake.MISALIGNED)),
        ([1.0, 1.0], 0, (1, intake.TWICE)),
        ([1.0, 2.0], 1, (0, intake.TWICE)),
        ([3.0, 2.0], 0, (1, intake.ORDER)),
    ],
)
def test_the_first_fault_is_found(slots, last, answer):
    ts = (np.array(slots) * STEP_MS).astype(np.int64)
    packed = intake.Packed(ts=ts, values=np.tile(np.array(GOOD)[:, None], len(slots)))
    for function in (intake.first_fault, intake.first_fault.py_func):
        assert function(packed, STEP_MS, last * STEP_MS) == answer


def test_a_bad_value_is_found_where_it_is():
    values = np.tile(np.array(GOOD)[:, None], 4)
    values[intake.LOW, 2] = 99.0
    packed = intake.Packed(ts=np.arange(4) * STEP_MS, values=values)
    for function in (intake.first_fault, intake.first_fault.py_func):
        assert function(packed, STEP_MS, -STEP_MS) == (2, intake.RANGE)
