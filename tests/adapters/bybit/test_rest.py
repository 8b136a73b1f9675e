"""Bybit's calls ask for what is documented, and what an answer means is told by status and code."""

import pytest

from adapters.bybit import rest
from adapters.rest.pages import Order
from adapters.rest.verdicts import Answered, Outcome, Scope

STEP = 300_000


def test_every_call_is_public_and_counts_against_the_address(btc):
    pages = [rest.candles(btc, STEP), rest.interest(btc, STEP), rest.funding(btc), rest.ratios(btc, STEP)]
    calls = [rest.server_time(), rest.listing(), rest.tiers(), rest.tickers(), rest.tickers(btc)]
    calls += [page.ask(1, 2) for page in pages]
    assert {(c.method, c.body, c.limit, c.weight) for c in calls} == {("GET", None, "ip", 1)}
    assert {c.path for c in calls} == {
        "/v5/market/time",
        "/v5/market/instruments-info",
        "/v5/market/risk-limit",
        "/v5/market/tickers",
        "/v5/market/kline",
        "/v5/market/open-interest",
        "/v5/market/funding/history",
        "/v5/market/account-ratio",
    }
    assert (rest.IP.budget, rest.IP.window_s) <= (600, 5.0)


@pytest.mark.parametrize(
    ("minutes", "word"), [(1, "1"), (5, "5"), (15, "15"), (60, "60"), (240, "240"), (1440, "D")]
)
def test_candles_are_asked_for(btc, minutes, word):
    page = rest.candles(btc, minutes * 60_000)
    call = page.ask(1000, 2000)
    assert dict(call.query) == {
        "category": "linear",
        "symbol": "BTCUSDT",
        "interval": word,
        "start": "1000",
        "end": "2000",
        "limit": "1000",
    }
    assert (page.size, page.order, page.step_ms) == (1000, Order.NEWEST_FIRST, minutes * 60_000)
    assert call.about == "BTCUSDT"


def test_trap_funding_history_needs_both_ends(btc):
    page = rest.funding(btc)
    assert dict(page.ask(1000, 2000).query) == {
        "category": "linear",
        "symbol": "BTCUSDT",
        "startTime": "1000",
        "endTime": "2000",
        "limit": "200",
    }
    assert (page.size, page.step_ms) == (200, 0)  # every 1, 2, 4 or 8 hours, and that changes


@pytest.mark.parametrize(
    ("make", "name", "limit"), [(rest.interest, "intervalTime", 200), (rest.ratios, "period", 500)]
)
def test_open_interest_and_ratios_are_asked_for(btc, make, name, limit):
    page = make(btc, 4 * 3_600_000)
    query = dict(page.ask(1000, 2000).query)
    assert query[name] == "4h"
    assert (query["startTime"], query["endTime"], query["limit"]) == ("1000", "2000", str(limit))
    assert page.size == limit


def test_a_length_that_bybit_does_not_have_is_a_mistake(btc):
    with pytest.raises(KeyError):
        rest.candles(btc, 7 * 60_000)


def test_trap_the_list_is_longer_than_a_page_by_default():
    assert dict(rest.listing().query) == {"category": "linear", "limit": "1000"}
    assert dict(rest.listing("a=b").query)["cursor"] == "a=b"


# verdicts


def answered(code, words="", *, status=200, now=1_760_000_000_000, **headers):
    decoded = {"retCode": code, "retMsg": words, "result": {}, "time": now}
    return Answered(status=status, headers=headers, decoded=decoded)


@pytest.mark.parametrize(
    ("code", "words", "outcome", "scope"),
    [
        (0, "OK", Outcome.GOOD, Scope.CALL),
        (10000, "Server Timeout", Outcome.RETRY, Scope.CALL),
        (10001, "params error: limit invalid", Outcome.MISTAKE, Scope.CALL),
        (10001, "params error: symbol invalid GONEUSDT", Outcome.FINAL, Scope.CALL),
        (10001, "Not supported symbols", Outcome.FINAL, Scope.CALL),
        (10002, "time window", Outcome.RETRY, Scope.CALL),
        (10003, "API key is invalid", Outcome.MISTAKE, Scope.CALL),
        (10006, "Too many visits. Exceeded the API Rate Limit.", Outcome.RETRY, Scope.LIMIT),
        (10009, "service restricted", Outcome.FINAL, Scope.VENUE),
        (10016, "Internal error", Outcome.RETRY, Scope.CALL),
        (10017, "route not found", Outcome.MISTAKE, Scope.CALL),
        (10018, "ip rate", Outcome.RETRY, Scope.VENUE),
        (10024, "compliance", Outcome.FINAL, Scope.VENUE),
        (10029, "symbol not allowed", Outcome.FINAL, Scope.CALL),
        (110001, "order does not exist", Outcome.MISTAKE, Scope.CALL),
    ],
)
def test_trap_http_200_does_not_mean_success(code, words, outcome, scope):
    verdict = rest.judge(answered(code, words))
    assert (verdict.outcome, verdict.scope) == (outcome, scope)
    assert bool(verdict.reason) is (code != 0)


def test_too_many_visits_says_until_when():
    now = 1_760_000_000_000
    header = "x-bapi-limit-reset-timestamp"
    assert rest.judge(answered(10006, **{header: str(now + 1500)})).retry_after_s == 1.5
    assert rest.judge(answered(10006, **{header: str(now - 5)})).retry_after_s == 0.0
    assert rest.judge(answered(10006, **{header: str(now + 10**9)})).retry_after_s == 600.0
    assert rest.judge(answered(10006, **{header: "soon"})).retry_after_s is None
    assert rest.judge(answered(10006, **{"retry-after": "3"})).retry_after_s == 3.0


@pytest.mark.parametrize(
    ("body", "worked", "outcome"),
    [
        (b"403, access too frequent", False, Outcome.RETRY),
        (b"<html>Access Too Frequent</html>", True, Outcome.RETRY),
        (b"<html>Forbidden</html>", True, Outcome.RETRY),
        (b"<html>The Amazon CloudFront distribution blocks your country</html>", False, Outcome.FINAL),
        (b"", False, Outcome.FINAL),
    ],
)
def test_trap_403_is_a_ban_or_a_block(body, worked, outcome):
    verdict = rest.judge(Answered(status=403, body=body, worked_before=worked))
    assert (verdict.outcome, verdict.scope) == (outcome, Scope.VENUE)
    assert verdict.retry_after_s == (600.0 if outcome is Outcome.RETRY else None)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (429, Outcome.RETRY),
        (500, Outcome.RETRY),
        (503, Outcome.RETRY),
        (404, Outcome.FINAL),
        (451, Outcome.FINAL),
        (400, Outcome.MISTAKE),
    ],
)
def test_statuses(status, outcome):
    assert rest.judge(answered(0, status=status)).outcome is outcome


@pytest.mark.parametrize("decoded", [None, [], "x", {}, {"retCode": "many"}])
def test_an_answer_that_is_no_envelope_is_asked_for_again(decoded):
    assert rest.judge(Answered(status=200, decoded=decoded)).outcome is Outcome.RETRY
