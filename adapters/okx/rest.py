"""Describe OKX's REST calls: what is asked, how it is paged, which limit it counts against, what errors mean.

Nothing is signed. OKX sends no headers about limits: each endpoint has its own, counted here alone. Rows come
newest first; `after` asks for older ones and `before` for newer ones, neither including the time it names.
"""

from collections.abc import Sequence
from enum import StrEnum

from adapters.instruments import Instrument, Instruments
from adapters.okx import answers
from adapters.okx.topics import BARS, SWAP
from adapters.rest.calls import Call
from adapters.rest.limits import Limit
from adapters.rest.pages import Order, Page
from adapters.rest.verdicts import GOOD, Answered, Scope, Verdict, again, by_status, mistake, never

BASE_URL = "https://www.okx.com"
REGIONS = {"global": BASE_URL, "eea": "https://my.okx.com", "us": "https://us.okx.com"}
"""Where each region is served; what is listed differs."""

RECENT_ROWS = 1440
"""How many candles back the endpoint for recent ones goes."""
HISTORY_ROWS = 1440
"""How many rows back open interest and ratios go."""
FUNDING_DAYS = 90
"""How far back funding goes."""
FAMILIES = 5
"""How many contracts' margin tiers may be asked for at once."""
PERIODS = {step_ms: bar for step_ms, bar in BARS.items() if step_ms >= 300_000}
"""Lengths between rows of open interest and of ratios, in ms, as OKX names them."""
EVERY = "ANY"
WINDOW_S = 2.0
WORDS = 120
"""How much of what OKX says is repeated."""

LIMITS = tuple(
    Limit(name=name, budget=budget, window_s=WINDOW_S)
    for name, budget in (
        ("time", 10),
        ("instruments", 20),
        ("candles", 40),
        ("history-candles", 20),
        ("open-interest", 20),
        ("open-interest-history", 10),
        ("long-short", 5),
        ("funding-rate", 10),
        ("funding-rate-history", 10),
        ("position-tiers", 10),
        ("liquidation-orders", 40),
    )
)
"""Requests in two seconds from one address; those that OKX counts for each contract carry `Call.per`."""

_PAGE, _RECENT_PAGE = 100, 300
_SLOWER = frozenset({"50011", "50040", "50061"})
_TROUBLE = {
    "50001": "is not available just now",
    "50004": "is slow to answer",
    "50013": "is busy",
    "50026": "has trouble inside",
}
_GONE = {"50005": "does not offer this any more", "51001": "does not have this contract"}
_BANNED = b"1015"


class Ratio(StrEnum):
    """Whose longs and shorts a ratio compares."""

    ACCOUNTS = "accounts"
    TOP_ACCOUNTS = "top_accounts"
    TOP_POSITIONS = "top_positions"


_RATIOS = {
    Ratio.ACCOUNTS: "long-short-account-ratio-contract",
    Ratio.TOP_ACCOUNTS: "long-short-account-ratio-contract-top-trader",
    Ratio.TOP_POSITIONS: "long-short-position-ratio-contract-top-trader",
}


def server_time() -> Call:
    """Return the call for OKX's clock; `answers.server_ms` reads it."""
    return Call(path="/api/v5/public/time", limit="time")


def instruments() -> Call:
    """Return the call for every swap; `answers.contracts` reads it."""
    return Call(path="/api/v5/public/instruments", query=(("instType", SWAP),), limit="instruments")


def candles(asked: Instrument, step_ms: int, *, recent: bool) -> Page:
    """Return how candles of a length in BARS are paged, the forming one marked; KeyError for another length.

    `recent` stands for the endpoint with larger pages that goes RECENT_ROWS back.
    """
    name, size = ("candles", _RECENT_PAGE) if recent else ("history-candles", _PAGE)
    bar = BARS[step_ms]
    return Page(
        size=size,
        order=Order.NEWEST_FIRST,
        ask=lambda first_ms, last_ms: _call(
            f"market/{name}",
            name,
            asked,
            bar=bar,
            after=last_ms + 1,
            before=_before(first_ms),
            limit=size,
        ),
        read=lambda decoded: answers.candles(decoded, asked, step_ms),
        step_ms=step_ms,
    )


def recent_from_ms(step_ms: int, now_ms: int) -> int:
    """Return the first candle that the endpoint for recent ones has, a page's worth on the safe side."""
    return (now_ms // step_ms - RECENT_ROWS + _RECENT_PAGE) * step_ms


def open_interest() -> Call:
    """Return the call for open interest of every swap now; `answers.open_interest` reads it."""
    return Call(path="/api/v5/public/open-interest", query=(("instType", SWAP),), limit="open-interest")


def open_interest_history(asked: Instrument, step_ms: int) -> Page:
    """Return how past open interest is paged, HISTORY_ROWS back; KeyError for a length not in PERIODS."""
    name, period = "open-interest-history", PERIODS[step_ms]
    return Page(
        size=_PAGE,
        order=Order.NEWEST_FIRST,
        ask=lambda first_ms, last_ms: _call(
            f"rubik/stat/contracts/{name}",
            name,
            asked,
            each=True,
            period=period,
            begin=_before(first_ms),
            end=last_ms + 1,
            limit=_PAGE,
        ),
        read=lambda decoded: answers.open_interest_history(decoded, asked),
        step_ms=step_ms,
    )


def funding(asked: Instrument) -> Call:
    """Return the call for what a contract pays next; `answers.funding` reads it."""
    return _call("public/funding-rate", "funding-rate", asked, each=True)


def funding_of_all() -> Call:
    """Return the call for what every contract pays next; `answers.funding` reads it.

    Only newer documents have it: a refusal says that it must be asked for one by one.
    """
    query = (("instId", EVERY),)
    return Call(path="/api/v5/public/funding-rate", query=query, limit="funding-rate", about=EVERY)


def funding_history(asked: Instrument, instruments: Instruments) -> Page:
    """Return how funding that was paid is paged, FUNDING_DAYS back.

    Rows come at times of their own, so only the end is given: the newest before it is what a page then holds,
    however many there are.
    """
    name = "funding-rate-history"
    return Page(
        size=_PAGE,
        order=Order.NEWEST_FIRST,
        ask=lambda first_ms, last_ms: _call(
            f"public/{name}", name, asked, each=True, after=last_ms + 1, limit=_PAGE
        ),
        read=lambda decoded: answers.funding_history(decoded, instruments),
    )


def long_short(asked: Instrument, step_ms: int, kind: Ratio = Ratio.ACCOUNTS) -> Page:
    """Return how ratios of longs to shorts are paged; KeyError for a length not in PERIODS."""
    period = PERIODS[step_ms]
    return Page(
        size=_PAGE,
        order=Order.NEWEST_FIRST,
        ask=lambda first_ms, last_ms: _call(
            f"rubik/stat/contracts/{_RATIOS[kind]}",
            "long-short",
            asked,
            period=period,
            begin=_before(first_ms),
            end=last_ms + 1,
            limit=_PAGE,
        ),
        read=lambda decoded: answers.long_short(decoded, asked, kind.value, step_ms),
        step_ms=step_ms,
    )


def tiers(asked: Sequence[Instrument]) -> Call:
    """Return the call for margin tiers, isolated; `answers.tiers` reads it. ValueError for over FAMILIES."""
    if not 1 <= len(asked) <= FAMILIES:
        raise ValueError(f"margin tiers are asked for 1 to {FAMILIES} contracts, not {len(asked)}")
    families = ",".join(each.native.removesuffix(f"-{SWAP}") for each in asked)
    query = (("instType", SWAP), ("tdMode", "isolated"), ("instFamily", families))
    return Call(path="/api/v5/public/position-tiers", query=query, limit="position-tiers", about=families)


def liquidations(asked: Instrument) -> Call:
    """Return the call for a contract's last liquidations, about a day's; `answers.liquidations` reads it.

    No document lists it any more, so that it may end any day: what it gives is welcome, nothing rests on it.
    """
    family = asked.native.removesuffix(f"-{SWAP}")
    query = (("instType", SWAP), ("instFamily", family), ("state", "filled"), ("limit", str(_PAGE)))
    return Call(path="/api/v5/public/liquidation-orders", query=query, limit="liquidation-orders")


def _before(first_ms: int) -> int:
    """Return the time just before one: OKX leaves out the one it is given, and takes none below 0."""
    return max(first_ms - 1, 0)


def _call(path: str, budget: str, asked: Instrument, *, each: bool = False, **query: str | int) -> Call:
    """Return a call about one contract; `each` says that OKX counts it for every contract apart."""
    pairs = (("instId", asked.native), *((name, str(value)) for name, value in query.items()))
    return Call(
        path=f"/api/v5/{path}",
        query=pairs,
        limit=budget,
        per=asked.native if each else "",
        about=asked.native,
    )


def judge(answered: Answered) -> Verdict:
    """Say what an answer means: the code of its body if it has one, else its HTTP status."""
    body = answered.decoded
    code = body.get("code") if isinstance(body, dict) else None
    if not isinstance(body, dict) or not isinstance(code, str | int) or isinstance(code, bool):
        return _by_status(answered)
    if str(code) == "0":
        return by_status(answered)
    return _by_code(str(code), str(body.get("msg", "")), answered)


def _by_code(code: str, words: str, answered: Answered) -> Verdict:
    if code in _SLOWER:
        after_s = answered.retry_after_s or WINDOW_S
        return again(f"asks to slow down ({code})", after_s=after_s, scope=Scope.LIMIT)
    if code in _TROUBLE:
        return again(f"{_TROUBLE[code]} ({code})", after_s=answered.retry_after_s)
    if code in _GONE:
        return never(f"{_GONE[code]} ({code})")
    if code.startswith("50") and answered.status >= 500:
        return again(f"has trouble ({code})", after_s=answered.retry_after_s)
    return mistake(f"did not understand the request ({code}: {words[:WORDS]})")


def _by_status(answered: Answered) -> Verdict:
    """Judge what is no answer of OKX's own, but of whoever stands before it.

    A block of a country and a ban may both be a 403: it is a ban where OKX has answered before, or where its
    page says so.
    """
    banned = answered.worked_before or _BANNED in answered.body
    if answered.status == 403 and not banned:
        return never("does not serve this country (HTTP 403)", scope=Scope.VENUE)
    verdict = by_status(answered)
    return again("answered with something else than it should") if verdict is GOOD else verdict
