"""Kafka as the behavioural suite sees it."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from feira.chassis.transports import wire
from feira.chassis.transports.opening import open_transport
from feira.chassis.transports.port import Envelope, Transport
from feira.kernel.clock import SystemClock
from feira.kernel.ids import uuid7
from tests.adapters.transports.brokers import PARTITIONS
from tests.adapters.transports.valkey_server import MemberProcess
from tests.broker_node import BrokerNode

# impatient, so that tests are quick
IMPATIENT = (
    "lease_ttl_seconds=1.5&receive_wait_seconds=0.2&command_timeout_seconds=3"
    "&epoch_age_seconds_max=0.2"
)
ANSWER_SECONDS_MAX = 60.0


class KafkaBroker:
    """One node for all tests: each has a namespace of its own in it."""

    def __init__(self, node: BrokerNode) -> None:
        self._node = node
        self.namespace = f"t{uuid7().hex[-12:]}."
        self._transports: list[Transport] = []

    @property
    def url(self) -> str:
        return f"{self._node.url}?namespace={self.namespace}&{IMPATIENT}"

    @property
    def servers(self) -> dict[str, str | int | float | bool]:
        return {"bootstrap.servers": self._node.url.removeprefix("kafka://")}

    def open(self, member: str) -> Transport:
        transport = open_transport(self.url, partitions=PARTITIONS, member=member)
        self._transports.append(transport)
        return transport

    async def publish_long_ago(self, envelopes: Sequence[Envelope], seconds: int) -> None:
        watcher = await self.open("historian").subscribe_broadcast(
            sorted({envelope.topic for envelope in envelopes}), since_seconds=0
        )
        await watcher.receive()  # which makes the topics
        at_ms = round((SystemClock().now().timestamp() - seconds) * 1000)
        await asyncio.to_thread(self._produce, envelopes, at_ms)

    def _produce(self, envelopes: Sequence[Envelope], at_ms: int) -> None:
        producer = Producer(self.servers)
        for envelope in envelopes:
            producer.produce(
                f"{self.namespace}{envelope.topic}",
                value=envelope.body,
                partition=envelope.partition,
                timestamp=at_ms,
                headers=[(wire.ENVELOPE_ID_HEADER, str(envelope.id).encode())],
            )
        assert producer.flush(ANSWER_SECONDS_MAX) == 0

    async def receive_and_die(self, group: str, topic: str) -> set[UUID]:
        process = MemberProcess(self.url, group, topic)
        try:
            return {UUID(text) for text in await process.received_ids()}
        finally:
            process.kill()

    async def kill(self) -> None:
        await self._node.kill()

    async def start(self) -> None:
        await self._node.start()

    async def wipe(self) -> None:
        """All topics of the namespace are deleted under those who use them."""
        await asyncio.to_thread(self._delete_topics)

    async def lose(self, topic: str) -> None:
        """One topic is deleted."""
        await asyncio.to_thread(self._delete_topics, topic)

    def _delete_topics(self, prefix: str = "") -> None:
        admin = AdminClient(self.servers)
        known = admin.list_topics(timeout=ANSWER_SECONDS_MAX).topics
        ours = [name for name in known if name.startswith(f"{self.namespace}{prefix}")]
        for deleted in admin.delete_topics(ours).values() if ours else ():
            deleted.result(ANSWER_SECONDS_MAX)

    async def close(self) -> None:
        await asyncio.gather(*(transport.close() for transport in self._transports))
        await self._node.start()  # a test may have left it dead
        await asyncio.to_thread(self._delete_topics)
