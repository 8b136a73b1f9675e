"""Let the panel's user in: by being on this machine, or by the token that is printed at start.

The token is exchanged for a signed cookie, as Jupyter does, and taken out of the address. The cookie is
`issued.nonce.signature`; changing the token ends every session.
"""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable

from aiohttp import web

from bot.web.limits import TokenBucket
from bot.web.security import Guard

COOKIE_AGE_S = 30 * 86_400
TOKEN_BYTES = 32
TRIES_PER_S = 0.2
TRIES_AT_ONCE = 10


class PanelAuth:
    """Know the panel's token and who has shown it."""

    def __init__(self, guard: Guard, token: str | None, *, clock: Callable[[], float] = time.time) -> None:
        self._guard = guard
        self._clock = clock
        self.token = token or secrets.token_urlsafe(TOKEN_BYTES)
        self._key = hashlib.sha256(b"liqwatch panel cookie\0" + self.token.encode()).digest()
        self._tries = TokenBucket(TRIES_PER_S, TRIES_AT_ONCE)

    @property
    def token_needed(self) -> bool:
        """Say whether everybody has to show the token."""
        return not self._guard.local_only

    def may_use(self, request: web.BaseRequest) -> bool:
        """Say whether the request comes from the panel's user."""
        if self._guard.is_local(request):
            return True
        return self._valid(request.cookies.get(self.cookie_name(request), ""))

    def check(self, token: str) -> bool:
        """Compare a token in constant time; raise HTTPTooManyRequests on too many wrong ones."""
        if hmac.compare_digest(token.encode(), self.token.encode()):
            return True
        if not self._tries.take():
            raise web.HTTPTooManyRequests(
                text="Too many wrong tokens: wait a little.",
                headers={"Retry-After": str(int(self._tries.wait_s) + 1)},
            )
        return False

    def grant(self, request: web.BaseRequest, response: web.StreamResponse) -> None:
        """Give the response a session cookie."""
        issued = f"{int(self._clock())}.{secrets.token_urlsafe(16)}"
        response.set_cookie(
            self.cookie_name(request),
            f"{issued}.{self._sign(issued)}",
            max_age=COOKIE_AGE_S,
            httponly=True,
            samesite="Strict",
            secure=request.secure or request.headers.get("X-Forwarded-Proto") == "https",
            path="/",
        )

    @staticmethod
    def cookie_name(request: web.BaseRequest) -> str:
        """Return a name per port: browsers do not tell ports of one host apart."""
        sock = request.get_extra_info("sockname")
        port = sock[1] if isinstance(sock, tuple) and len(sock) > 1 else 0
        return f"liqwatch_panel_{port}"

    def _sign(self, issued: str) -> str:
        digest = hmac.new(self._key, issued.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def _valid(self, cookie: str) -> bool:
        issued, _, signature = cookie.rpartition(".")
        if not issued or not hmac.compare_digest(signature.encode(), self._sign(issued).encode()):
            return False
        seconds = issued.partition(".")[0]
        return seconds.isascii() and seconds.isdigit() and self._clock() - int(seconds) < COOKIE_AGE_S
