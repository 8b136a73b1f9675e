"""Let pages of listed sites read the API in a browser; of others nothing is said, and browsers refuse."""

from collections.abc import Sequence

from aiohttp import web

EXPOSED = "Deprecation, ETag, Link, Retry-After, Sunset, X-Request-Id"
AGE_S = 600


class Cors:
    """Know the origins that are listed. Nothing that a user owns is on the paths it is asked about."""

    def __init__(self, origins: Sequence[str]) -> None:
        self._origins = frozenset(origins)

    def allows(self, request: web.BaseRequest) -> bool:
        """Say whether a request comes from a page of a listed site."""
        return request.headers.get("Origin", "").lower() in self._origins

    def is_preflight(self, request: web.BaseRequest) -> bool:
        """Say whether a browser asks for leave on behalf of such a page."""
        asks = "Access-Control-Request-Method" in request.headers
        return request.method == "OPTIONS" and asks and self.allows(request)

    def preflight(self) -> web.Response:
        """Answer such a question."""
        headers = {
            "Access-Control-Allow-Methods": "GET, HEAD",
            "Access-Control-Allow-Headers": "If-None-Match",
            "Access-Control-Max-Age": str(AGE_S),
        }
        return web.Response(status=204, headers=headers)

    def mark(self, request: web.BaseRequest, response: web.StreamResponse) -> None:
        """Say on an answer who may read it."""
        if not self._origins:
            return
        response.headers.add("Vary", "Origin")
        if self.allows(request):
            response.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
            response.headers["Access-Control-Expose-Headers"] = EXPOSED
            response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
