from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from engine.model import Candles


@pytest.fixture(scope="session")
def recorded():
    """A function that gives the newest days of the recording."""
    table = pq.read_table(Path(__file__).parents[3] / "adapters" / "data" / "BTCUSDT.parquet")
    columns = {name: table[name].to_numpy(zero_copy_only=False) for name in table.column_names}
    nothing = np.full(table.num_rows, np.nan)
    candles = Candles(
        ts=columns.pop("ts"),
        **{name: values.astype(float) for name, values in columns.items()},
        quote_volume=nothing,
        taker_buy_volume=nothing,
    )
    return lambda days, before=0: candles[
        slice(len(candles) - (days + before) * 288, len(candles) - before * 288)
    ]
