"""Say how many dollars a unit of a symbol's heatmap stands for."""

from config.settings import CalibrationSettings

YARDSTICK = "BTCUSDT"


def usd_scale(symbol: str, calibration: CalibrationSettings) -> float:
    """Return the scale of a symbol: BTC's times its mean quote volume over BTC's.

    A symbol that the reference table does not know is taken for as large as the smallest one that it knows:
    rather too little than too much.
    """
    reference = calibration.reference
    own = reference.get(symbol, min(reference.values(), default=0.0))
    yardstick = reference.get(YARDSTICK, 0.0)
    return calibration.usd_scale_btc * (own / yardstick if own > 0 and yardstick > 0 else 1.0)
