"""Read an address that a user gave, so strictly that it cannot be read in another way. Pure functions."""

import re
from ipaddress import IPv4Address, IPv6Address

from yarl import URL

from bot.delivery.guard.networks import Networks
from engine.errors import UserError

REFUSED = "That address cannot be used: it must be a public one that begins with https://."
"""What is said whatever the reason: a reason would tell what there is in a private network."""
EXAMPLE = "https://hooks.example.org/liqwatch"
LONGEST = 2048
USUAL_PORTS = (80, 443)
FIRST_FREE_PORT = 1025
_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_NUMERIC = re.compile(r"(.*\.)?(\d+|0x[0-9a-f]*)")
_WHOLE = re.compile(r"https?://[^\s\\\x00-\x1f\x7f]+", re.IGNORECASE)


class Refused(UserError):
    """Refuse an address that a user gave; the sentence is the same whatever the reason."""

    def __init__(self) -> None:
        super().__init__(REFUSED, example=EXAMPLE)


def parse(text: str, networks: Networks) -> URL:
    """Return an address as it will be called. Raise Refused for anything but a plain http or https one.

    Names are not looked up here: what they stand for is checked when they are called.
    """
    text = text.strip()
    if len(text) > LONGEST or not _WHOLE.fullmatch(text) or "@" in _authority(text):
        raise Refused
    try:
        url = URL(text).with_fragment(None)
        host, port = (url.raw_host or "").removesuffix("."), url.port
    except ValueError:
        raise Refused from None
    if url.scheme not in ("http", "https") or not _port(port) or not _host(host, networks):
        raise Refused
    return url.with_host(host)


def _authority(text: str) -> str:
    """Return what stands between the scheme and the first slash, question mark or hash."""
    return re.split(r"[/?#]", text.partition("://")[2], maxsplit=1)[0]


def _port(port: int | None) -> bool:
    return port in USUAL_PORTS or (port is not None and FIRST_FREE_PORT <= port <= 65_535)


def _host(host: str, networks: Networks) -> bool:
    """Say whether a host is a name, or an address in its one usual form that may be called.

    127.1, 0x7f.1 and 2130706433 are 127.0.0.1 to some programs and names to others, so they are neither.
    """
    if ":" in host:
        return _is(IPv6Address, host) and networks.allow(host)
    if _NUMERIC.fullmatch(host):
        return _is(IPv4Address, host) and networks.allow(host)
    return len(host) <= 253 and _NAME.fullmatch(host) is not None


def _is(kind: type[IPv4Address] | type[IPv6Address], host: str) -> bool:
    try:
        kind(host)
    except ValueError:
        return False
    return True
