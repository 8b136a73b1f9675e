"""Describe what is asked of a venue through ccxt, and how its past is paged. Times are ms UTC."""

from adapters.ccxt import fields, parse
from adapters.ccxt.client import LOAD_S, TIMEOUT_S
from adapters.ccxt.known import Meaning
from adapters.instruments import Instrument
from adapters.rest.calls import Call
from adapters.rest.pages import Order, Page
from engine.model import STEP_MS

STEP = "5m"
BARS = 200
"""How many candles are asked for at a time, where ccxt does not say how many there may be."""
MOST_BARS = 1000
"""How many are asked for at most."""
STATES = 100
"""How many rows of open interest are asked for at a time."""

MARKETS = Call(path="/load_markets", body={"reload": True}, timeout_s=LOAD_S)
TIME = Call(path="/fetch_time", timeout_s=TIMEOUT_S)


def call(method: str, native: str, **arguments: object) -> Call:
    """Return the call of a method of ccxt for one symbol; a final answer covers that method and symbol."""
    body = {"symbol": native, **arguments}
    return Call(path=f"/{method}", body=body, about=f"{method} {native}", timeout_s=TIMEOUT_S)


def server_ms(decoded: object) -> int | None:
    """Return the venue's time out of an answer, None where it is none."""
    read = fields.instant(decoded)
    return read if isinstance(read, int) else None


def _past(method: str, native: str, first_ms: int, last_ms: int, *, until: bool) -> Call:
    """Return the call for the rows of five minutes from a first to a last one, both included."""
    params = {"until": last_ms + STEP_MS - 1} if until else {}
    rows = (last_ms - first_ms) // STEP_MS + 1
    return call(method, native, timeframe=STEP, since=first_ms, limit=rows, params=params)


def candles(known: Instrument, meant: Meaning, size: int, now_ms: int, *, until: bool) -> Page:
    """Return how candles of five minutes are paged; what has not closed at `now_ms` is marked so.

    `until` says that the method takes an end as well: without one, a venue may give its newest rows instead.
    """
    return Page(
        size=min(size, MOST_BARS),
        order=Order.OLDEST_FIRST,
        ask=lambda first_ms, last_ms: _past("fetch_ohlcv", known.native, first_ms, last_ms, until=until),
        read=lambda decoded: parse.candles(decoded, known, meant, now_ms),
        step_ms=STEP_MS,
    )


def past_interest(known: Instrument, meant: Meaning, *, until: bool) -> Page:
    """Return how past open interest is paged; `until` is as for candles."""
    method = "fetch_open_interest_history"
    return Page(
        size=STATES,
        order=Order.OLDEST_FIRST,
        ask=lambda first_ms, last_ms: _past(method, known.native, first_ms, last_ms, until=until),
        read=lambda decoded: parse.open_interest(decoded, known, meant, 0),
        step_ms=STEP_MS,
    )
