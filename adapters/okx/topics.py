"""Name OKX's topics: `channel:what`, `what` being an instrument's id, or a type of instrument."""

from collections.abc import Mapping

WHOLE_MARKET = frozenset({"liquidation-orders", "instruments"})
"""Channels that are subscribed by type of instrument, once for every symbol."""
SWAP = "SWAP"
BARS = {
    60_000: "1m",
    300_000: "5m",
    900_000: "15m",
    3_600_000: "1H",
    14_400_000: "4H",
    86_400_000: "1Dutc",
}
"""Lengths of candles in ms, as OKX names them. Its plain 1D opens at 16:00 UTC: 1Dutc opens at 00:00."""


def topic_of(arg: object) -> str:
    """Return the topic that a message speaks of, "" where it names none."""
    if not isinstance(arg, Mapping):
        return ""
    channel, what = arg.get("channel"), arg.get("instId") or arg.get("instType")
    if not isinstance(channel, str) or not isinstance(what, str):
        return ""
    return f"{channel}:{what}"


def arg_of(topic: str) -> dict[str, str]:
    """Return a topic as OKX wants it in a request; raise ValueError for what is no topic."""
    channel, colon, what = topic.partition(":")
    if not (channel and colon and what):
        raise ValueError(f"not a topic of OKX: {topic!r}")
    return {"channel": channel, "instType" if channel in WHOLE_MARKET else "instId": what}
