"""Describe what is asked of a venue: a call, where it goes, and that it failed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from adapters.rest.limits import Limit
from adapters.rest.verdicts import Judge, Outcome, Verdict, by_status
from engine.errors import SourceError


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, not sent yet.

    `path` begins with a slash; `query` holds plain text, not percent-encoded; `body` is sent as JSON.
    `weight` is the most that the answer may cost against the limit of the name `limit`; `per` names whose
    share of it is meant where a venue counts for each instrument, else "". `about` is what a final answer
    would cover, such as the venue's name of a symbol; "" for the path alone. `headers` may hold a key: they
    are never shown.
    """

    path: str
    method: str = "GET"
    query: tuple[tuple[str, str], ...] = ()
    body: Mapping[str, object] | None = None
    weight: int = 1
    limit: str = ""
    per: str = ""
    about: str = ""
    timeout_s: float = 10.0
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What the client must know of a venue's REST interface.

    `parallel` requests are under way at most. `time_call` asks for the venue's time and `server_ms` reads it
    out of the decoded answer; where there is none the Date header serves, to half a second.
    """

    venue: str
    base_url: str
    limits: tuple[Limit, ...]
    judge: Judge = by_status
    parallel: int = 4
    time_call: Call | None = None
    server_ms: Callable[[object], int | None] | None = None
    headers: tuple[tuple[str, str], ...] = ()
    attempts: int = 5
    connect_s: float = 5.0


class CallFailed(SourceError):
    """Say that a call was not answered well; `verdict` says whether and when it may be asked again."""

    def __init__(self, venue: str, call: Call, verdict: Verdict) -> None:
        super().__init__(f"{venue} {verdict.reason or 'did not answer'}.")
        self.venue = venue
        self.call = call
        self.verdict = verdict

    @property
    def final(self) -> bool:
        """Say whether asking again can never help."""
        return self.verdict.outcome in (Outcome.FINAL, Outcome.MISTAKE)
