"""Decide who may talk to the server: host names, origins, and the headers every answer carries.

A page on any site can make a browser send requests to 127.0.0.1, and can point a name of its own at it (DNS
rebinding). So each request must name a host that is ours, and each request that acts must come from a page
that this server served.
"""

import ipaddress
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import urlsplit

from aiohttp import web

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
)

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

PROXY_HEADERS = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP")


async def add_headers(_: web.Request, response: web.StreamResponse) -> None:
    """Put the security headers on an answer, whatever made it."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers.pop("Server", None)


def is_loopback(host: str) -> bool:
    """Say whether a host name or address is this machine's own loopback."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@lru_cache(maxsize=256)
def host_name(netloc: str) -> str | None:
    """Return the lower-case host of a `Host` header or netloc, without port; None where it is malformed."""
    try:
        parts = urlsplit(f"//{netloc}")
        _ = parts.port  # raises ValueError where the port is not a number
    except ValueError:
        return None
    if not netloc or parts.username is not None or parts.path or parts.query or parts.fragment:
        return None
    return parts.hostname.rstrip(".") if parts.hostname else None


def public_name(url: str | None) -> tuple[str, ...]:
    """Return the host of the public address, under which the page is reached as well; nothing without one."""
    return (urlsplit(url).netloc,) if url else ()


class Guard:
    """Judge Host and Origin of requests to a server bound to `bind_host`."""

    def __init__(self, bind_host: str, allowed_hosts: Iterable[str]) -> None:
        self.local_only = is_loopback(bind_host)
        names = {name for entry in allowed_hosts if (name := host_name(entry.strip().lower()))}
        if bind_host not in ("0.0.0.0", "::", ""):  # noqa: S104 - compared with, not bound to
            names.add(bind_host.lower())
        self._names = LOOPBACK_NAMES | names

    def knows_host(self, request: web.BaseRequest) -> bool:
        """Say whether the request names a host that is ours.

        Besides the listed names an address counts as ours when the connection came in on it: a rebound name
        can lead here, but it cannot make the browser send an address as its host.
        """
        name = host_name(request.headers.get("Host", ""))
        if name is None:
            return False
        return name in self._names or (not self.local_only and name == _own_address(request))

    def knows_origin(self, request: web.BaseRequest) -> bool:
        """Say whether a request that acts comes from our own page, or from no browser at all.

        Browsers always send `Origin` with a WebSocket and with a POST; programs need not.
        """
        if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
            return False
        origin = request.headers.get("Origin")
        if origin is None:
            return True
        try:
            parts = urlsplit(origin)
        except ValueError:
            return False
        return parts.scheme in ("http", "https") and parts.netloc.lower() == request.headers["Host"].lower()

    def is_local(self, request: web.BaseRequest) -> bool:
        """Say whether the request can only come from this machine's own user.

        A server on loopback behind a proxy is not private: the proxy's marks, or a public name, tell.
        """
        name = host_name(request.headers.get("Host", ""))
        proxied = any(header in request.headers for header in PROXY_HEADERS)
        return self.local_only and not proxied and name is not None and is_loopback(name)


def _own_address(request: web.BaseRequest) -> str | None:
    sock = request.get_extra_info("sockname")
    return str(sock[0]).split("%")[0].lower() if isinstance(sock, tuple) and sock else None
