"""What Prometheus sees: every metric of the chassis by name, unit and labels.

Base units and `_total` as Prometheus asks; no ids, addresses or other unbounded values as labels.
Each part is given its own children, bound to its service once, so that a hot path only adds.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

EXPOSITION_CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4

SECONDS_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
SIZE_BUCKETS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 350, 500)

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each one

HTTP_REQUESTS: Final = Histogram(
    "feira_http_request_duration_seconds",
    "HTTP requests by route template and status class",
    ("service", "method", "route", "status"),
    buckets=SECONDS_BUCKETS,
)
LANE_QUEUE: Final = Gauge(
    "feira_lane_queue_commands", "Commands that wait for their batch", ("service",)
)
LANE_BATCH: Final = Histogram(
    "feira_lane_batch_commands", "Commands a batch", ("service",), buckets=SIZE_BUCKETS
)
LANE_BATCH_SECONDS: Final = Histogram(
    "feira_lane_batch_duration_seconds",
    "A batch from its first statement to its commit",
    ("service",),
    buckets=SECONDS_BUCKETS,
)
LANE_REFUSALS: Final = Counter(
    "feira_lane_refusals_total", "Commands refused because the queue was full", ("service",)
)
LANE_RETRIES: Final = Counter(
    "feira_lane_retries_total", "Batches tried again after database trouble", ("service",)
)
OUTBOX_AGE: Final = Gauge(
    "feira_outbox_age_seconds", "Age of the oldest event not yet published", ("service",)
)
SLOT_UNCONFIRMED: Final = Gauge(
    "feira_relay_slot_lag_bytes",
    "Of the database's log, not yet confirmed by the broker (FEIRA_RELAY=cdc)",
    ("service",),
)
SLOT_KEPT: Final = Gauge(
    "feira_relay_slot_kept_bytes",
    "Of the database's log, kept for the relay (FEIRA_RELAY=cdc)",
    ("service",),
)
RELAY_ENVELOPES: Final = Counter(
    "feira_relay_published_envelopes_total", "Envelopes that the broker confirmed", ("service",)
)
RELAY_EVENTS: Final = Counter(
    "feira_relay_published_events_total", "Events that the broker confirmed", ("service",)
)
CONSUMER_LAG: Final = Gauge(
    "feira_consumer_lag_envelopes", "Envelopes not yet handled", ("service",)
)
CONSUMED_EVENTS: Final = Counter("feira_consumer_events_total", "Events handled", ("service",))
DEAD_LETTERS: Final = Counter(
    "feira_dead_letters_total", "Messages set aside because they cannot be handled", ("service",)
)
RESTARTS: Final = Counter(
    "feira_restarts_total", "Parts started again after they failed", ("service", "part")
)
OPEN_WORK_AGE: Final = Gauge(
    "feira_open_work_age_seconds", "Age of the oldest unfinished piece", ("service", "kind")
)
OPEN_WORK: Final = Gauge("feira_open_work", "Unfinished pieces", ("service", "kind"))


class LaneMetrics:
    """What a lane tells: `queued(n)`, `batch(commands, seconds)`, `refused()`, `retried()`."""

    __slots__ = ("_batch", "_dead", "_queue", "_refusals", "_retries", "_seconds")

    def __init__(self, service: str) -> None:
        self._queue = LANE_QUEUE.labels(service)
        self._batch = LANE_BATCH.labels(service)
        self._seconds = LANE_BATCH_SECONDS.labels(service)
        self._refusals = LANE_REFUSALS.labels(service)
        self._retries = LANE_RETRIES.labels(service)
        self._dead = DEAD_LETTERS.labels(service)

    @classmethod
    def for_service(cls, service: str) -> "LaneMetrics":
        return cls(service)

    def queued(self, commands: int) -> None:
        """The queue's present depth."""
        self._queue.set(commands)

    def batch(self, commands: int, seconds: float) -> None:
        """A batch was committed."""
        self._batch.observe(commands)
        self._seconds.observe(seconds)

    def refused(self) -> None:
        self._refusals.inc()

    def retried(self) -> None:
        self._retries.inc()

    def dead_lettered(self, messages: int) -> None:
        self._dead.inc(messages)


class RelayMetrics:
    """What a relay tells: `published(envelopes, events)`, `outbox_age(seconds)`, and
    `slot(unconfirmed_bytes, kept_bytes)` where it reads the log."""

    __slots__ = ("_age", "_envelopes", "_events", "_slot_kept", "_slot_unconfirmed")

    def __init__(self, service: str) -> None:
        self._age = OUTBOX_AGE.labels(service)
        self._envelopes = RELAY_ENVELOPES.labels(service)
        self._events = RELAY_EVENTS.labels(service)
        self._slot_unconfirmed = SLOT_UNCONFIRMED.labels(service)
        self._slot_kept = SLOT_KEPT.labels(service)

    @classmethod
    def for_service(cls, service: str) -> "RelayMetrics":
        return cls(service)

    def published(self, envelopes: int, events: int) -> None:
        self._envelopes.inc(envelopes)
        self._events.inc(events)

    def outbox_age(self, seconds: float) -> None:
        """Age of the oldest unpublished event; 0 when there is none."""
        self._age.set(seconds)

    def slot(self, unconfirmed_bytes: int, kept_bytes: int) -> None:
        self._slot_unconfirmed.set(unconfirmed_bytes)
        self._slot_kept.set(kept_bytes)


class ConsumerMetrics:
    """What a consumer tells: `handled(events)`, `lag(envelopes)`."""

    __slots__ = ("_events", "_lag")

    def __init__(self, service: str) -> None:
        self._events = CONSUMED_EVENTS.labels(service)
        self._lag = CONSUMER_LAG.labels(service)

    @classmethod
    def for_service(cls, service: str) -> "ConsumerMetrics":
        return cls(service)

    def handled(self, events: int) -> None:
        self._events.inc(events)

    def lag(self, envelopes: int) -> None:
        self._lag.set(envelopes)


class WorkMetrics:
    """What a service tells of work that takes long: `open_work(kind, count, oldest_seconds)`."""

    __slots__ = ("_service",)

    def __init__(self, service: str) -> None:
        self._service = service

    @classmethod
    def for_service(cls, service: str) -> "WorkMetrics":
        return cls(service)

    def open_work(self, kind: str, count: int, oldest_seconds: float) -> None:
        """Unfinished pieces of a kind (a closed set of names), and the age of the oldest."""
        OPEN_WORK.labels(self._service, kind).set(count)
        OPEN_WORK_AGE.labels(self._service, kind).set(oldest_seconds)

    def restarted(self, part: str) -> None:
        """A part (`relay`, `consumer`: a closed set of names) was started again."""
        RESTARTS.labels(self._service, part).inc()


class HttpMetrics:
    """What the shell tells of each request; children are bound at a route's first request."""

    __slots__ = ("_children", "_service")

    def __init__(self, service: str) -> None:
        self._service = service
        self._children: dict[tuple[str, str, int], Histogram] = {}

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """`route` is a template (a closed set), never a path."""
        key = (method, route, status // 100)
        child = self._children.get(key)
        if child is None:
            child = HTTP_REQUESTS.labels(self._service, method, route, f"{status // 100}xx")
            self._children[key] = child
        child.observe(seconds)


class _OfService(Collector):
    """The samples of one service, and those of the process that have no service."""

    def __init__(self, service: str) -> None:
        self._service = service

    def collect(self) -> Iterable[Metric]:
        for metric in REGISTRY.collect():
            metric.samples = [
                sample
                for sample in metric.samples
                if sample.labels.get("service", self._service) == self._service
            ]
            if metric.samples:
                yield metric


@lru_cache(maxsize=64)
def _registry_of(service: str) -> CollectorRegistry:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_OfService(service))
    return registry


def exposition(service: str) -> bytes:
    """What `/metrics` of a service answers, in Prometheus' text format 0.0.4."""
    return generate_latest(_registry_of(service))
