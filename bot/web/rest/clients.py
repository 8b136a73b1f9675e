"""Know whose request it is, and how often each client may ask.

A proxy's word about whom it speaks for counts only where the proxy is listed: anybody can send the header.
"""

import ipaddress
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import lru_cache

from aiohttp import web

from bot.web.limits import TokenBucket

MOST_CLIENTS = 10_000
REMEMBERED = 1024
"""Addresses whose reading is remembered: it is done for every request."""
FORWARDED = "X-Forwarded-For"
UNKNOWN = "unknown"
_IPV6_CLIENT = 64
"""Bits of an IPv6 address that name a client: each may have all the addresses below."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Clients:
    """Tell clients apart by address, believing the proxies that are listed."""

    def __init__(self, trusted: Sequence[str]) -> None:
        self._trusted = [ipaddress.ip_network(each) for each in trusted]

    def address(self, request: web.BaseRequest) -> str:
        """Return the address a request is from: the last one that no listed proxy answers for."""
        here = _read(request.remote or "")
        if here is None:
            return UNKNOWN
        said = [part for line in request.headers.getall(FORWARDED, []) for part in line.split(",")]
        while said and self._trusts(here):
            before = _read(said.pop())
            if before is None:
                break
            here = before
        return str(here)

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)


class Rates:
    """Give each client a bucket of requests; the clients that were heard last are remembered."""

    def __init__(self, rate_per_s: float, burst: int, *, clock: Callable[[], float] | None = None) -> None:
        self._rate_per_s = rate_per_s
        self._burst = burst
        self._clock = {} if clock is None else {"clock": clock}
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def wait_s(self, address: str) -> float:
        """Take one request of a client; return 0, or the seconds until it may ask again."""
        client = client_of(address)
        bucket = self._buckets.pop(client, None)
        if bucket is None:
            bucket = TokenBucket(self._rate_per_s, self._burst, **self._clock)
        self._buckets[client] = bucket
        while len(self._buckets) > MOST_CLIENTS:
            self._buckets.popitem(last=False)
        return 0.0 if bucket.take() else bucket.wait_s


@lru_cache(maxsize=REMEMBERED)
def client_of(address: str) -> str:
    """Return what names a client: its IPv4 address, or the network that an IPv6 address is of."""
    read = _read(address)
    if not isinstance(read, ipaddress.IPv6Address):
        return address
    return str(ipaddress.ip_network((int(read), _IPV6_CLIENT), strict=False))


@lru_cache(maxsize=REMEMBERED)
def _read(text: str) -> Address | None:
    """Return an address as it is written in a header or by the system; one that is mapped is IPv4."""
    plain = text.strip()
    if plain.startswith("["):
        plain = plain[1:].partition("]")[0]
    elif plain.count(":") == 1:
        plain = plain.partition(":")[0]
    try:
        address = ipaddress.ip_address(plain.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
