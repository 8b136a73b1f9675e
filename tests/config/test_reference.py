import pytest

from adapters.build_replay import mean_quote_volume
from adapters.recording import load_recording
from adapters.replay import shipped_recordings
from config.settings import load


@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHUSDT"])
def test_the_shipped_table_is_what_the_shipped_candles_say(tmp_path, symbol):
    candles = load_recording(shipped_recordings() / f"{symbol}.parquet", symbol).candles
    reference = load(environ={}, directory=tmp_path).calibration.reference
    assert reference[symbol] == pytest.approx(mean_quote_volume(candles), rel=1e-3)
