"""Describe Bybit's REST calls, and say what its answers mean. All of them are public; none is sent here.

HTTP 200 does not mean success: the envelope's `retCode` does. Linear perpetuals only.
"""

from collections.abc import Callable

from adapters.bybit.answers import (
    CATEGORY,
    read_candles,
    read_funding,
    read_interest,
    read_ratios,
    read_time,
)
from adapters.bybit.fields import moment, plain
from adapters.instruments import Instrument
from adapters.rest.calls import Call
from adapters.rest.limits import Limit
from adapters.rest.pages import Order, Page
from adapters.rest.verdicts import GOOD, Answered, Scope, Verdict, again, by_status, mistake, never

URL = "https://api.bybit.com"
IP = Limit(name="ip", budget=500, window_s=5.0)
"""Bybit allows an address 600 requests in 5 s, and shuts it out for ten minutes after; some are left for
whoever shares the address. Its headers count per account, not per address, so they are not read for this."""
LIMITS = (IP,)
SHUT_OUT_S = 600.0

MINUTE_MS = 60_000
INTERVALS = {1: "1", 5: "5", 15: "15", 60: "60", 240: "240", 1440: "D"}
"""Minutes of a candle -> Bybit's word for it."""
PERIODS = {5: "5min", 15: "15min", 30: "30min", 60: "1h", 240: "4h", 1440: "1d"}
"""Minutes between rows of open interest and of ratios -> Bybit's word for it."""
CANDLES, INTEREST, FUNDING, RATIOS, LISTED = 1000, 200, 200, 500, 1000
"""Rows of a page, the most there are."""

_MEANT = {
    0: GOOD,
    10000: again("is slow to answer (10000)"),
    10002: again("finds the clocks apart (10002)"),
    10009: never("does not serve this region (10009)", scope=Scope.VENUE),
    10016: again("has trouble inside (10016)"),
    10018: again("asks this address to slow down (10018)", after_s=SHUT_OUT_S, scope=Scope.VENUE),
    10024: never("refuses for reasons of compliance (10024)", scope=Scope.VENUE),
    10029: never("does not have this symbol (10029)"),
}
"""What a `retCode` means, whatever the words. 10018 was withdrawn, and is understood should it come."""
_SYMBOL_WORDS = ("symbol", "instrument")
_GONE_WORDS = ("invalid", "not supported", "not exist", "delisted", "closed", "not found")


def _call(path: str, *, about: str = "", **query: str | int) -> Call:
    pairs = (("category", CATEGORY), *((name, str(value)) for name, value in query.items() if value != ""))
    return Call(path=f"/v5/market/{path}", query=pairs, limit=IP.name, about=about)


def server_time() -> Call:
    """Return the call for the venue's clock; `answers.read_time` reads it."""
    return Call(path="/v5/market/time", limit=IP.name)


def listing(cursor: str = "") -> Call:
    """Return the call for a page of contracts; `listing.read_listing` reads it.

    There are more than the 500 of a page that is not asked for otherwise, so 1000 are, and the cursor is
    followed until it is empty. Only contracts that trade are listed: one that vanished is delisted.
    """
    return _call("instruments-info", limit=LISTED, cursor=cursor)


def tiers(cursor: str = "") -> Call:
    """Return the call for a page of margin tiers (15 symbols, some 45 pages: once a day is enough)."""
    return _call("risk-limit", cursor=cursor)


def tiers_of(instrument: Instrument) -> Call:
    """Return the call for the margin tiers of one symbol; `listing.read_tier_page` reads it."""
    return _call("risk-limit", about=instrument.native, symbol=instrument.native)


def tickers(instrument: Instrument | None = None) -> Call:
    """Return the call for price, open interest and funding now, of one symbol or of all at once."""
    native = instrument.native if instrument else ""
    return _call("tickers", about=native, symbol=native)


def _span(
    path: str, size: int, times: tuple[str, str] = ("startTime", "endTime"), /, *, symbol: str, **query: str
) -> Callable[[int, int], Call]:
    """Return what makes the call for a page of one symbol's past from its first and last time, both sent."""
    first, last = times
    return lambda first_ms, last_ms: _call(
        path, about=symbol, symbol=symbol, **query, **{first: first_ms, last: last_ms}, limit=size
    )


def candles(instrument: Instrument, step_ms: int) -> Page:
    """Return how candles are paged; `step_ms` is one of `INTERVALS` in minutes, else KeyError."""
    interval = INTERVALS[step_ms // MINUTE_MS]
    return Page(
        size=CANDLES,
        order=Order.NEWEST_FIRST,
        ask=_span("kline", CANDLES, ("start", "end"), symbol=instrument.native, interval=interval),
        read=lambda decoded: read_candles(decoded, instrument, step_ms),
        step_ms=step_ms,
    )


def interest(instrument: Instrument, step_ms: int) -> Page:
    """Return how open interest is paged, back to the launch; `step_ms` as in `PERIODS`, else KeyError."""
    period = PERIODS[step_ms // MINUTE_MS]
    return Page(
        size=INTEREST,
        order=Order.NEWEST_FIRST,
        ask=_span("open-interest", INTEREST, symbol=instrument.native, intervalTime=period),
        read=lambda decoded: read_interest(decoded, instrument),
        step_ms=step_ms,
    )


def funding(instrument: Instrument) -> Page:
    """Return how funding that was paid is paged: both ends are given, as a start alone is an error."""
    return Page(
        size=FUNDING,
        order=Order.NEWEST_FIRST,
        ask=_span("funding/history", FUNDING, symbol=instrument.native),
        read=lambda decoded: read_funding(decoded, instrument),
    )


def ratios(instrument: Instrument, step_ms: int) -> Page:
    """Return how long/short ratios are paged, since July 2020; `step_ms` as in `PERIODS`, else KeyError."""
    period = PERIODS[step_ms // MINUTE_MS]
    return Page(
        size=RATIOS,
        order=Order.NEWEST_FIRST,
        ask=_span("account-ratio", RATIOS, symbol=instrument.native, period=period),
        read=lambda decoded: read_ratios(decoded, instrument, step_ms),
        step_ms=step_ms,
    )


def judge(answered: Answered) -> Verdict:
    """Say what an answer means: the HTTP status first, then `retCode`."""
    verdict = judge_status(answered)
    if verdict is not GOOD:
        return verdict
    body = answered.decoded
    code = moment(body.get("retCode")) if isinstance(body, dict) else None
    if code is None or not isinstance(body, dict):
        return again("answered with something else than it should")
    return _by_code(code, plain(body.get("retMsg")), answered)


def judge_status(answered: Answered) -> Verdict:
    """Say what an HTTP status means.

    The ban for asking too often and the block of a country are both HTTP 403: the words tell, or else
    whether Bybit has ever answered here.
    """
    if answered.status != 403:
        return by_status(answered)
    if answered.worked_before or b"too frequent" in answered.body.lower():
        return again("shut this address out for asking too often", after_s=SHUT_OUT_S, scope=Scope.VENUE)
    return never("does not serve this country (HTTP 403)", scope=Scope.VENUE)


def judge_handshake(answered: Answered) -> Verdict:
    """Say what it means that a stream was not opened.

    A handshake has no words to tell a ban from a block by, so both are waited out; calls tell them apart.
    """
    if answered.status == 403:
        return again("shut this address out (HTTP 403)", after_s=SHUT_OUT_S, scope=Scope.VENUE)
    return by_status(answered)


def _by_code(code: int, words: str, answered: Answered) -> Verdict:
    if code in _MEANT:
        return _MEANT[code]
    if code == 10006:
        return again("asks to slow down (10006)", after_s=_reset_s(answered), scope=Scope.LIMIT)
    if code == 10001 and _names_symbol(words):
        return never("does not have this symbol (10001)")
    return mistake(f"did not understand the request ({code}: {words})")


def _names_symbol(words: str) -> bool:
    said = words.lower()
    return any(word in said for word in _SYMBOL_WORDS) and any(word in said for word in _GONE_WORDS)


def _reset_s(answered: Answered) -> float | None:
    """Return the seconds until the venue counts anew, by its own clock; None where it does not say."""
    reset = moment(answered.headers.get("x-bapi-limit-reset-timestamp"))
    now = read_time(answered.decoded)
    if reset is None or now is None:
        return answered.retry_after_s
    return min(max(reset - now, 0) / 1000, SHUT_OUT_S)
