"""Stand before every request: bodies that are too large, sites that may read, clients that ask too often.

Each answer carries an `X-Request-Id`, which the log has too. Addresses are logged only where that is set.
"""

import math
import secrets
import time
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from bot.web.rest.clients import Clients, Rates
from bot.web.rest.cors import Cors
from bot.web.rest.metrics import Metrics
from bot.web.rest.problems import Problem, Refused

log = structlog.get_logger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
REQUEST_ID = "X-Request-Id"
LARGEST_BODY = 16_384


class Gate:
    """Let requests in; `limited` paths count towards a rate, `shared` ones may be read by listed sites."""

    def __init__(
        self, *, clients: Clients, rates: Rates, cors: Cors, metrics: Metrics, log_addresses: bool = False
    ) -> None:
        self._clients = clients
        self._rates = rates
        self._cors = cors
        self._metrics = metrics
        self._log_addresses = log_addresses
        self._limited: set[str] = set()
        self._shared: set[str] = set()

    def know(self, path: str, *, limited: bool, shared: bool) -> None:
        """Remember what kind of path this is."""
        if limited:
            self._limited.add(path)
        if shared:
            self._shared.add(path)

    def allows(self, request: web.BaseRequest) -> bool:
        """Say whether a page of a listed site may send this request: it reads what is for all to read."""
        return request.path in self._shared and self._cors.is_preflight(request)

    def watch(self) -> Callable[..., Awaitable[web.StreamResponse]]:
        """Return the outermost middleware: it times, names and logs every request."""

        @web.middleware
        async def watched(request: web.Request, handler: Handler) -> web.StreamResponse:
            began, request_id = time.perf_counter(), secrets.token_hex(8)
            with structlog.contextvars.bound_contextvars(request=request_id):
                response = await handler(request)
                took_s = time.perf_counter() - began
                self._note(request, response.status, took_s)
            if not response.prepared:
                response.headers[REQUEST_ID] = request_id
                if request.path in self._shared:
                    self._cors.mark(request, response)
            return response

        return watched

    def guard(self) -> Callable[..., Awaitable[web.StreamResponse]]:
        """Return the middleware that turns away: call it once the request's host is known to be ours."""

        @web.middleware
        async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
            if self.allows(request):
                return self._cors.preflight()
            self._weigh(request)
            if request.path in self._limited:
                self._count(request)
            return await handler(request)

        return guarded

    def _weigh(self, request: web.Request) -> None:
        """Raise Refused for a body that is too large, or that belongs to no such request."""
        length = request.content_length
        unasked = request.method in ("GET", "HEAD") and request.can_read_body and length is None
        if (length is not None and length > LARGEST_BODY) or unasked:
            detail = f"A body may have {LARGEST_BODY:,} bytes, and a GET has none."
            problem = Problem(title="Content too large", status=413, detail=detail)
            raise Refused(problem, {"Connection": "close"})

    def _count(self, request: web.Request) -> None:
        """Raise Refused (429) where a client asks too often."""
        wait_s = self._rates.wait_s(self._clients.address(request))
        if wait_s > 0:
            after_s = max(1, math.ceil(wait_s))
            problem = Problem(
                title="Too many requests", status=429, detail=f"Too many requests: ask again in {after_s} s."
            )
            raise Refused(problem, {"Retry-After": str(after_s)})

    def _note(self, request: web.Request, status: int, took_s: float) -> None:
        resource = request.match_info.route.resource
        route = resource.canonical if resource is not None else "unknown"
        if request.path.startswith("/ws/") and status == 101:
            return
        self._metrics.request(route, status, took_s)
        where = {"address": self._clients.address(request)} if self._log_addresses else {}
        say = log.warning if status >= 500 else log.debug
        say("web.request", route=route, status=status, took_ms=round(took_s * 1e3, 1), **where)
