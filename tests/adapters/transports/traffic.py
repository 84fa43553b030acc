"""Envelopes to send, and ways to read them that end for certain."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from feira.chassis.transports.port import Delivery, Envelope, Subscription, Transport
from feira.kernel.errors import Unavailable
from feira.kernel.ids import uuid7
from tests.adapters.transports.brokers import PARTITIONS, Broker
from tests.eventually import eventually

PATIENCE_SECONDS = 60.0
TOPIC = "orders.events"

Result = TypeVar("Result")


def envelope(partition: int = 0, topic: str = TOPIC, body: bytes = b"[]") -> Envelope:
    return Envelope(uuid7(), topic, partition, body)


def one_each(count: int = 1, topic: str = TOPIC, size_bytes: int = 2) -> list[Envelope]:
    """`count` envelopes for each partition."""
    body = b"x" * size_bytes
    return [envelope(p, topic, body) for _ in range(count) for p in range(PARTITIONS)]


def ids(envelopes: Iterable[Envelope]) -> set[UUID]:
    return {envelope.id for envelope in envelopes}


def by_partition(envelopes: Iterable[Envelope]) -> dict[int, list[UUID]]:
    order: dict[int, list[UUID]] = {}
    for each in envelopes:
        order.setdefault(each.partition, []).append(each.id)
    return order


async def receive(
    subscription: Subscription, wanted: set[UUID], *, acknowledge: bool = False
) -> list[Envelope]:
    """Receive until all wanted have come; everything that came, in its order."""
    received: list[Envelope] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not wanted <= ids(received):
            deliveries = await subscription.receive()
            received += [delivery.envelope for delivery in deliveries]
            if acknowledge:
                await subscription.acknowledge(deliveries)
    return received


async def receive_deliveries(subscription: Subscription, wanted: set[UUID]) -> list[Delivery]:
    received: list[Delivery] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not wanted <= {delivery.envelope.id for delivery in received}:
            received += await subscription.receive()
    return received


async def receive_nothing(subscription: Subscription, calls: int = 3) -> None:
    for _ in range(calls):
        assert await subscription.receive() == []


async def until_available(call: Callable[[], Awaitable[Result]]) -> Result:
    """Call again as long as the broker does not answer."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                return await call()
            except Unavailable:
                await asyncio.sleep(0.02)


async def wipe(broker: Broker, transport: Transport) -> None:
    """Have the data lost, and wait until it shows: what is published before may still be lost."""
    epoch = await transport.epoch()
    await broker.wipe()

    async def shows() -> bool:
        return await until_available(transport.epoch) != epoch

    await eventually(shows, what="there is another epoch")


class Worker:
    """A group's member at work: receives, notes down, acknowledges."""

    def __init__(self, subscription: Subscription) -> None:
        self.handled: list[Envelope] = []
        self._subscription = subscription
        self._task = asyncio.create_task(self._work())

    async def _work(self) -> None:
        while True:
            deliveries: Sequence[Delivery] = await until_available(self._subscription.receive)
            self.handled += [delivery.envelope for delivery in deliveries]
            await until_available(partial(self._subscription.acknowledge, deliveries))

    async def leave(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])
        await self._subscription.close()


async def until(condition: Callable[[], Any]) -> None:
    """Wait for a condition, boundedly."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110 - a bounded probe
            await asyncio.sleep(0.01)
