"""Say what venues are called where people read of them; everywhere else they go by their plain names."""

from collections.abc import Mapping
from types import MappingProxyType

TITLES: Mapping[str, str] = MappingProxyType(
    {
        "okx": "OKX",
        "htx": "HTX",
        "mexc": "MEXC",
        "bitmex": "BitMEX",
        "bingx": "BingX",
        "kucoinfutures": "KuCoin",
        "krakenfutures": "Kraken",
        "cryptocom": "Crypto.com",
    }
)
"""Names that are not merely written with a capital."""


def title(venue: str) -> str:
    """Return a venue's name as people write it: OKX for okx, Binance for binance."""
    return TITLES.get(venue, venue[:1].upper() + venue[1:])


def entitled(told: str, venue: str) -> str:
    """Return what is told, with the venue's title where it begins with its plain name."""
    return f"{title(venue)}{told.removeprefix(venue)}" if told.startswith(f"{venue} ") else told
