"""Judge what ccxt raises: again later, never, or our mistake. Nothing of ccxt is imported for that."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from adapters.ccxt import fields
from adapters.rest.verdicts import GOOD, Answered, Outcome, Scope, Verdict, again, by_status, mistake, never

SLOW_S = 60.0
"""How long to keep away from a venue that says too often, where ccxt does not say for how long."""

WORDS = 4000
"""How much of an error's words is kept: pages of HTML say late what they mean."""

_STATUS = re.compile(r"^(?:\S+ [A-Z]{3,6} \S+ )?([1-5][0-9]{2})(?=[ ,]|$)")
_PLACE = re.compile(
    r"restricted (location|country|region|area)|(your|this) (country|region|location|jurisdiction)",
    re.IGNORECASE,
)
_BLOCKED = re.compile(r"\bblock\w*\b[^.]{0,40}\bcountry\b", re.IGNORECASE)
"""As the networks before venues say it, whatever ccxt takes the status for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What was raised instead of an answer: the names of its classes, the nearest first, and its words."""

    kinds: tuple[str, ...]
    words: str

    @classmethod
    def of(cls, error: BaseException) -> "Failure":
        """Return what an error says."""
        names = [each.__name__ for each in type(error).__mro__ if issubclass(each, BaseException)]
        return cls(kinds=tuple(names), words=fields.text(str(error), WORDS))


_SLOW = again("asks to slow down", after_s=SLOW_S, scope=Scope.VENUE)
_CLOSED = never("does not let us in (ccxt: PermissionDenied)", scope=Scope.VENUE)
_PLACED = never("does not serve this country", scope=Scope.VENUE)
_AWAY = again("cannot be reached")
_GONE = never("does not trade this any more")
_UNABLE = mistake("did not understand the request")

VERDICTS: Mapping[str, Verdict] = MappingProxyType(
    {
        "RestrictedLocation": _PLACED,
        "PermissionDenied": _CLOSED,
        "AccountSuspended": _CLOSED,
        "AuthenticationError": never("wants an account for this"),
        "BadSymbol": _GONE,
        "ContractUnavailable": _GONE,
        "NotSupported": never("does not offer this"),
        "ArgumentsRequired": _UNABLE,
        "BadRequest": _UNABLE,
        "RateLimitExceeded": _SLOW,
        "DDoSProtection": _SLOW,
        "OnMaintenance": again("is being maintained", after_s=SLOW_S, scope=Scope.VENUE),
        "RequestTimeout": again("did not answer in time"),
        "TimeoutError": again("did not answer in time"),
        "ExchangeNotAvailable": _AWAY,
        "NetworkError": _AWAY,
        "OSError": _AWAY,
        "BaseError": again("has trouble"),
    }
)
"""What an error means by the name of its class, or of the nearest class above it."""


def judge(answered: Answered) -> Verdict:
    """Say what an answer means, or what was raised in its stead."""
    decoded = answered.decoded
    return judge_failure(decoded) if isinstance(decoded, Failure) else GOOD


def judge_failure(failure: Failure) -> Verdict:
    """Say what an error means; a venue's HTTP status tells more than ccxt's name for it."""
    kinds = failure.kinds
    slow = bool({"RateLimitExceeded", "DDoSProtection"} & set(kinds))
    if _BLOCKED.search(failure.words) or (not slow and _PLACE.search(failure.words)):
        return _PLACED
    status = _STATUS.match(failure.words)
    if status and "NetworkError" in kinds and not slow:
        verdict = by_status(Answered(status=int(status.group(1))))
        if verdict.outcome is not Outcome.GOOD:
            return verdict
    for kind in kinds:
        if kind in VERDICTS:
            return VERDICTS[kind]
    return again(f"said what ccxt cannot read ({kinds[0] if kinds else 'nothing'})")
