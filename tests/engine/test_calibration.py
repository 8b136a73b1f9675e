import math

import pytest

from engine.calibration import BTC_USD_SCALE, Reference, usd_scale
from engine.errors import DataError

TABLE = Reference(quote_volume_usd={"BTCUSDT": 50e6, "ETHUSDT": 60e6})


def test_the_yardstick_has_its_own_scale_whatever_its_volume():
    assert usd_scale("BTCUSDT", 1.0, reference=TABLE) == BTC_USD_SCALE == 3.4e6
    assert usd_scale("BTCUSDT", math.nan, reference=Reference(usd_scale=7.0)) == 7.0


def test_others_are_in_proportion_to_quote_volume():
    assert usd_scale("SOLUSDT", 5e6, reference=TABLE) == pytest.approx(3.4e5)
    assert usd_scale("ETHUSDT", 25e6, reference=TABLE) == pytest.approx(1.7e6)


@pytest.mark.parametrize("unknown", [math.nan, 0.0, math.inf])
def test_the_table_stands_in_where_the_volume_is_not_known_yet(unknown):
    assert usd_scale("ETHUSDT", unknown, reference=TABLE) == pytest.approx(3.4e6 * 1.2)


def test_nothing_known_is_said():
    with pytest.raises(DataError, match="SOLUSDT has no dollar scale: no quote volume of SOLUSDT is known"):
        usd_scale("SOLUSDT", math.nan, reference=TABLE)
    with pytest.raises(DataError, match="no quote volume of BTCUSDT is known"):
        usd_scale("SOLUSDT", 5e6, reference=Reference())
