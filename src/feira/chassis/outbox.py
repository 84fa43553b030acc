"""The outbox: what a transaction announces, packed into envelopes when it is saved.

The envelopes are written in the same transaction as the state they tell of; the relay takes them to
the broker afterwards. One row an envelope, not one an event, keeps the cost of an event in the
database near zero (ADR 0002).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final

import msgspec

from feira.chassis.transports.port import ENVELOPE_EVENTS_MAX, Envelope, partition_of
from feira.chassis.work import Origin
from feira.contracts.cloudevents import CloudEvent, encode_batch
from feira.contracts.message import Message
from feira.kernel.ids import Ids

ENVELOPE_SIZE_BYTES_MAX: Final = 512 * 1024
NO_STORIES: Final[Mapping[str, str]] = MappingProxyType({})


class Outbox:
    """Collects the messages of one transaction of one service.

    `single_event_topics` are packed one event an envelope, for consumers that know no batches.
    """

    def __init__(
        self,
        source: str,
        partitions: int,
        ids: Ids,
        now: datetime,
        single_event_topics: Collection[str] = (),
    ) -> None:
        self._source = source
        self._partitions = partitions
        self._single_event_topics = single_event_topics
        self._ids = ids
        self._now = now
        self._origins: Sequence[Origin] = ()
        self._announced: list[tuple[Message, Origin]] = []

    def speak_for(self, origins: Sequence[Origin]) -> None:
        """The lane says whose commands are being decided: the causes of what is announced next."""
        self._origins = origins

    @property
    def origins(self) -> Sequence[Origin]:
        """Of the commands that are being decided, in their order."""
        return self._origins

    def announce(
        self,
        messages_by_command: Iterable[Iterable[Message]],
        stories: Mapping[str, str] = NO_STORIES,
    ) -> None:
        """Add what each command of the current run leads to: one iterable a command, in order.

        `stories` are the correlation ids, by the messages' key, of what began before its command:
        the answer of another company does not know of which story it is part.
        """
        for origin, messages in zip(self._origins, messages_by_command, strict=True):
            for message in messages:
                story = stories.get(message.key) if stories else None
                told_by = msgspec.structs.replace(origin, correlation_id=story) if story else origin
                self._announced.append((message, told_by))

    def tell(self, messages: Iterable[Message]) -> None:
        """Add messages that follow from the batch as a whole, such as a level after all changes."""
        origin = self._origins[0]
        self._announced.extend((message, origin) for message in messages)

    def envelopes(self) -> list[Envelope]:
        """The announced messages, packed by topic and partition, in the order they were added."""
        events: dict[tuple[str, int], list[CloudEvent]] = {}
        ids = self._ids.uuid7_texts(len(self._announced))
        for event_id, (message, origin) in zip(ids, self._announced, strict=True):
            event = self._event(event_id, message, origin)
            place = (message.TOPIC, partition_of(event.partitionkey, self._partitions))
            events.setdefault(place, []).append(event)
        self._announced = []
        return [
            Envelope(self._ids.uuid7(), topic, partition, body, count)
            for (topic, partition), packed in events.items()
            for body, count in self._bodies(topic, packed)
        ]

    def _bodies(self, topic: str, packed: list[CloudEvent]) -> Iterable[tuple[bytes, int]]:
        if topic in self._single_event_topics:
            return ((encode_batch([event]), 1) for event in packed)
        return _bodies(packed)

    def _event(self, event_id: str, message: Message, origin: Origin) -> CloudEvent:
        key = message.key
        return CloudEvent(
            id=event_id,
            source=self._source,
            type=message.TYPE,
            subject=key,
            time=self._now,
            data=message,
            partitionkey=key,
            correlationid=origin.correlation_id,
            causationid=origin.message_id or msgspec.UNSET,
            traceparent=origin.traceparent or msgspec.UNSET,
        )


def _bodies(events: list[CloudEvent]) -> Iterable[tuple[bytes, int]]:
    """The events as CloudEvents batches within both limits of an envelope, with their counts."""
    body = encode_batch(events)
    small = len(events) <= ENVELOPE_EVENTS_MAX and len(body) <= ENVELOPE_SIZE_BYTES_MAX
    if small or len(events) == 1:
        return ((body, len(events)),)
    middle = len(events) // 2
    return (*_bodies(events[:middle]), *_bodies(events[middle:]))
