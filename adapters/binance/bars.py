"""Turn a bar, as a stream or an answer says it, into a candle: checked against itself, in coins."""

from dataclasses import dataclass

from adapters.binance.values import Unfit, amount, price, time_ms
from adapters.instruments import Instrument
from adapters.parsed import Dropped
from engine.model import Candle

VENUE = "binance"
INTERVALS = {
    "1m": 60_000,
    "5m": 300_000,
    "15m": 900_000,
    "1h": 3_600_000,
    "4h": 14_400_000,
    "1d": 86_400_000,
}
"""The lengths of bar that are read, in ms; all of them begin at whole multiples since 1970."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """Hold a bar as it came: times in ms, everything else as the venue wrote it, in its own units.

    `close_ms` is the last ms inside the bar. `taker` is the volume in coins where the taker bought.
    """

    open_ms: object
    close_ms: object
    open: object
    high: object
    low: object
    close: object
    volume: object
    quote_volume: object
    taker: object


def candle(bar: Bar, known: Instrument, step_ms: int, *, closed: bool) -> Candle:
    """Return a bar of `step_ms` as a candle; raise Unfit where it is malformed or contradicts itself."""
    ts = time_ms(bar.open_ms)
    if ts % step_ms or time_ms(bar.close_ms) != ts + step_ms - 1:
        raise Unfit(Dropped.CONTRADICTORY)
    low, high = price(bar.low), price(bar.high)
    opened, last = price(bar.open), price(bar.close)
    volume, taker = amount(bar.volume), amount(bar.taker)
    if not (low <= opened <= high and low <= last <= high) or taker > volume:
        raise Unfit(Dropped.CONTRADICTORY)
    return Candle(
        venue=VENUE,
        symbol=known.symbol,
        ts=ts,
        open=known.price(opened),
        high=known.price(high),
        low=known.price(low),
        close=known.price(last),
        volume=known.quantity(volume),
        quote_volume=amount(bar.quote_volume),
        taker_buy_volume=known.quantity(taker),
        closed=closed,
    )
