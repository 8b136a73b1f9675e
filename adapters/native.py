"""Reach a venue over our own client and sockets: what the kits of venues with an adapter have in common."""

from collections.abc import Callable, Iterable
from typing import Protocol

from adapters.dedup import Once
from adapters.health import Health
from adapters.instruments import Instruments
from adapters.rest.calls import Site
from adapters.rest.client import RestClient
from adapters.rest.waiting import Backoff, Clock
from adapters.stream.dialect import Channel, Dialect
from adapters.stream.queue import EventQueue
from adapters.stream.reader import VenueStream


class Streams(Protocol):
    """Keep topics of a venue being read: `run` is one piece of supervised work, ended by cancelling it.

    What is said goes into the queue that this was made with; `once` knows what was told before.
    """

    once: Once

    @property
    def topics(self) -> tuple[str, ...]:
        """Return the topics that are wanted and not refused."""

    def subscribe(self, channels: Iterable[Channel]) -> None:
        """Want topics from now on."""

    def unsubscribe(self, topics: Iterable[str]) -> None:
        """Want topics no longer."""

    async def run(self) -> None:
        """Read until cancelled; raise what crashed."""


class Described(Protocol):
    """Be a kit that says where its venue is and how it is spoken to."""

    @property
    def site(self) -> Site:
        """Return what the REST client must know."""

    def dialect(self, instruments: Callable[[], Instruments]) -> Dialect:
        """Return how the venue's streams are spoken to."""


class Native:
    """Make the client and the sockets of a kit that describes its venue."""

    __slots__ = ()

    def client(
        self: Described,
        *,
        clock: Clock | None = None,
        health: Health | None = None,
        backoff: Backoff | None = None,
    ) -> RestClient:
        """Return a client for the venue, not open yet."""
        return RestClient(self.site, clock=clock, health=health, backoff=backoff)

    def stream(
        self: Described,
        instruments: Callable[[], Instruments],
        *,
        clock: Clock,
        health: Health,
        queue: EventQueue,
    ) -> Streams:
        """Return what reads topics, not running yet; `instruments` gives those known now."""
        return VenueStream(self.dialect(instruments), clock=clock, health=health, queue=queue)
