"""The port that every broker is plugged into.

A topic has a fixed number of partitions; a key always goes to the same one, and a partition keeps
its order. What is published is an *envelope*: up to 500 events of one partition, as one CloudEvents
batch. Delivery is at least once: a consumer that dies before it acknowledges gets its envelopes
again, in order, and the inbox stops their effects from happening twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID
from zlib import crc32

ENVELOPE_EVENTS_MAX: Final = 500


@dataclass(frozen=True, slots=True)
class Envelope:
    """Events of one partition on their way out. `body` is an encoded CloudEvents batch."""

    id: UUID
    topic: str
    partition: int
    body: bytes
    events: int = 0
    """How many events it holds, as far as its producer tells."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """An envelope as it came in. `position` is the broker's own mark of it in its partition."""

    envelope: Envelope
    position: str


def partition_of(key: str, partitions: int) -> int:
    """The partition of a key: stable across processes, versions and languages (CRC-32)."""
    return crc32(key.encode()) % partitions if partitions > 1 else 0


class Subscription(Protocol):
    """One member of a consumer group. A partition belongs to one member at a time."""

    async def receive(self) -> Sequence[Delivery]:
        """The next envelopes of the member's partitions, in order within each.

        Waits up to about a second when there are none, then returns an empty sequence. Raises
        `Unavailable` when the broker does not answer; calling again is safe.
        """
        ...

    async def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """These, and all before them in their partitions, need not come again.

        Acknowledging what was acknowledged, or a partition that has passed to another member, is
        harmless. Raises `Unavailable`.
        """
        ...

    async def rewind(self) -> None:
        """Go back to what was last acknowledged: unacknowledged envelopes come again."""
        ...

    async def lag_envelopes(self) -> int:
        """How many envelopes wait in the member's partitions (capped at 10,000)."""
        ...

    async def close(self) -> None:
        """Leave the group; the others take over the partitions at once."""
        ...


class Transport(Protocol):
    """A broker."""

    @property
    def partitions(self) -> int:
        """How many partitions each topic has."""
        ...

    async def publish(self, envelopes: Sequence[Envelope]) -> None:
        """Durable, in the order given within each partition, when it returns.

        Raises `Unavailable` when that is unknown: publishing the same envelopes again is right.
        """
        ...

    async def subscribe(self, group: str, topics: Sequence[str]) -> Subscription:
        """Join a group. A group that is new starts with the oldest envelope kept."""
        ...

    async def subscribe_broadcast(self, topics: Sequence[str], since_seconds: int) -> Subscription:
        """Every envelope of the topics, for this process alone, from `since_seconds` ago on.

        Acknowledging does nothing; nothing is stored about the subscriber.
        """
        ...

    async def epoch(self) -> str:
        """An id the broker keeps with its data: another one means that it has lost its data.

        Made on the first call. Raises `Unavailable`.
        """
        ...

    async def trim(self) -> None:
        """Drop envelopes that every group has acknowledged (older than the broadcast window).

        A broker that drops them by their age itself (Kafka, RabbitMQ's streams) needs no help.
        """
        ...

    async def close(self) -> None: ...
