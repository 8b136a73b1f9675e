"""Know which IP addresses are public. Pure functions.

The lists are the registries of special-purpose addresses of IANA (RFC 6890 and its updates): everything that
is not global unicast, and whatever carries an IPv4 address inside an IPv6 one.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

SPECIAL_V4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared behind a carrier's NAT
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, and the metadata of clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
UNICAST_V6 = IPv6Network("2000::/3")
"""All global unicast addresses there are; ::1, ::ffff:0:0/96, 64:ff9b::/96, fc00::/7 and more are outside."""
SPECIAL_V6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: an IPv4 address inside
        "3fff::/20",  # documentation
    )
)


def is_public(address: Address) -> bool:
    """Say whether an address is global unicast: one that anybody on the internet could be at."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in SPECIAL_V4)
    if address.scope_id is not None or address not in UNICAST_V6:
        return False
    return not any(address in network for network in SPECIAL_V6)


class Networks:
    """Say which addresses may be called: public ones, and networks that the operator named."""

    def __init__(self, named: Iterable[str] = ()) -> None:
        self._named: tuple[Network, ...] = tuple(ip_network(text) for text in named)

    def allow(self, address: str) -> bool:
        """Say whether an address, written as numbers, may be called."""
        try:
            found = ip_address(address)
        except ValueError:
            return False
        own = any(found.version == network.version and found in network for network in self._named)
        return own or is_public(found)
