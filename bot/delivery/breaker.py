"""Stop calling a host that fails again and again, and find out with one call when it is back.

Time comes in as seconds of any steady clock.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from engine.errors import DeliveryError, Retryable

KEPT_HOSTS = 10_000
"""How many hosts with failures are remembered; the one unused for longest is forgotten first."""


@dataclass(slots=True)
class _Host:
    """What is known about one host that failed lately."""

    failures: int = 0
    open_until_s: float = 0.0
    opened: int = 0
    probing: bool = False


class Breakers:
    """One circuit breaker a host: closed, open after `failures` in a row, half open for one call at a time.

    It stays open for `first_s`, and twice as long each time the call that looks fails as well, up to
    `longest_s`.
    """

    def __init__(
        self,
        *,
        failures: int = 5,
        first_s: float = 15.0,
        longest_s: float = 300.0,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = failures
        self._first_s = first_s
        self._longest_s = longest_s
        self._clock_s = clock_s
        self._hosts: OrderedDict[str, _Host] = OrderedDict()

    def __len__(self) -> int:
        return len(self._hosts)

    @contextmanager
    def through(self, host: str) -> Iterator[None]:
        """Call a host in the block. Raise Retryable at once where it is not to be called now.

        A block that ends without error, or with one that the host itself answered with (it is full, it
        refuses), shows that the host is there. No answer, a cut connection and a server's own error do not:
        raise `Unwell`, TimeoutError or ConnectionError. `Barred` opens the breaker at once.
        """
        probes = self._enter(host)
        try:
            yield
        except (Unwell, TimeoutError, ConnectionError, asyncio.CancelledError):
            self._failed(host, probes=probes)
            raise
        except Barred as error:
            self._shut(host, error.retry_after_s or self._first_s)
            raise
        except DeliveryError:
            self._hosts.pop(host, None)
            raise
        except BaseException:
            self._let_go(host, probes=probes)
            raise
        else:
            self._hosts.pop(host, None)

    def _enter(self, host: str) -> bool:
        """Let a call through; say whether it is the one that looks whether the host is back."""
        entry = self._hosts.get(host)
        if entry is None or entry.failures < self._limit:
            return False
        left_s = entry.open_until_s - self._clock_s()
        if left_s > 0 or entry.probing:
            wait_s = left_s if left_s > 0 else self._first_s
            raise Retryable("it has failed too often just now; it is tried again soon", retry_after_s=wait_s)
        entry.probing = True
        return True

    def _shut(self, host: str, for_s: float) -> None:
        """Call a host no more for a while; one call then looks whether it takes us again."""
        entry = self._entry(host)
        entry.failures = max(entry.failures, self._limit)
        entry.open_until_s = max(entry.open_until_s, self._clock_s() + for_s)
        entry.probing = False

    def _let_go(self, host: str, *, probes: bool) -> None:
        """End a call that says nothing about the host."""
        entry = self._hosts.get(host)
        if entry is not None and probes:
            entry.probing = False

    def _failed(self, host: str, *, probes: bool) -> None:
        """Count a failure; calls that were under way when the breaker opened do not open it again."""
        entry = self._entry(host)
        was_open = entry.failures >= self._limit
        entry.failures += 1
        if probes:
            entry.probing = False
        if entry.failures >= self._limit and (probes or not was_open):
            wait_s = min(self._longest_s, self._first_s * 2.0 ** min(entry.opened, 30))
            entry.open_until_s = self._clock_s() + wait_s
            entry.opened += 1

    def _entry(self, host: str) -> _Host:
        entry = self._hosts.setdefault(host, _Host())
        self._hosts.move_to_end(host)
        if len(self._hosts) > KEPT_HOSTS:
            self._hosts.popitem(last=False)
        return entry


class Unwell(Retryable):
    """Say that a host is in trouble itself: it cannot be reached, or answers with a server's error."""


class Barred(Retryable):
    """Say that a host does not accept who we are, so that nothing can be sent there for `retry_after_s`."""
