import pytest

from bot.live.scale import scale_of
from config.settings import CalibrationSettings

TABLE = CalibrationSettings(usd_scale_btc=1000.0, reference={"BTCUSDT": 50.0, "ETHUSDT": 60.0, "XUSDT": 5.0})


@pytest.mark.parametrize(
    ("symbol", "scale"), [("BTCUSDT", 1000.0), ("ETHUSDT", 1200.0), ("XUSDT", 100.0), ("NEWUSDT", 100.0)]
)
def test_a_symbol_is_scaled_by_its_quote_volume(symbol, scale):
    assert scale_of(symbol, TABLE) == pytest.approx(scale)


def test_without_a_table_all_are_alike():
    assert scale_of("ETHUSDT", CalibrationSettings(usd_scale_btc=7.0)) == 7.0
