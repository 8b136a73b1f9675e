"""Name what can be subscribed to: a short text for each subscription, and back.

`candle:BTC:5m`, `activeAssetCtx:BTC`, `trades:BTC`, `userFills:0x…`, `allDexsAssetCtxs`. Requests have no
ids here: an answer repeats the subscription, with defaults filled in, and is matched by this name.
"""

from collections.abc import Mapping

_PARTS: Mapping[str, tuple[str, ...]] = {
    "trades": ("coin",),
    "candle": ("coin", "interval"),
    "activeAssetCtx": ("coin",),
    "userFills": ("user",),
    "allDexsAssetCtxs": (),
}
INTERVAL = "5m"
"""The one interval that is read live: a candle message does not say what it covers."""


CONTEXTS = "allDexsAssetCtxs"
"""The topic of what `context` gives, of all coins at once."""


def context(coin: str) -> str:
    """Return the topic of a coin's mark price, open interest and funding."""
    return f"activeAssetCtx:{coin}"


def candle(coin: str) -> str:
    """Return the topic of a coin's five-minute candles."""
    return f"candle:{coin}:{INTERVAL}"


def trades(coin: str) -> str:
    """Return the topic of a coin's trades."""
    return f"trades:{coin}"


def fills(user: str) -> str:
    """Return the topic of an address's fills."""
    return f"userFills:{user.lower()}"


def subscription(topic: str) -> dict[str, str]:
    """Return what is asked for under a topic; raise ValueError for a text that names none."""
    kind, *values = topic.split(":")
    names = _PARTS.get(kind)
    if names is None or len(names) != len(values) or not all(values):
        raise ValueError(f"{topic!r} is not a topic of Hyperliquid")
    return {"type": kind, **dict(zip(names, values, strict=True))}


def topic_of(said: object) -> str:
    """Return the topic of a subscription that the venue repeats; "" where it is none that we know."""
    if not isinstance(said, dict):
        return ""
    kind = said.get("type")
    names = _PARTS.get(kind) if isinstance(kind, str) else None
    if names is None:
        return ""
    values = [said.get(name) for name in names]
    if not all(isinstance(value, str) and value and ":" not in value for value in values):
        return ""
    named = [str(value) for value in values]
    return ":".join([str(kind), *([value.lower() for value in named] if "user" in names else named)])
