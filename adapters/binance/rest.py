"""Describe every call to Binance USD-M futures, what it costs, and what its answers and refusals mean.

Margin tiers want a key, and have a file of their own (`brackets.py`). There is no history of liquidations.
"""

import re
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from functools import partial

from adapters.binance import answers
from adapters.binance.bars import INTERVALS
from adapters.instruments import Instrument
from adapters.parsed import Parsed
from adapters.rest.calls import Call
from adapters.rest.limits import Limit
from adapters.rest.pages import Order, Page
from adapters.rest.verdicts import BAN_S, Answered, Scope, Verdict, again, by_status, mistake, never

BASE_URL = "https://fapi.binance.com"
WEIGHT = Limit(name="weight", budget=2400, window_s=60.0, fixed=True, used_header="x-mbx-used-weight-1m")
"""Weight of an address in a minute, shared with the coin-margined API."""
FUNDING = Limit(name="funding", budget=500, window_s=300.0)
STATISTICS = Limit(name="statistics", budget=1000, window_s=300.0)
"""Calls of `/futures/data`, which the weight's header does not show."""
LIMITS = (WEIGHT, FUNDING, STATISTICS)

CANDLES_SIZE = 1000
"""Of at most 1500: up to here a weight buys 200 rows, above it 150."""
FUNDING_SIZE = 1000
STATISTICS_SIZE = 500
STATISTICS_MS = 29 * 86_400_000
"""How far back statistics are kept, less a day: what begins before a month ago is refused as a whole."""
PERIODS = {"5m": 300_000, "15m": 900_000, "1h": 3_600_000, "4h": 14_400_000, "1d": 86_400_000}
"""The lengths of bucket that statistics are read in, ms."""
RATIOS = {
    "accounts": "/futures/data/globalLongShortAccountRatio",
    "top_accounts": "/futures/data/topLongShortAccountRatio",
    "top_positions": "/futures/data/topLongShortPositionRatio",
}
"""Whom a ratio of longs to shorts counts: everybody, or the fifth with the most margin."""
INFO_TIMEOUT_S = 30.0
OVER_LIMIT_S = 60.0
TOO_MANY, BAD_SYMBOL = -1003, -1121
_SIGNED = {
    -1021: "finds the clocks apart (-1021)",
    -1022: "does not take the API secret (-1022)",
    -2014: "does not take the API key (-2014)",
    -2015: "does not take the API key: wrong, not for this address, or may not read (-2015)",
}
"""What is wrong with a signed call, by the code of its error."""
TROUBLE = (-1000, -1001, -1007, -1008)
_RESTRICTED = "restricted location"
_BANNED_UNTIL = re.compile(r"until (\d{13})\b")

server_time = Call(path="/fapi/v1/time", limit=WEIGHT.name)
"""Ask the venue's clock; `answers.read_time` reads it."""
instruments = Call(path="/fapi/v1/exchangeInfo", limit=WEIGHT.name, timeout_s=INFO_TIMEOUT_S)
"""Ask everything that is traded, megabytes of it; `answers.read_instruments` reads it."""
funding_now = Call(path="/fapi/v1/premiumIndex", weight=10, limit=WEIGHT.name)
"""Ask the next funding of every symbol; `answers.read_funding_now` reads it."""
RULES_S = 3.0
"""How long is waited for how often funding is paid: what is traded is needed before."""
funding_rules = Call(path="/fapi/v1/fundingInfo", limit=FUNDING.name, timeout_s=RULES_S)
"""Ask how often funding is paid; `answers.read_funding_rules` reads it."""


def open_interest(known: Instrument) -> Call:
    """Ask what is open now, of one symbol; `answers.read_open_interest` reads it."""
    return Call(
        path="/fapi/v1/openInterest",
        query=(("symbol", known.native),),
        limit=WEIGHT.name,
        about=known.native,
    )


def candles(known: Instrument, interval: str, now_ms: int) -> Page:
    """Page bars of an interval of `INTERVALS`; those that are over at `now_ms` (venue's clock) are closed."""
    step_ms = INTERVALS[interval]

    def ask(first_ms: int, last_ms: int) -> Call:
        rows = min(max((last_ms - first_ms) // step_ms + 1, 1), CANDLES_SIZE)
        return Call(
            path="/fapi/v1/klines",
            query=(("symbol", known.native), ("interval", interval), *_span(first_ms, last_ms, rows)),
            weight=candle_weight(rows),
            limit=WEIGHT.name,
            about=known.native,
        )

    def read(decoded: object) -> Parsed:
        return answers.read_candles(decoded, known, interval, now_ms)

    return Page(size=CANDLES_SIZE, order=Order.OLDEST_FIRST, ask=ask, read=read, step_ms=step_ms)


def candle_weight(rows: int) -> int:
    """Return what asking for so many bars costs."""
    if rows < 100:
        return 1
    if rows < 500:
        return 2
    return 5 if rows <= 1000 else 10


def funding_history(known: Instrument) -> Page:
    """Page what was paid; it comes at times of its own, a few ms after the hour."""

    def ask(first_ms: int, last_ms: int) -> Call:
        return Call(
            path="/fapi/v1/fundingRate",
            query=(("symbol", known.native), *_span(first_ms, last_ms, FUNDING_SIZE)),
            limit=FUNDING.name,
            about=known.native,
        )

    read = partial(answers.read_funding_history, known=known)
    return Page(size=FUNDING_SIZE, order=Order.OLDEST_FIRST, ask=ask, read=read)


def open_interest_history(known: Instrument, period: str) -> Page:
    """Page open interest in buckets of a period of `PERIODS`, not further back than `STATISTICS_MS`."""
    read = partial(answers.read_open_interest_history, known=known)
    return _statistics(known, "/futures/data/openInterestHist", period, read)


def long_short(known: Instrument, kind: str, period: str) -> Page:
    """Page ratios of a kind of `RATIOS`, not further back than `STATISTICS_MS`."""
    read = partial(answers.read_long_short, known=known, kind=kind, step_ms=PERIODS[period])
    return _statistics(known, RATIOS[kind], period, read)


def _statistics(known: Instrument, path: str, period: str, read: Callable[[object], Parsed]) -> Page:
    """Page buckets. Which rows of too long a range come is not documented, so none is ever asked for."""
    step_ms = PERIODS[period]

    def ask(first_ms: int, last_ms: int) -> Call:
        newest_ms = last_ms // step_ms * step_ms
        from_ms = max(first_ms, newest_ms - (STATISTICS_SIZE - 1) * step_ms)
        return Call(
            path=path,
            query=(("symbol", known.native), ("period", period), *_span(from_ms, last_ms, STATISTICS_SIZE)),
            limit=STATISTICS.name,
            about=known.native,
        )

    return Page(size=STATISTICS_SIZE, order=Order.NEWEST_FIRST, ask=ask, read=read, step_ms=step_ms)


def _span(first_ms: int, last_ms: int, rows: int) -> tuple[tuple[str, str], ...]:
    return (("startTime", str(first_ms)), ("endTime", str(last_ms)), ("limit", str(rows)))


def judge(answered: Answered) -> Verdict:
    """Say what an answer means: by its status, and by the code that its body holds where it is an error."""
    code, text = _error(answered.decoded)
    if _RESTRICTED in text:
        return never(f"does not serve this country (HTTP {answered.status})", scope=Scope.VENUE)
    if answered.status == 418:
        return again(
            "has banned this address for a while", after_s=_shut_s(answered, text), scope=Scope.VENUE
        )
    if answered.status == 429 or code == TOO_MANY:
        after_s = answered.retry_after_s or OVER_LIMIT_S
        return again("asks to slow down", after_s=after_s, scope=Scope.LIMIT)
    if answered.status in (403, 408, 451) or answered.status >= 500:
        return by_status(answered)
    return _by_code(answered, code, text)


def _by_code(answered: Answered, code: int | None, text: str) -> Verdict:
    if code is None:
        if answered.status == 200 and answered.decoded is None:
            return again("answered with something that is not JSON")
        return by_status(answered)
    if code == BAD_SYMBOL:
        return never(f"does not know this symbol ({code})")
    if code in TROUBLE:
        return again(f"has trouble ({code})", after_s=answered.retry_after_s)
    return mistake(_SIGNED.get(code) or f"did not understand the request ({code}: {text})")


def _error(decoded: object) -> tuple[int | None, str]:
    """Return the code and the words of an error, None and "" where the body is none."""
    if not isinstance(decoded, dict):
        return None, ""
    code, text = decoded.get("code"), decoded.get("msg")
    if type(code) is not int or not isinstance(text, str):
        return None, ""
    return (code if code < 0 else None), text


def _shut_s(answered: Answered, text: str) -> float:
    """Return how long a ban lasts: what Retry-After says, or the time in its words, whichever is longer."""
    waits = [answered.retry_after_s or 0.0]
    until = _BANNED_UNTIL.search(text)
    said_at_s = _date_s(answered.headers.get("date", ""))
    if until is not None and said_at_s is not None:
        waits.append(int(until.group(1)) / 1000 - said_at_s)
    return max(waits) if max(waits) > 0 else BAN_S


def _date_s(header: str) -> float | None:
    """Return the time of a Date header, seconds since 1970."""
    try:
        return parsedate_to_datetime(header).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
