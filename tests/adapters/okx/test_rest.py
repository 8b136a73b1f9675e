"""How OKX is asked: paths, pages and limits; and what its errors mean."""

import json

import pytest

from adapters.okx import rest
from adapters.rest.pages import Order
from adapters.rest.verdicts import Answered, Outcome, Scope

STEP = 300_000


def answered(code=None, status=200, *, words="", headers=None, body=None, worked=False):
    decoded = {"code": code, "msg": words, "data": []} if code is not None else None
    raw = json.dumps(decoded).encode() if decoded else (body or b"<html></html>")
    return Answered(status=status, headers=headers or {}, body=raw, decoded=decoded, worked_before=worked)


@pytest.fixture
def btc(known):
    return known.native("BTC-USDT-SWAP")


def test_trap_candles_are_asked_for_between_two_times_that_are_not_included(btc):
    page = rest.candles(btc, STEP, recent=True)
    call = page.ask(10 * STEP, 20 * STEP)
    assert call.path == "/api/v5/market/candles"
    assert dict(call.query) == {
        "instId": "BTC-USDT-SWAP",
        "bar": "5m",
        "after": str(20 * STEP + 1),
        "before": str(10 * STEP - 1),
        "limit": "300",
    }
    assert (page.size, page.order, page.step_ms, page.offset_ms) == (300, Order.NEWEST_FIRST, STEP, 0)
    assert (call.limit, call.per, call.about) == ("candles", "", "BTC-USDT-SWAP")


def test_old_candles_come_by_the_hundred(btc):
    page = rest.candles(btc, STEP, recent=False)
    call = page.ask(0, STEP)
    assert (call.path, page.size, dict(call.query)["limit"]) == (
        "/api/v5/market/history-candles",
        100,
        "100",
    )
    assert call.limit == "history-candles"


@pytest.mark.parametrize(
    ("step_ms", "bar"),
    [
        (60_000, "1m"),
        (300_000, "5m"),
        (900_000, "15m"),
        (3_600_000, "1H"),
        (14_400_000, "4H"),
        (86_400_000, "1Dutc"),
    ],
)
def test_trap_days_are_asked_for_in_utc(btc, step_ms, bar):
    assert dict(rest.candles(btc, step_ms, recent=True).ask(0, 1).query)["bar"] == bar


def test_lengths_that_okx_does_not_have(btc):
    with pytest.raises(KeyError):
        rest.candles(btc, 7, recent=True)
    with pytest.raises(KeyError):
        rest.open_interest_history(btc, 60_000)
    with pytest.raises(KeyError):
        rest.long_short(btc, 60_000)


def test_trap_only_the_last_1440_candles_are_at_the_quick_endpoint():
    now_ms = 5_000_000 * STEP + 17
    first_ms = rest.recent_from_ms(STEP, now_ms)
    assert first_ms % STEP == 0
    assert now_ms - first_ms < 1440 * STEP


def test_statistics_are_paged_by_begin_and_end(btc):
    page = rest.open_interest_history(btc, STEP)
    call = page.ask(10 * STEP, 20 * STEP)
    assert call.path == "/api/v5/rubik/stat/contracts/open-interest-history"
    asked = dict(call.query)
    assert (asked["period"], asked["limit"]) == ("5m", "100")
    assert (asked["begin"], asked["end"]) == (str(10 * STEP - 1), str(20 * STEP + 1))
    assert (call.limit, call.per) == ("open-interest-history", "BTC-USDT-SWAP")


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        (rest.Ratio.ACCOUNTS, "long-short-account-ratio-contract"),
        (rest.Ratio.TOP_ACCOUNTS, "long-short-account-ratio-contract-top-trader"),
        (rest.Ratio.TOP_POSITIONS, "long-short-position-ratio-contract-top-trader"),
    ],
)
def test_three_ratios(btc, kind, path):
    call = rest.long_short(btc, 86_400_000, kind).ask(0, 1)
    assert call.path == f"/api/v5/rubik/stat/contracts/{path}"
    assert dict(call.query)["period"] == "1Dutc"
    assert call.limit == "long-short"


def test_funding_is_paged_back_from_its_end(btc, known):
    page = rest.funding_history(btc, known)
    call = page.ask(5, 1_000_000)
    assert dict(call.query) == {"instId": "BTC-USDT-SWAP", "after": "1000001", "limit": "100"}
    assert (page.size, page.order, page.step_ms) == (100, Order.NEWEST_FIRST, 0)
    assert rest.funding(btc).per == "BTC-USDT-SWAP"
    assert dict(rest.funding_of_all().query) == {"instId": "ANY"}


def test_margin_tiers_of_five_at_most(btc, known):
    call = rest.tiers(known.all[:5])
    asked = dict(call.query)
    assert asked["instFamily"].split(",") == ["BTC-USDT", "ETH-USDT", "SHIB-USDT", "IOST-USDT", "WNCG-USDT"]
    assert (asked["instType"], asked["tdMode"]) == ("SWAP", "isolated")
    for wrong in ((), (btc,) * 6):
        with pytest.raises(ValueError, match="1 to 5 contracts"):
            rest.tiers(wrong)


def test_every_call_counts_against_a_limit_that_exists(btc, known):
    calls = [
        rest.server_time(),
        rest.instruments(),
        rest.candles(btc, STEP, recent=True).ask(0, 1),
        rest.candles(btc, STEP, recent=False).ask(0, 1),
        rest.open_interest(),
        rest.open_interest_history(btc, STEP).ask(0, 1),
        rest.long_short(btc, STEP).ask(0, 1),
        rest.funding(btc),
        rest.funding_of_all(),
        rest.funding_history(btc, known).ask(0, 1),
        rest.tiers([btc]),
        rest.liquidations(btc),
    ]
    names = {limit.name for limit in rest.LIMITS}
    assert {call.limit for call in calls} == names
    assert all(call.method == "GET" and call.weight == 1 for call in calls)
    assert all(limit.window_s == 2.0 and not limit.used_header for limit in rest.LIMITS)


@pytest.mark.parametrize("code", ["0", 0])
def test_trap_the_code_that_says_good_is_text(code):
    assert rest.judge(answered(code)).outcome is Outcome.GOOD


@pytest.mark.parametrize("status", [200, 429])
@pytest.mark.parametrize("code", ["50011", "50040"])
def test_trap_too_fast_comes_with_200_as_well(status, code):
    verdict = rest.judge(answered(code, status))
    assert (verdict.outcome, verdict.scope, verdict.retry_after_s) == (Outcome.RETRY, Scope.LIMIT, 2.0)
    slow = rest.judge(answered(code, status, headers={"retry-after": "7"}))
    assert slow.retry_after_s == 7.0


@pytest.mark.parametrize(("code", "status"), [("50001", 503), ("50004", 200), ("50013", 429), ("50026", 500)])
def test_trouble_of_its_own_passes(code, status):
    verdict = rest.judge(answered(code, status))
    assert (verdict.outcome, verdict.scope) == (Outcome.RETRY, Scope.CALL)


def test_trouble_with_an_unknown_code_passes_too():
    assert rest.judge(answered("50999", 502)).outcome is Outcome.RETRY


@pytest.mark.parametrize(("code", "status"), [("51001", 200), ("51001", 400), ("50005", 410)])
def test_what_is_gone_is_never_asked_again(code, status):
    verdict = rest.judge(answered(code, status))
    assert (verdict.outcome, verdict.scope) == (Outcome.FINAL, Scope.CALL)
    assert code in verdict.reason


@pytest.mark.parametrize("code", ["51000", "50014", "50111", "50119", "50110", "1", "99999", -1])
def test_our_own_mistakes(code):
    verdict = rest.judge(answered(code, 400, words="Parameter bar error" + "x" * 500))
    assert verdict.outcome is Outcome.MISTAKE
    assert "Parameter bar error" in verdict.reason
    assert len(verdict.reason) < 200


def test_trap_403_is_a_block_or_a_ban():
    assert rest.judge(answered(status=403)) == rest.never(
        "does not serve this country (HTTP 403)", scope=Scope.VENUE
    )
    ban = rest.judge(answered(status=403, worked=True))
    assert (ban.outcome, ban.scope, ban.retry_after_s) == (Outcome.RETRY, Scope.VENUE, 600.0)
    assert rest.judge(answered(status=403, body=b"error code: 1015")).outcome is Outcome.RETRY


def test_451_is_final_for_the_venue():
    verdict = rest.judge(answered(status=451))
    assert (verdict.outcome, verdict.scope) == (Outcome.FINAL, Scope.VENUE)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome.RETRY),
        (429, Outcome.RETRY),
        (502, Outcome.RETRY),
        (404, Outcome.FINAL),
        (400, Outcome.MISTAKE),
    ],
)
def test_answers_of_whoever_stands_before_it(status, outcome):
    assert rest.judge(answered(status=status)).outcome is outcome


@pytest.mark.parametrize("decoded", [[], {}, {"code": None}, {"code": True}, {"code": {}}, "x", 1])
def test_answers_that_are_none_of_okxs(decoded):
    verdict = rest.judge(Answered(status=200, decoded=decoded))
    assert verdict.outcome is Outcome.RETRY
