"""Read single values of Binance's JSON: what is missing, of another type or impossible is refused."""

from typing import Any

from adapters.instruments import Instrument, Instruments
from adapters.parsed import Dropped

EARLIEST_MS, LATEST_MS = 1_230_768_000_000, 4_102_444_800_000  # 2009 and 2100
SMALLEST_PRICE, LARGEST_PRICE = 1e-15, 1e15
LARGEST_AMOUNT = 1e18
LINEAR = (None, 1, "1")
"""What `st` says of a USD-M symbol; nothing in frames from before the products were merged."""

Body = dict[str, Any]


class Unfit(Exception):
    """Say that something is not turned into an event, and why; caught before it leaves the package."""

    def __init__(self, reason: Dropped) -> None:
        super().__init__(reason.value)
        self.reason = reason


def body(raw: object) -> Body:
    """Return a JSON object."""
    if type(raw) is not dict:
        raise Unfit(Dropped.MALFORMED)
    return raw


def number(raw: object) -> float:
    """Return a number that is written as text or as a number; it may be infinite or not a number."""
    if isinstance(raw, str):
        if "_" in raw or not raw.isascii():
            raise Unfit(Dropped.MALFORMED)
    elif isinstance(raw, bool) or not isinstance(raw, (int, float)):
        raise Unfit(Dropped.MALFORMED)
    try:
        return float(raw)
    except ValueError:
        raise Unfit(Dropped.MALFORMED) from None
    except OverflowError:
        raise Unfit(Dropped.IMPOSSIBLE) from None


def price(raw: object) -> float:
    """Return a price in the venue's units, above 0."""
    found = number(raw)
    if not SMALLEST_PRICE <= found <= LARGEST_PRICE:
        raise Unfit(Dropped.IMPOSSIBLE)
    return found


def amount(raw: object) -> float:
    """Return a quantity or a volume, 0 or above."""
    found = number(raw)
    if not 0.0 <= found <= LARGEST_AMOUNT:
        raise Unfit(Dropped.IMPOSSIBLE)
    return found


def rate(raw: object) -> float:
    """Return a fraction between -1 and 1; an empty text stands for "there is none" and is malformed."""
    found = number(raw)
    if not -1.0 <= found <= 1.0:
        raise Unfit(Dropped.IMPOSSIBLE)
    return found


def time_ms(raw: object) -> int:
    """Return a time in ms between 2009 and 2100."""
    if type(raw) is not int:
        raise Unfit(Dropped.MALFORMED)
    if not EARLIEST_MS <= raw < LATEST_MS:
        raise Unfit(Dropped.IMPOSSIBLE)
    return raw


def instrument(name: object, instruments: Instruments) -> Instrument:
    """Return the instrument of the venue's name; coin-margined ones end in `_PERP` and are not ours."""
    if type(name) is not str:
        raise Unfit(Dropped.MALFORMED)
    found = instruments.native(name)
    if found is None:
        raise Unfit(Dropped.NOT_LINEAR if name.endswith("_PERP") else Dropped.NO_INSTRUMENT)
    return found
