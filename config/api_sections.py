"""Hold the settings of the HTTP API."""

import ipaddress
from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator

from config.fields import Hint, Section, setting
from config.kinds import Secret, TextList


def networks(given: Sequence[str]) -> tuple[str, ...]:
    """Return addresses or networks as they are written canonically; raise ValueError for what is none."""
    return tuple(str(ipaddress.ip_network(each)) for each in given)


def origins(given: Sequence[str]) -> tuple[str, ...]:
    """Return origins in lower case; raise ValueError for one with a path, or for *."""
    for each in given:
        scheme, _, host = each.partition("://")
        if scheme not in ("http", "https") or not host or any(mark in host for mark in "/?#*@ "):
            raise ValueError(f"{each[:80]!r} is no origin: a scheme and a host, nothing after it")
    return tuple(each.lower() for each in given)


class ApiSettings(Section):
    """Who may ask the HTTP API, how often, and what it keeps."""

    trusted_proxies: Annotated[TextList, AfterValidator(networks)] = setting(
        (),
        "proxies whose X-Forwarded-For is believed; of others the connection's own address counts",
        Hint("addresses or networks split by commas", "10.0.0.0/8", env="TRUSTED_PROXIES"),
    )
    cors_origins: Annotated[TextList, AfterValidator(origins)] = setting(
        (),
        "other sites whose pages may read the API in a browser; none unless listed",
        Hint("origins split by commas", "https://example.org", env="CORS_ORIGINS"),
    )
    rate_per_s: float = setting(
        10.0,
        "requests a second that one address may make of the API on average",
        Hint("a number above 0, up to 100000", "10"),
        gt=0,
        le=100_000,
    )
    burst: int = setting(
        60,
        "requests that one address may make of the API at once",
        Hint("a whole number from 1 to 100000", "60"),
        ge=1,
        le=100_000,
    )
    cache_mb: int = setting(
        64,
        "memory for answers of the API that are kept",
        Hint("a whole number from 1 to 4096", "64"),
        ge=1,
        le=4096,
    )
    metrics_token: Secret = setting(
        None,
        "bearer token with which other machines may read /metrics and /ws/stats; empty lets none",
        Hint("at least 16 characters", "(16 characters or more)", env="METRICS_TOKEN"),
        min_length=16,
    )
    log_addresses: bool = setting(
        False,
        "write clients' addresses into the log",
        Hint("0 or 1", "0", env="LOG_ADDRESSES"),
    )
