"""Brokers as the behavioural suite sees them: it can also break what it tests."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID

from feira.chassis.transports.opening import open_transport
from feira.chassis.transports.port import Envelope, Transport
from feira.chassis.transports.simulated import SimulatedBroker
from feira.kernel.clock import ManualClock
from tests.adapters.transports.valkey_server import MemberProcess, ValkeyServer

PARTITIONS = 4


class Broker(Protocol):
    def open(self, member: str) -> Transport: ...

    async def publish_long_ago(self, envelopes: Sequence[Envelope], seconds: int) -> None:
        """As if they had been published so many seconds before now."""
        ...

    async def receive_and_die(self, group: str, topic: str) -> set[UUID]:
        """A member that receives, and whose process dies before it acknowledges."""
        ...

    async def kill(self) -> None:
        """The broker dies, with no goodbye."""
        ...

    async def start(self) -> None: ...

    async def wipe(self) -> None:
        """It loses its data and goes on."""
        ...

    async def close(self) -> None: ...


class ValkeyBroker:
    def __init__(self, server: ValkeyServer) -> None:
        self._server = server
        self._transports: list[Transport] = []

    def open(self, member: str) -> Transport:
        transport = open_transport(self._server.url(), partitions=PARTITIONS, member=member)
        self._transports.append(transport)
        return transport

    async def publish_long_ago(self, envelopes: Sequence[Envelope], seconds: int) -> None:
        milliseconds = await self._server.now_ms() - seconds * 1000
        for envelope in envelopes:
            key = f"feira:{envelope.topic}:{envelope.partition}"
            fields = ("id", envelope.id.bytes, "body", envelope.body)
            await self._server.command("XADD", key, f"{milliseconds}-*", *fields)

    async def receive_and_die(self, group: str, topic: str) -> set[UUID]:
        process = MemberProcess(self._server.url(), group, topic)
        try:
            return {UUID(text) for text in await process.received_ids()}
        finally:
            process.kill()

    async def kill(self) -> None:
        self._server.kill()

    async def start(self) -> None:
        await self._server.start()

    async def wipe(self) -> None:
        await self._server.wipe()

    async def close(self) -> None:
        for transport in self._transports:
            await transport.close()
        self._server.kill()


class HonestSimulatedBroker:
    """The simulated broker with no faults: it must then do what the others do."""

    def __init__(self) -> None:
        self._clock = ManualClock(datetime(2025, 11, 28, tzinfo=UTC))
        self._broker = SimulatedBroker(seed=7, clock=self._clock)

    def open(self, member: str) -> Transport:
        return self._broker.transport(partitions=PARTITIONS, member=member)

    async def publish_long_ago(self, envelopes: Sequence[Envelope], seconds: int) -> None:
        await self.open("historian").publish(envelopes)
        self._clock.advance(timedelta(seconds=seconds))

    async def receive_and_die(self, group: str, topic: str) -> set[UUID]:
        subscription = await self.open("silent").subscribe(group, [topic])
        received = {delivery.envelope.id for delivery in await subscription.receive()}
        self._broker.kill("silent")
        return received

    async def kill(self) -> None:
        self._broker.stop()

    async def start(self) -> None:
        self._broker.start()

    async def wipe(self) -> None:
        self._broker.wipe()

    async def close(self) -> None:
        """Nothing outlives the test."""
