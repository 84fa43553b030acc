"""Publishing to Kafka: an idempotent producer that is thrown away when anything goes wrong.

So nothing of a failed publishing is sent behind the caller's back later, but for what is already on
its way: that may stand in the topic twice, and the inbox knows it.
"""

from collections.abc import Collection, Sequence

from confluent_kafka import KafkaException, Producer

from feira.chassis.transports import wire
from feira.chassis.transports.kafka_sending import Deliveries
from feira.chassis.transports.kafka_settings import KafkaAddress, KafkaLimits
from feira.chassis.transports.kafka_topics import KafkaTopics, unavailable
from feira.chassis.transports.port import Envelope
from feira.kernel.errors import Unavailable


class KafkaPublisher:
    """Its calls block, and are made from one thread at a time (see `KafkaTransport`)."""

    def __init__(
        self,
        address: KafkaAddress,
        limits: KafkaLimits,
        topics: KafkaTopics,
        single_event_topics: Collection[str] = (),
    ) -> None:
        self._address = address
        self._single_event_topics = single_event_topics
        self._limits = limits
        self._topics = topics
        self._producer: Producer | None = None

    def publish(self, envelopes: Sequence[Envelope]) -> None:
        """Returns when all in-sync replicas have them. Raises `Unavailable`."""
        self._topics.ensure({envelope.topic for envelope in envelopes})
        try:
            self._publish(envelopes)
        except (KafkaException, BufferError, Unavailable) as error:
            self._topics.doubt()
            self.close()
            if isinstance(error, Unavailable):
                raise
            raise unavailable(error) from error

    def _publish(self, envelopes: Sequence[Envelope]) -> None:
        producer, sent = self._open(), Deliveries()
        for envelope in envelopes:
            packed = wire.packed(envelope, self._single_event_topics)
            producer.produce(
                self._topics.name_of(envelope.topic),
                key=packed.key,
                value=packed.body,
                partition=envelope.partition,
                headers=[
                    (wire.CONTENT_TYPE_HEADER, packed.content_type.encode()),
                    (wire.ENVELOPE_ID_HEADER, str(envelope.id).encode()),
                    *((f"ce_{name}", text.encode()) for name, text in packed.attributes.items()),
                ],
                on_delivery=sent.note,
            )
        sent.complete(producer, self._limits.command_timeout_seconds * 2)

    def _open(self) -> Producer:
        if self._producer is None:
            self._producer = Producer(
                {
                    **self._address.configuration(),
                    "acks": "all",
                    "enable.idempotence": True,
                    "linger.ms": 0,
                    "compression.type": "lz4",
                    "message.max.bytes": self._limits.envelope_bytes_max,
                    "message.timeout.ms": round(self._limits.command_timeout_seconds * 1000),
                    "queue.buffering.max.kbytes": 64 * 1024,
                }
            )
        return self._producer

    def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.purge()
