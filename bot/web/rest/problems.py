"""Refuse a request with a problem document (RFC 9457): which field, what was sent, what is allowed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.errors import DataError, LiqwatchError, UserError

MEDIA_TYPE = "application/problem+json"
RETRY_S = 10
SENT = 120
"""How much of what was sent is said again, characters."""


class Problem(BaseModel):
    """What went wrong, for programs and people (RFC 9457)."""

    model_config = ConfigDict(extra="forbid")

    type: str = Field(default="about:blank", description="kind of problem; about:blank: see the status")
    title: str = Field(description="what kind of problem it is, in a few words")
    status: int = Field(description="the HTTP status")
    detail: str = Field(description="what went wrong here, as a sentence")
    field: str | None = Field(default=None, description="parameter that was refused")
    sent: str | None = Field(default=None, description="what was sent in it, shortened")
    allowed: str | None = Field(default=None, description="what would have been accepted")
    example: str | None = Field(default=None, description="something that works")
    incident: str | None = Field(default=None, description="id under which the log says more")


class Refused(LiqwatchError):
    """Refuse a request; `problem` is the answer, `headers` go with it."""

    def __init__(self, problem: Problem, headers: dict[str, str] | None = None) -> None:
        super().__init__(problem.detail)
        self.problem = problem
        self.headers = headers or {}

    def answer(self) -> web.Response:
        """Return the refusal as a response."""
        text = self.problem.model_dump_json(exclude_none=True)
        return web.Response(
            text=text, status=self.problem.status, content_type=MEDIA_TYPE, headers=self.headers
        )


def bad_field(field: str, sent: str | None, allowed: str, detail: str = "") -> Refused:
    """Return the refusal of one parameter."""
    shown = None if sent is None else sent[:SENT]
    told = detail or f"{field} must be {allowed}."
    return Refused(
        Problem(title="Bad request", status=400, detail=told, field=field, sent=shown, allowed=allowed)
    )


def unknown_field(field: str, known: list[str]) -> Refused:
    """Return the refusal of a parameter that there is none of."""
    names = ", ".join(known) or "no parameters"
    return bad_field(field[:SENT], None, names, f"There is no parameter {field[:SENT]!r} here.")


def nothing_there(detail: str) -> Refused:
    """Return the answer where there is no data of what was asked for."""
    return Refused(Problem(title="Not found", status=404, detail=detail))


@contextmanager
def about(field: str, sent: str | None, allowed: Callable[[], str]) -> Iterator[None]:
    """Let what is refused inside the block be refused as the value of a parameter."""
    try:
        yield
    except UserError as error:
        raise bad_field(field, sent, allowed(), error.message) from error


def of_validation(error: ValidationError, model: type[BaseModel], given: dict[str, Any]) -> Refused:
    """Return the refusal of the first parameter that a model of a request does not take."""
    first = error.errors(include_url=False, include_context=False)[0]
    field = str(first["loc"][0]) if first["loc"] else ""
    known = model.model_fields
    if first["type"] == "extra_forbidden":
        return unknown_field(field, list(known))
    extra = known[field].json_schema_extra if field in known else None
    allowed = str(extra.get("x-allowed", "")) if isinstance(extra, dict) else ""
    if first["type"] == "missing":
        return bad_field(field, None, allowed, f"{field} is missing.")
    if not field:
        told = first["msg"].removeprefix("Value error, ")
        return Refused(Problem(title="Bad request", status=400, detail=told))
    return bad_field(field, str(given.get(field, "")), allowed)


def of_error(error: LiqwatchError) -> Refused:
    """Return the refusal that stands for an error whose field nobody knows."""
    if isinstance(error, UserError):
        example = error.example or None
        return Refused(Problem(title="Bad request", status=400, detail=error.message, example=example))
    if isinstance(error, DataError):
        return nothing_there(f"{error}.".replace("..", "."))
    problem = Problem(title="Not available", status=503, detail="This cannot be had now; ask again.")
    return Refused(problem, {"Retry-After": str(RETRY_S)})
