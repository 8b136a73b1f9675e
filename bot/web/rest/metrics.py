"""Count what the server does, and answer `/metrics` in the text form of Prometheus.

Labels hold names of routes, parts, exchanges and channels only: nothing of a user, and no address.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector
from prometheus_client import Counter as Counted
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from bot.supervisor import PartHealth
from bot.web.rest.kept import Cache
from bot.web.tally import REASONS, Tally
from bot.web.topics import Kind

BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Measure(NamedTuple):
    """One figure of another part: a counter where its name ends in `_total`, else a gauge."""

    name: str
    about: str
    labels: dict[str, str]
    value: float


Measures = Callable[[], Iterable[Measure]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What is looked at when somebody asks for metrics.

    `connections` are those of the socket, `channels` how many follow each of its channels.
    """

    cache: Cache
    tally: Tally
    connections: Callable[[], int]
    channels: Callable[[], dict[str, int]]
    parts: Callable[[], Sequence[PartHealth]]
    loop_lag_ms: Callable[[], float]
    venues_up: Callable[[], dict[str, bool]]
    more: Measures


class Metrics:
    """Hold the metrics of one server."""

    def __init__(self, watched: Watched) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counted(
            "http_requests", "Requests answered", ("route", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "http_request_duration_seconds",
            "How long requests took",
            ("route",),
            buckets=BUCKETS_S,
            registry=self._registry,
        )
        self._limited = Counted(
            "http_requests_limited", "Requests refused for their rate", registry=self._registry
        )
        self._counted: dict[tuple[str, int], tuple[Counted, Histogram]] = {}
        self._registry.register(_Looked(watched))
        ProcessCollector(registry=self._registry)

    def request(self, route: str, status: int, took_s: float) -> None:
        """Count one request."""
        counted = self._counted.get((route, status))
        if counted is None:
            seconds = self._seconds.labels(route)
            counted = self._counted[route, status] = self._requests.labels(route, str(status)), seconds
        counted[0].inc()
        counted[1].observe(took_s)
        if status == 429:
            self._limited.inc()

    def text(self) -> bytes:
        """Return all metrics as Prometheus reads them."""
        return generate_latest(self._registry)


MEDIA_TYPE = CONTENT_TYPE_LATEST


class _Looked(Collector):
    """Read what other parts count themselves at the moment somebody asks."""

    def __init__(self, watched: Watched) -> None:
        self._watched = watched

    def describe(self) -> Iterable[Metric]:
        """Name nothing beforehand: what there is depends on the parts."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield every family."""
        families: dict[str, Metric] = {}
        for name, about, labels, value in (*self._own(), *self._watched.more()):
            family = families.get(name)
            if family is None:
                kind = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
                family = families[name] = kind(name.removesuffix("_total"), about, labels=list(labels))
            family.add_metric(list(labels.values()), value)  # type: ignore[attr-defined]  # both kinds have it
        yield from families.values()

    def _own(self) -> Iterator[Measure]:
        watched = self._watched
        cache, tally, here = watched.cache, watched.tally, {"cache": "answers"}
        yield Measure("cache_hits_total", "Found in a cache", here, cache.hits + cache.joined)
        yield Measure("cache_misses_total", "Not found in a cache", here, cache.misses)
        asked = cache.hits + cache.joined + cache.misses
        ratio = (cache.hits + cache.joined) / asked if asked else 0.0
        yield Measure("cache_hit_ratio", "Part of what was found, since the start", here, ratio)
        yield Measure("cache_bytes", "Memory of a cache", here, cache.bytes)
        yield Measure("cache_entries", "What a cache holds", here, len(cache))
        yield Measure("ws_active_connections", "Open connections of the stream", {}, watched.connections())
        yield Measure("ws_messages_sent_total", "Messages of the stream sent", {}, tally.sent)
        yield Measure("ws_bytes_sent_total", "Bytes of the stream sent", {}, tally.bytes)
        yield Measure("ws_messages_dropped_total", "Messages that slow clients missed", {}, tally.dropped)
        yield Measure("ws_slow_consumers_total", "Times a client was too slow", {}, tally.slow)
        yield from _stream(watched)
        lag_s = watched.loop_lag_ms() / 1e3
        yield Measure(
            "event_loop_lag_seconds", "How late the loop is, 99th percentile of a minute", {}, lag_s
        )
        for part in watched.parts():
            labels = {"part": part.name}
            yield Measure("part_up", "Whether a part does its work", labels, float(part.well))
            yield Measure("part_restarts_total", "How often a part was restarted", labels, part.restarts)
        for venue, up in watched.venues_up().items():
            yield Measure("venue_up", "Whether an exchange gives data", {"venue": venue}, float(up))


def _stream(watched: Watched) -> Iterator[Measure]:
    """Yield what else is known of the stream."""
    tally = watched.tally
    yield Measure("ws_slow_consumers_closed_total", "Clients closed that stayed too slow", {}, tally.closed)
    yield Measure("ws_connections_total", "Connections of the stream ever opened", {}, tally.opened)
    for reason in REASONS:
        count = tally.refused[reason]
        yield Measure("ws_connections_refused_total", "Connections not let in", {"reason": reason}, count)
    kinds = Counter[str]()
    for channel, followers in watched.channels().items():
        kinds[channel.partition(":")[0]] += followers
    for kind in Kind:
        yield Measure("ws_subscriptions", "Channels that clients follow", {"channel": kind}, kinds[kind])
    yield Measure("ws_messages_received_total", "Messages of clients", {}, tally.heard)
    yield Measure("ws_snapshots_sent_total", "Snapshots of channels sent", {}, tally.snapshots)
    yield Measure("ws_broadcasts_total", "Messages published to all who follow", {}, tally.published)
    about = "Seconds it took to write what was published"
    yield Measure("ws_broadcast_seconds_total", about, {}, tally.spread_s)
