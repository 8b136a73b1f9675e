"""Let whoever waits for a piece of database work give it up."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from engine.errors import StorageError


class Abandoned(StorageError):
    """Say that nobody waits for this work any more; nothing was written by it."""


class Ticket:
    """Tie one piece of work in a thread to the one who waits for it. Safe in any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._interrupt: Callable[[], None] | None = None
        self._abandoned = False

    def abandon(self) -> None:
        """Stop the statement that runs, if any; `check` raises from now on."""
        with self._lock:
            self._abandoned = True
            if self._interrupt is not None:
                self._interrupt()

    @contextmanager
    def working(self, interrupt: Callable[[], None] | None) -> Iterator[None]:
        """Do work that `interrupt` can stop; raise Abandoned where nobody waits for it any more."""
        with self._lock:
            self.check()
            self._interrupt = interrupt
        try:
            yield
            self.check()
        finally:
            with self._lock:
                self._interrupt = None

    def check(self) -> None:
        """Raise where nobody waits any more."""
        if self._abandoned:
            raise Abandoned("The store did not answer in time; nothing was written.")
