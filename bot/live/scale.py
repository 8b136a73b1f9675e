"""Say how many dollars a unit of a symbol's heatmap stands for, by the table in the settings."""

import math

from config.settings import CalibrationSettings
from engine.calibration import Reference, usd_scale
from engine.errors import DataError


def scale_of(symbol: str, calibration: CalibrationSettings) -> float:
    """Return the scale of a symbol: BTC's times its mean quote volume over BTC's.

    The table alone decides, so that a restart finds the same scale. A symbol that it does not know is taken
    for as large as the smallest one it knows: rather too little than too much.
    """
    table = calibration.reference
    reference = Reference(usd_scale=calibration.usd_scale_btc, quote_volume_usd=table)
    own = table.get(symbol, min(table.values(), default=math.nan))
    try:
        return usd_scale(symbol, own, reference=reference)
    except DataError:
        return calibration.usd_scale_btc
