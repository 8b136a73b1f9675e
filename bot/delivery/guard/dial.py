"""Call addresses that users gave: the address that is checked is the one that is connected to."""

import asyncio
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.helpers import is_ip_address
from yarl import URL

from bot.delivery.guard.networks import Networks
from bot.delivery.guard.urls import Refused, parse

CONNECT_S = 5.0
CONNECTIONS = 64
LOOKUP_S = 5.0

AddrInfo = tuple[int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[object, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The head of an answer. Its body is never read: nothing in it is needed, and it may never end."""

    status: int
    headers: Mapping[str, str] = field(repr=False)


class Dialler:
    """Send requests to addresses that users gave, and to nothing that is not public.

    `resolver` is asked for names; None takes the system's own.
    """

    def __init__(self, networks: Networks, *, resolver: AbstractResolver | None = None) -> None:
        self.networks = networks
        self._inner = resolver
        self._session: aiohttp.ClientSession | None = None

    async def check(self, text: str) -> URL:
        """Return an address that may be called now. Raise Refused for any other, and for unknown names."""
        url = parse(text, self.networks)
        if url.host is None or is_ip_address(url.host):
            return url
        resolver = _Checked(self.networks, self._inner)
        try:
            async with asyncio.timeout(LOOKUP_S):
                await resolver.resolve(url.raw_host or "", url.port or 0, socket.AF_UNSPEC)
        except (OSError, TimeoutError):
            raise Refused from None
        finally:
            await resolver.close()
        return url

    async def post(self, url: URL, body: bytes, headers: Mapping[str, str], *, timeout_s: float) -> Answer:
        """Post a body and return the head of the answer; no redirect is followed.

        Raise Refused where the name stands for an address that may not be called, aiohttp.ClientError and
        TimeoutError as they come.
        """
        timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=CONNECT_S)
        parse(str(url), self.networks)
        request = self._open().post(url, data=body, headers=headers, timeout=timeout, allow_redirects=False)
        try:
            response = await request
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, _Forbidden):
                raise Refused from None
            raise
        try:
            return Answer(status=response.status, headers=response.headers)
        finally:
            response.close()

    async def close(self) -> None:
        """Let the connections go."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            connector = aiohttp.TCPConnector(
                resolver=_Checked(self.networks, self._inner),
                use_dns_cache=False,
                limit=CONNECTIONS,
                force_close=True,
                socket_factory=self._socket,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
            )
        return self._session

    def _socket(self, info: AddrInfo) -> socket.socket:
        """Make the socket of one connection, the last place where its true address can be looked at."""
        family, kind, protocol, _, where = info
        if not self.networks.allow(str(where[0])):
            raise _Forbidden
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)
        return made


class _Forbidden(OSError):
    """Say that an address may not be connected to."""


class _Checked(AbstractResolver):
    """Look names up, and give none away that stands for anything that may not be called."""

    def __init__(self, networks: Networks, inner: AbstractResolver | None) -> None:
        self._networks = networks
        self._own = inner is None
        self._inner = inner or aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of a name. Raise OSError where there is none, or one is not public."""
        found = await self._inner.resolve(host, port, family)
        if not found or not all(self._networks.allow(entry["host"]) for entry in found):
            raise _Forbidden
        return found

    async def close(self) -> None:
        """Close the resolver below, where it is ours."""
        if self._own:
            await self._inner.close()
