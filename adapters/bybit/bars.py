"""Turn what Bybit says of one bar into a Candle, the same for frames and answers."""

import math
from collections.abc import Sequence

from adapters.bybit.fields import VENUE, amount, positive
from adapters.instruments import Instrument
from adapters.parsed import Dropped
from engine.model import Candle


def bar(
    instrument: Instrument, start_ms: int, values: Sequence[object], step_ms: int, *, closed: bool
) -> Candle | Dropped:
    """Return the bar that opened at `start_ms`, or why it is none.

    `values` are open, high, low, close and volume (the venue's units) and turnover (quote currency); they
    become prices of one coin, coins and USD(T). The taker's share is not said by the venue, and stays None.
    """
    if start_ms % step_ms:
        return Dropped.CONTRADICTORY
    numbers: list[float] = []
    for index, value in enumerate(values):
        read = positive(value) if index < 4 else amount(value)
        if isinstance(read, Dropped):
            return read
        numbers.append(read)
    opening, high, low, close, volume, turnover = numbers
    if not (low <= min(opening, close) and max(opening, close) <= high):
        return Dropped.CONTRADICTORY
    coins = instrument.quantity(volume)
    if not (math.isfinite(coins) and instrument.price(low) > 0.0):
        return Dropped.IMPOSSIBLE
    return Candle(
        venue=VENUE,
        symbol=instrument.symbol,
        ts=start_ms,
        open=instrument.price(opening),
        high=instrument.price(high),
        low=instrument.price(low),
        close=instrument.price(close),
        volume=coins,
        quote_volume=turnover,
        closed=closed,
    )
