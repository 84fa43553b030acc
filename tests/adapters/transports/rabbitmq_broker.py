"""RabbitMQ as the behavioural suite sees it."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import timedelta
from uuid import UUID

from feira.chassis.transports.amqp import AmqpTransport
from feira.chassis.transports.amqp_link import AmqpLink
from feira.chassis.transports.amqp_settings import read_amqp_url
from feira.chassis.transports.opening import open_transport
from feira.chassis.transports.port import Envelope, Transport
from feira.kernel.clock import ManualClock, SystemClock
from feira.kernel.ids import uuid7
from tests.adapters.transports.brokers import PARTITIONS
from tests.adapters.transports.valkey_server import MemberProcess
from tests.broker_node import BrokerNode

# impatient, so that tests are quick
IMPATIENT = (
    "lease_ttl_seconds=1.5&receive_wait_seconds=0.2&command_timeout_seconds=5&settle_seconds=0.2"
)
TOPICS = ("orders.events", "payments.events")
GROUPS = ("billing", "shipping", "saga", "latecomer", "auditor")


class RabbitMqBroker:
    """One node for all tests: each has a namespace of its own in it."""

    def __init__(self, node: BrokerNode) -> None:
        self._node = node
        self.namespace = f"t{uuid7().hex[-12:]}."
        self._transports: list[Transport] = []

    @property
    def url(self) -> str:
        return f"{self._node.url}?namespace={self.namespace}&{IMPATIENT}"

    def open(self, member: str) -> Transport:
        transport = open_transport(self.url, partitions=PARTITIONS, member=member)
        self._transports.append(transport)
        return transport

    async def publish_long_ago(self, envelopes: Sequence[Envelope], seconds: int) -> None:
        server, limits = read_amqp_url(self.url)
        then = ManualClock(SystemClock().now() - timedelta(seconds=seconds))
        transport = AmqpTransport(
            server, limits, partitions=PARTITIONS, member="historian", clock=then
        )
        await transport.publish(envelopes)
        await transport.close()

    async def receive_and_die(self, group: str, topic: str) -> set[UUID]:
        process = MemberProcess(self.url, group, topic)
        try:
            return {UUID(text) for text in await process.received_ids()}
        finally:
            process.kill()

    async def kill(self) -> None:
        """An orderly end: after kill -9 its streams take a while to come back (ADR 0013)."""
        await self._node.stop()

    async def start(self) -> None:
        await self._node.start()

    async def wipe(self) -> None:
        """All queues and streams of the namespace are deleted under those who use them."""
        await self._delete(self._queues())

    async def lose(self, topic: str) -> None:
        """The streams of one topic are deleted."""
        await self._delete(name for name in self._queues() if name.startswith(topic))

    async def _delete(self, queues: Iterable[str]) -> None:
        server, limits = read_amqp_url(f"{self._node.url}?command_timeout_seconds=30")
        link = AmqpLink(server, limits, "wiper")
        await link.open()
        channel = await link.channel()
        for name in queues:
            await channel.call("queue_delete", queue=f"{self.namespace}{name}")
        await link.close()

    def _queues(self) -> list[str]:
        streams = [f"{topic}.{p}" for topic in TOPICS for p in range(PARTITIONS)]
        cursors = [f"{group}.cursor.{stream}" for group in GROUPS for stream in streams]
        return ["feira.ledger", *streams, *cursors, *(f"{group}.roster" for group in GROUPS)]

    async def close(self) -> None:
        await asyncio.gather(*(transport.close() for transport in self._transports))
        await self._node.start()  # a test may have left it dead
        await self.wipe()
