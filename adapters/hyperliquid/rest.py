"""Say what can be asked of Hyperliquid, at what price, and what its refusals mean.

Everything is `POST /info` with a JSON body that names a type, without keys; any address's positions are
public. One budget holds for an IP address: 1200 of weight a minute. There is no history of open interest and
no long/short ratio (see `ABSENT`), and no call for the time: a light answer that carries it stands in.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from adapters.hyperliquid.answers import candle_events, funding_events
from adapters.hyperliquid.fields import Unreadable, row, rows
from adapters.hyperliquid.fills import HLP
from adapters.instruments import Instrument
from adapters.rest.calls import Call
from adapters.rest.limits import Limit
from adapters.rest.pages import Order, Page
from adapters.rest.verdicts import REFUSED_S, Answered, Scope, Verdict, again, by_status, mistake, never
from adapters.venue import Feed
from engine.model import HOUR_MS

URL = "https://api.hyperliquid.xyz"
TESTNET_URL = "https://api.hyperliquid-testnet.xyz"
PATH = "/info"
LIMIT = Limit(name="hyperliquid-info", budget=1200, window_s=60.0)
"""Counted as a rolling minute: whether it is a fixed one is not said, and this is the safe reading."""
LIMITS = (LIMIT,)
CANDLES, FUNDINGS, FILLS = 5000, 500, 2000
"""The most rows of an answer; of candles these are all there are of an interval."""
FILLS_REACH = 10_000
"""How many of an address's latest fills can be had at all."""
NULL_S = 60.0
"""How long to wait after a 500 that says `null`: some calls say so of coins that they do not know."""
VAULT_TIMEOUT_S = 3.0
"""How long an answer about the vaults may take: listing what is traded waits for it."""
ABSENT: Mapping[Feed, str] = {
    Feed.LONG_SHORT: "Hyperliquid publishes no long/short ratio",
}
"""What is never there, in words that users are shown."""
STEPS_MS: Mapping[str, int] = {
    "1m": 60_000,
    "5m": 300_000,
    "15m": 900_000,
    "1h": HOUR_MS,
    "4h": 4 * HOUR_MS,
    "1d": 24 * HOUR_MS,
}

_LIGHT = frozenset(
    ("l2Book", "allMids", "clearinghouseState", "orderStatus", "spotClearinghouseState", "exchangeStatus")
)
_ROWS = {
    "candleSnapshot": 60,
    "recentTrades": 20,
    "userFills": 20,
    "userFillsByTime": 20,
    "fundingHistory": 20,
    "historicalOrders": 20,
}


def weight(kind: str, items: int = 0) -> int:
    """Return what a call of a type costs when it answers with so many items."""
    base = 2 if kind in _LIGHT else 60 if kind == "userRole" else 20
    return base + (-(-items // _ROWS[kind]) if kind in _ROWS else 0)


def _info(kind: str, body: Mapping[str, object], *, items: int = 0, about: str = "") -> Call:
    return Call(
        method="POST",
        path=PATH,
        body={"type": kind, **body},
        weight=weight(kind, items),
        limit=LIMIT.name,
        about=about,
    )


def clock() -> Call:
    """Return a light call whose answer carries the venue's time (`answers.server_time`)."""
    return _info("l2Book", {"coin": "BTC"})


def listing() -> Call:
    """Return the call for instruments and margin tiers (`answers.listed`, `answers.tiers`)."""
    return _info("meta", {})


def contexts() -> Call:
    """Return the call for what is so of every coin now (`answers.context_events`)."""
    return _info("metaAndAssetCtxs", {})


def candles(traded: Instrument, interval: str, now_ms: int) -> Page:
    """Return how candles are paged; one that ends at `now_ms` (the venue's time) or later is forming.

    Of each interval only the latest 5000 exist. Raise KeyError for an interval that is not read.
    """
    step_ms = STEPS_MS[interval]
    return Page(
        size=CANDLES,
        order=Order.NEWEST_FIRST,
        ask=partial(_ask_candles, traded.native, interval),
        read=partial(candle_events, traded=traded, interval=interval, step_ms=step_ms, now_ms=now_ms),
        step_ms=step_ms,
    )


def _ask_candles(coin: str, interval: str, first_ms: int, last_ms: int) -> Call:
    """Return the call for the candles that open in a range; a start between two would give the one before."""
    step_ms = STEPS_MS[interval]
    start_ms = -(-first_ms // step_ms) * step_ms
    wanted = {"coin": coin, "interval": interval, "startTime": start_ms, "endTime": last_ms}
    items = min(CANDLES, max(0, last_ms - start_ms) // step_ms + 1)
    return _info("candleSnapshot", {"req": wanted}, items=items, about=coin)


def funding(traded: Instrument, now_ms: int) -> Page:
    """Return how settled funding is paged: hourly rows, at times a little after the hour."""
    return Page(
        size=FUNDINGS,
        order=Order.OLDEST_FIRST,
        ask=partial(_ask_funding, traded.native),
        read=partial(funding_events, traded=traded, now_ms=now_ms),
    )


def _ask_funding(coin: str, first_ms: int, last_ms: int) -> Call:
    body = {"coin": coin, "startTime": first_ms, "endTime": last_ms}
    items = min(FUNDINGS, max(0, last_ms - first_ms) // HOUR_MS + 2)
    return _info("fundingHistory", body, items=items, about=coin)


def account(user: str) -> Call:
    """Return the call for an address's positions (`account.read_account`): 600 a minute fill the budget."""
    return _info("clearinghouseState", {"user": user.lower()}, about=user.lower())


def fills(user: str) -> Call:
    """Return the call for an address's latest fills, 2000 at most (`answers.fill_events`)."""
    return _info("userFills", {"user": user.lower()}, items=FILLS, about=user.lower())


def fills_between(user: str, first_ms: int, last_ms: int) -> Call:
    """Return the call for an address's fills of a range; `more_fills` says whether to ask on."""
    body = {"user": user.lower(), "startTime": first_ms, "endTime": last_ms}
    return _info("userFillsByTime", body, items=FILLS, about=user.lower())


def more_fills(decoded: object, first_ms: int, last_ms: int) -> tuple[int, int] | None:
    """Return the range that is left to ask for after an answer to `fills_between`, None where it was whole.

    A full answer holds the oldest or the newest fills of its range: the order of its rows tells which, as far
    as is known. The time at which it was cut is asked for again, since it may not be whole. Where all of a
    full answer is of one millisecond, nothing more can be had of that one.
    """
    try:
        times = [row(fill).get("time") for fill in rows(decoded)]
    except Unreadable:
        return None
    known = [time for time in times if isinstance(time, int)]
    if len(times) < FILLS or len(known) < 2:
        return None
    if known[0] <= known[-1]:
        left = (max(*known, first_ms + 1), last_ms)
    else:
        left = (first_ms, min(*known, last_ms - 1))
    return left if left[0] <= left[1] else None


def vault(address: str = HLP) -> Call:
    """Return the call that names a vault's children (`account.vaults_of`)."""
    return replace(_info("vaultDetails", {"vaultAddress": address}, about=address), timeout_s=VAULT_TIMEOUT_S)


def judge(answered: Answered) -> Verdict:
    """Say what an answer means. What is documented of refusals is little, so doubt is told as "later"."""
    status = answered.status
    if status == 422:
        return mistake("did not understand the request (HTTP 422)")
    if status == 429:
        wait_s = answered.retry_after_s
        return again(
            "asks to slow down (HTTP 429)",
            after_s=LIMIT.window_s if wait_s is None else wait_s,
            scope=Scope.LIMIT,
        )
    if status == 403:
        return _forbidden(answered)
    if status == 500 and answered.body.strip() == b"null":
        return again("has no answer to this (HTTP 500)", after_s=NULL_S)
    if 200 <= status < 300 and answered.decoded is None:
        return again("answered with nothing that can be read", after_s=NULL_S)
    return by_status(answered)


def _forbidden(answered: Answered) -> Verdict:
    """Tell a block of a country, which ends it, from one for asking too often, which does not last."""
    words = answered.body.lower()
    if not answered.worked_before and any(word in words for word in (b"country", b"region", b"jurisdiction")):
        return never("does not serve this country (HTTP 403)", scope=Scope.VENUE)
    after_s = answered.retry_after_s
    return again(
        "refuses requests from here (HTTP 403)",
        after_s=REFUSED_S if after_s is None else after_s,
        scope=Scope.VENUE,
    )
