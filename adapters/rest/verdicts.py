"""Say what a venue's answer means: good, again later, never, or our mistake. Waits are seconds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

RETRY_HEADER = "retry-after"
BAN_S = 120.0
"""How long to keep away after a 418 that does not say how long: the shortest ban that venues give."""
REFUSED_S = 600.0
"""How long to keep away after a 403: a ban for asking too often is lifted after ten minutes."""


class Scope(StrEnum):
    """How far a verdict reaches."""

    CALL = "call"  # this call, and for a final one whatever else is about the same thing
    LIMIT = "limit"  # every call that counts against the same limit
    VENUE = "venue"  # every call


class Outcome(StrEnum):
    """What an answer means."""

    GOOD = "good"
    RETRY = "retry"
    FINAL = "final"  # it will never be answered otherwise: a geo block, a symbol that is gone
    MISTAKE = "mistake"  # the request was wrong: asking again changes nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What a venue answered: names of headers in lower case, the body as it came and decoded.

    `decoded` is None where the body is not JSON. `worked_before` says whether the venue has ever answered
    well to this client, which tells a ban from a block where both look the same.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    decoded: object = None
    worked_before: bool = False

    @property
    def retry_after_s(self) -> float | None:
        """Return the seconds in Retry-After, None where it is absent or not a number."""
        try:
            seconds = float(self.headers.get(RETRY_HEADER, ""))
        except ValueError:
            return None
        return seconds if 0 <= seconds < float("inf") else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What an answer means: `reason` is a short sentence that users are shown.

    `retry_after_s` is when it may be asked again, None for whoever asks to choose.
    """

    outcome: Outcome = Outcome.GOOD
    scope: Scope = Scope.CALL
    retry_after_s: float | None = None
    reason: str = ""


GOOD = Verdict()
Judge = Callable[[Answered], Verdict]
"""Say what an answer means; a venue looks at its own body first and leaves the rest to `by_status`."""


def again(reason: str, *, after_s: float | None = None, scope: Scope = Scope.CALL) -> Verdict:
    """Return that it may be asked again, after seconds where the venue says how many."""
    return Verdict(outcome=Outcome.RETRY, scope=scope, retry_after_s=after_s, reason=reason)


def never(reason: str, *, scope: Scope = Scope.CALL) -> Verdict:
    """Return that it must not be asked again, and why."""
    return Verdict(outcome=Outcome.FINAL, scope=scope, reason=reason)


def mistake(reason: str) -> Verdict:
    """Return that the request itself was wrong, and how."""
    return Verdict(outcome=Outcome.MISTAKE, reason=reason)


def by_status(answered: Answered) -> Verdict:
    """Judge an answer by its HTTP status alone, as most venues mean it."""
    status, after_s = answered.status, answered.retry_after_s
    if 200 <= status < 300:
        return GOOD
    if status == 451:
        return never("does not serve this country (HTTP 451)", scope=Scope.VENUE)
    if status in (404, 410):
        return never(f"does not offer this any more (HTTP {status})")
    if status in (403, 418, 429):
        shut_s = {403: REFUSED_S, 418: BAN_S}.get(status)
        return again(f"asks to slow down (HTTP {status})", after_s=after_s or shut_s, scope=Scope.VENUE)
    if status in (408, 425) or status >= 500:
        return again(f"has trouble (HTTP {status})", after_s=after_s)
    return mistake(f"did not understand the request (HTTP {status})")
