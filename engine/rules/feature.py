"""Name what rules look at: one number of one market, shared by all rules that look at it.

A feature is a metric of a symbol, on one venue or on all together, over a window where it has one. Values are
in the metric's own unit; a time is ms UTC.
"""

from dataclasses import dataclass
from enum import StrEnum


class Metric(StrEnum):
    """What is measured, with its unit."""

    PRICE = "price"  # USD a coin
    PRICE_CHANGE = "price_change"  # fraction of the price a window ago
    RANGE_HIGH = "range_high"  # fraction that price stands above the high of the window before it
    RANGE_LOW = "range_low"  # fraction that price stands below the low of the window before it
    RISE = "rise"  # fraction above the lowest price of the window
    FALL = "fall"  # fraction below the highest price of the window
    VOLATILITY = "volatility"  # standard deviation of log returns of candles in the window, a year's
    VOLUME_MULTIPLE = "volume_multiple"  # volume of the newest closed candle over the median of the window
    LIQUIDATED_USD = "liquidated_usd"  # USD in the window
    LIQUIDATED_LONG_USD = "liquidated_long_usd"
    LIQUIDATED_SHORT_USD = "liquidated_short_usd"
    LARGEST_LIQUIDATION_USD = "largest_liquidation_usd"  # USD of one liquidation, as it comes
    LIQUIDATED_MULTIPLE = "liquidated_multiple"  # USD in the window over that of a usual one
    OPEN_INTEREST_CHANGE = "open_interest_change"  # fraction of coins held a window ago
    FUNDING_RATE = "funding_rate"  # fraction paid for eight hours
    FUNDING_SPREAD = "funding_spread"  # greatest less least eight-hour rate of the venues
    LONG_SHORT_RATIO = "long_short_ratio"  # longs over shorts
    DATA_AGE_S = "data_age_s"  # seconds since the newest price


class Direction(StrEnum):
    """Which way a threshold is crossed."""

    ABOVE = "above"
    BELOW = "below"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Feature:
    """One number that rules share: `venue` "" stands for all together, `window_ms` 0 for "now"."""

    symbol: str
    metric: Metric
    venue: str = ""
    window_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """Be true of a feature beyond a value; once true, until it is back beyond `rearm`.

    ABOVE is `value > threshold`, BELOW is `value < threshold`: on it is neither. `rearm` lies on the other
    side of the threshold or on it: an ABOVE that is true stays so until `value <= rearm`.
    """

    feature: Feature
    direction: Direction
    value: float
    rearm: float

    def __post_init__(self) -> None:
        beyond = self.rearm > self.value if self.direction is Direction.ABOVE else self.rearm < self.value
        if beyond:
            raise ValueError(f"{self.rearm} does not lie before the threshold {self.value}")
