"""What ccxt raises, by ccxt's own classes."""

import importlib

import pytest

from adapters.ccxt.verdicts import SLOW_S, VERDICTS, Failure, judge, judge_failure
from adapters.rest.verdicts import GOOD, Answered, Outcome, Scope

URL = "gate GET https://api.gateio.ws/api/v4/futures/usdt/contracts"


@pytest.mark.parametrize(
    ("kind", "words", "outcome", "scope", "after_s"),
    [
        ("RequestTimeout", URL, Outcome.RETRY, Scope.CALL, None),
        ("NetworkError", "", Outcome.RETRY, Scope.CALL, None),
        ("ExchangeNotAvailable", URL, Outcome.RETRY, Scope.CALL, None),
        ("ExchangeNotAvailable", f"{URL} 502 Bad Gateway", Outcome.RETRY, Scope.CALL, None),
        ("ExchangeNotAvailable", f"{URL} 451 Unavailable", Outcome.FINAL, Scope.VENUE, None),
        ("NetworkError", "451, message='Invalid response status'", Outcome.FINAL, Scope.VENUE, None),
        (
            "ExchangeNotAvailable",
            f"{URL} 403 Forbidden blocked in your country",
            Outcome.FINAL,
            Scope.VENUE,
            None,
        ),
        ("ExchangeNotAvailable", f"{URL} 403 Forbidden", Outcome.RETRY, Scope.VENUE, 600.0),
        ("ExchangeNotAvailable", f"{URL} 404 Not Found", Outcome.FINAL, Scope.CALL, None),
        ("RateLimitExceeded", f"{URL} 429 Too Many Requests", Outcome.RETRY, Scope.VENUE, SLOW_S),
        ("DDoSProtection", f"{URL} 418", Outcome.RETRY, Scope.VENUE, SLOW_S),
        ("RateLimitExceeded", "too many requests from your region", Outcome.RETRY, Scope.VENUE, SLOW_S),
        (
            "RateLimitExceeded",
            "bybit 403 configured to block access from your country.",
            Outcome.FINAL,
            Scope.VENUE,
            None,
        ),
        ("OnMaintenance", "", Outcome.RETRY, Scope.VENUE, SLOW_S),
        ("PermissionDenied", "", Outcome.FINAL, Scope.VENUE, None),
        ("AccountNotEnabled", "", Outcome.FINAL, Scope.VENUE, None),
        ("RestrictedLocation", "", Outcome.FINAL, Scope.VENUE, None),
        ("AuthenticationError", "", Outcome.FINAL, Scope.CALL, None),
        ("BadSymbol", "gate does not have market symbol X", Outcome.FINAL, Scope.CALL, None),
        ("NotSupported", "", Outcome.FINAL, Scope.CALL, None),
        ("BadRequest", "", Outcome.MISTAKE, Scope.CALL, None),
        ("NullResponse", "", Outcome.RETRY, Scope.CALL, None),
        ("ExchangeError", "gate {}", Outcome.RETRY, Scope.CALL, None),
    ],
)
def test_an_error_is_judged_by_its_kind_and_the_venues_status(library, kind, words, outcome, scope, after_s):
    error = getattr(importlib.import_module("ccxt"), kind)(words)
    verdict = judge(Answered(status=200, decoded=Failure.of(error)))
    assert (verdict.outcome, verdict.scope, verdict.retry_after_s) == (outcome, scope, after_s)
    assert 5 < len(verdict.reason) < 80


def test_a_crash_of_ccxt_is_tried_again_and_named():
    verdict = judge_failure(Failure.of(KeyError("symbol")))
    assert (verdict.outcome, verdict.scope) == (Outcome.RETRY, Scope.CALL)
    assert "KeyError" in verdict.reason
    assert judge_failure(Failure(kinds=(), words="")).outcome is Outcome.RETRY


def test_an_answer_is_good_whatever_it_is():
    assert judge(Answered(status=200, decoded={"error": "BadSymbol"})) is GOOD


def test_words_are_put_on_one_line():
    assert Failure.of(ValueError("a\n" * 900)).words == ("a " * 900).strip()


def test_every_kind_that_is_judged_is_one_of_ccxts(library):
    ours = {"OSError", "TimeoutError"}
    assert all(hasattr(importlib.import_module("ccxt"), kind) for kind in set(VERDICTS) - ours)
