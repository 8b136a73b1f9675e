"""Describe one address of the API, and answer it: read the request, ask its handler, send what it returns."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import structlog
from aiohttp import web
from pydantic import BaseModel, ValidationError

from bot.web.rest.fields import Ask
from bot.web.rest.kept import JSON, Kept
from bot.web.rest.problems import Refused, bad_field, of_error, of_validation, unknown_field
from engine.errors import LiqwatchError

log = structlog.get_logger(__name__)

Handle = Callable[[Any], Awaitable[Kept]]
"""Answer a request that was read into the route's `ask`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deprecation:
    """Since when an address is deprecated (RFC 9745), when it goes (RFC 8594), and what takes its place."""

    since_s: int
    sunset: str
    successor: str

    def headers(self) -> dict[str, str]:
        """Return the headers that say so."""
        return {
            "Deprecation": f"@{self.since_s}",
            "Sunset": self.sunset,
            "Link": f'<{self.successor}>; rel="successor-version", </docs>; rel="deprecation"',
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One address of the API; `examples` are queries that answer, `more` what else it may answer with.

    `private` ones are for whoever runs this: for this machine, or with the token of metrics. `limited` ones
    count towards a client's rate.
    """

    path: str
    name: str
    summary: str
    ask: type[Ask]
    answer: type[BaseModel] | None
    handle: Handle
    examples: tuple[str, ...] = ("",)
    cache_control: str = "no-cache"
    media_types: tuple[str, ...] = (JSON,)
    statuses: tuple[int, ...] = ()
    deprecation: Deprecation | None = None
    private: bool = False
    limited: bool = True
    about: str = ""


def read(route: Route, request: web.Request) -> Ask:
    """Return what a request asks for; raise Refused for a parameter that is unknown, twice there or wrong."""
    given: dict[str, str] = {}
    for name, value in request.query.items():
        if name not in route.ask.model_fields:
            raise unknown_field(name, list(route.ask.model_fields))
        if name in given:
            raise bad_field(name, value, "given once", f"{name} is given twice.")
        given[name] = value
    if "format" in route.ask.model_fields and "format" not in given:
        given |= _preferred(request, route)
    try:
        return route.ask.model_validate(given)
    except ValidationError as error:
        raise of_validation(error, route.ask, given) from error


def _preferred(request: web.Request, route: Route) -> dict[str, str]:
    """Return the form that Accept names, the binary one only where it is named."""
    wants_binary = any(kind in request.headers.get("Accept", "") for kind in route.media_types[1:])
    return {"format": "binary"} if wants_binary else {}


async def answer(route: Route, request: web.Request) -> web.Response:
    """Answer a request, or say why not; raise what is no fault of the request."""
    began = time.perf_counter()
    try:
        kept = await route.handle(read(route, request))
    except Refused as refused:
        response = refused.answer()
    except LiqwatchError as error:
        told = of_error(error)
        if told.problem.status >= 500:
            log.warning("web.not_available", route=route.path, why=str(error))
        response = told.answer()
    else:
        response = _sent(route, request, kept)
        response.headers["Server-Timing"] = f"app;dur={(time.perf_counter() - began) * 1e3:.1f}"
    if route.deprecation is not None:
        response.headers.update(route.deprecation.headers())
    return response


def _sent(route: Route, request: web.Request, kept: Kept) -> web.Response:
    headers = {"ETag": kept.etag, "Cache-Control": route.cache_control, "Vary": "Accept-Encoding"}
    if "format" in route.ask.model_fields:
        headers["Vary"] = "Accept, Accept-Encoding"
    if _knows(request, kept.etag):
        return web.Response(status=304, headers=headers)
    body = kept.body
    if kept.packed is not None and _takes_gzip(request):
        body, headers["Content-Encoding"] = kept.packed, "gzip"
    return web.Response(body=body, headers=headers | {"Content-Type": kept.media_type}, status=kept.status)


def _knows(request: web.Request, etag: str) -> bool:
    """Say whether the client has this very answer."""
    said = request.headers.get("If-None-Match", "")
    names = [each.strip().removeprefix("W/") for each in said.split(",")]
    return "*" in names or etag.removeprefix("W/") in names


def _takes_gzip(request: web.Request) -> bool:
    for each in request.headers.get("Accept-Encoding", "").lower().split(","):
        name, _, rest = each.partition(";")
        if name.strip() in ("gzip", "*"):
            return rest.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
