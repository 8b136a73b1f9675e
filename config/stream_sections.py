"""Hold the settings of the live stream of the page and of programs."""

from config.fields import Hint, Section, setting


class StreamSettings(Section):
    """How often the stream `/ws/heatmap` speaks, to how many, and how patient it is."""

    enabled: bool = setting(
        True,
        "serve /ws/heatmap; where it is off the page asks for news every few seconds instead",
        Hint("0 or 1", "1"),
    )
    update_interval_s: float = setting(
        0.1,
        "seconds for which changes are gathered before they are told",
        Hint("a number from 0.02 to 60", "0.1", env="WS_UPDATE_INTERVAL"),
        ge=0.02,
        le=60,
    )
    max_connections: int = setting(
        10_000,
        "connections of the stream at a time",
        Hint("a whole number from 1 to 100000", "10000"),
        ge=1,
        le=100_000,
    )
    max_per_address: int = setting(
        100,
        "connections of the stream that one address may have; behind a proxy, list it as trusted",
        Hint("a whole number from 1 to 100000", "100"),
        ge=1,
        le=100_000,
    )
    max_subscriptions: int = setting(
        24,
        "channels that one connection may follow at a time",
        Hint("a whole number from 1 to 1000", "24"),
        ge=1,
        le=1000,
    )
    rate_per_s: float = setting(
        10.0,
        "messages a second that one connection may send on average; four times as many at once",
        Hint("a number from 0.1 to 1000", "10"),
        ge=0.1,
        le=1000,
    )
    max_frame_bytes: int = setting(
        4096,
        "bytes of the longest message that a client may send",
        Hint("a whole number from 512 to 65536", "4096"),
        ge=512,
        le=65_536,
    )
    buffer_kb: int = setting(
        256,
        "kB that may wait for one client before it is left out until it has caught up",
        Hint("a whole number from 16 to 65536", "256"),
        ge=16,
        le=65_536,
    )
    slow_s: float = setting(
        15.0,
        "seconds that a client may stay behind before it is closed",
        Hint("a number from 1 to 600", "15"),
        ge=1,
        le=600,
    )
