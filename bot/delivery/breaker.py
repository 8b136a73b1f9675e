"""Stop calling a host that fails again and again, and find out with one call when it is back.

Many users may share a host, and each has an endpoint of their own there. So two things are counted: what
fails for one user, which closes the host to that user alone; and what fails in a row for several, which
closes it to all. Time comes in as seconds of any steady clock.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from bot.lang import N_
from engine.errors import DeliveryError, Retryable

KEPT_HOSTS = 10_000
"""How many hosts with failures are remembered; the one unused for longest is forgotten first."""
SEVERAL = 3
"""For how many users a host must have failed in a row before it counts as down for everybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shut:
    """A host that is not called for `left_s` more seconds, by anybody or (`alone`) for one user, and why."""

    host: str
    left_s: float
    why: str
    alone: bool


@dataclass(slots=True)
class _Host:
    """What is known about one host that failed lately, for everybody or for one user."""

    failures: int = 0
    open_until_s: float = 0.0
    opened: int = 0
    probing: bool = False
    users: set[str] = field(default_factory=set)
    why: str = ""


_Key = tuple[str, str]
"""A host, and the user for whom it is counted; nobody's name for all."""
ALL = ""


class Breakers:
    """One circuit breaker a host, and one for each user of it.

    Each is closed, open after `failures` in a row, half open for one call at a time. That of the host opens
    only where several users had those failures. A breaker stays open for `first_s`, and twice as long each
    time the call that looks fails as well, up to `longest_s`.
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
        self._hosts: OrderedDict[_Key, _Host] = OrderedDict()

    def __len__(self) -> int:
        return len(self._hosts)

    def shut(self) -> list[Shut]:
        """Return what is left alone now."""
        now_s = self._clock_s()
        return [
            Shut(host=host, left_s=entry.open_until_s - now_s, why=entry.why, alone=user != ALL)
            for (host, user), entry in self._hosts.items()
            if entry.open_until_s > now_s
        ]

    @contextmanager
    def through(self, host: str, user: str = ALL) -> Iterator[None]:
        """Call a user's endpoint at a host in the block. Raise Retryable at once where it is not to be
        called.

        A block that ends without error, or with one that the host itself answered with (it is full, it
        refuses), shows that the host is there. No answer, a cut connection and a server's own error do not:
        raise `Unwell`, TimeoutError or ConnectionError. `Barred` opens the host's breaker at once. Without a
        user the failures are the host's own.
        """
        keys = list(dict.fromkeys([(host, user), (host, ALL)]))
        probes = self._enter(keys)
        try:
            yield
        except (Unwell, TimeoutError, ConnectionError, asyncio.CancelledError) as error:
            why = error.reason if isinstance(error, Unwell) else "no answer"
            for key in keys:
                self._failed(key, user, why, probes=key in probes)
            raise
        except Barred as error:
            self._let_go(probes)
            self._shut((host, ALL), error.retry_after_s or self._first_s, error.reason)
            raise
        except DeliveryError:
            self._well(keys)
            raise
        except BaseException:
            self._let_go(probes)
            raise
        else:
            self._well(keys)

    def _enter(self, keys: Sequence[_Key]) -> set[_Key]:
        """Let a call through; return the breakers for which it is the one that looks."""
        waits = [self._wait_s(key) for key in keys]
        if any(wait_s > 0 for wait_s in waits):
            raise Retryable(AGAIN, retry_after_s=max(waits))
        half_open = {key for key in keys if self._is_open(key)}
        for key in half_open:
            self._hosts[key].probing = True
        return half_open

    def _is_open(self, key: _Key) -> bool:
        """Say whether a breaker is open, or half open."""
        entry = self._hosts.get(key)
        return entry is not None and entry.opened > 0

    def _wait_s(self, key: _Key) -> float:
        """Return how long a breaker lets nothing through; 0 where it lets a call through now."""
        if not self._is_open(key):
            return 0.0
        entry = self._hosts[key]
        left_s = entry.open_until_s - self._clock_s()
        return left_s if left_s > 0 else self._first_s if entry.probing else 0.0

    def _well(self, keys: Sequence[_Key]) -> None:
        """Forget what failed before."""
        for key in keys:
            self._hosts.pop(key, None)

    def _shut(self, key: _Key, for_s: float, why: str) -> None:
        """Call a host no more for a while; one call then looks whether it takes us again."""
        entry = self._entry(key)
        entry.opened = max(entry.opened, 1)
        entry.open_until_s = max(entry.open_until_s, self._clock_s() + for_s)
        entry.probing, entry.why = False, why

    def _let_go(self, keys: Iterable[_Key]) -> None:
        """End a call that says nothing about the host."""
        for key in keys:
            if (entry := self._hosts.get(key)) is not None:
                entry.probing = False

    def _failed(self, key: _Key, user: str, why: str, *, probes: bool) -> None:
        """Count a failure; calls that were under way when the breaker opened do not open it again."""
        entry = self._entry(key)
        was_open = entry.opened > 0
        entry.failures += 1
        entry.why = why
        if len(entry.users) < SEVERAL:
            entry.users.add(user)
        if probes:
            entry.probing = False
        if self._enough(key, entry) and (probes or not was_open):
            wait_s = min(self._longest_s, self._first_s * 2.0 ** min(entry.opened, 30))
            entry.open_until_s = self._clock_s() + wait_s
            entry.opened += 1

    def _enough(self, key: _Key, entry: _Host) -> bool:
        """Say whether there were failures enough: for all, of several users, or of nobody in particular."""
        host_wide = key[1] == ALL and ALL not in entry.users
        return entry.failures >= self._limit and (not host_wide or len(entry.users) >= SEVERAL)

    def _entry(self, key: _Key) -> _Host:
        entry = self._hosts.setdefault(key, _Host())
        self._hosts.move_to_end(key)
        if len(self._hosts) > KEPT_HOSTS:
            self._hosts.popitem(last=False)
        return entry


AGAIN = N_("it has failed too often just now; it is tried again soon")


class Unwell(Retryable):
    """Say that a host is in trouble itself: it cannot be reached, or answers with a server's error."""


class Barred(Retryable):
    """Say that a host does not accept who we are, so that nothing can be sent there for `retry_after_s`."""
