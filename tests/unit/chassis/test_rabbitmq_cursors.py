"""A member of a group on RabbitMQ and its cursors: the furthest of its own epoch counts."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pika import BasicProperties

from feira.chassis.transports import amqp_group
from feira.chassis.transports.amqp_group import AmqpGroupSubscription
from feira.chassis.transports.amqp_link import OnMessage
from feira.chassis.transports.amqp_settings import AmqpLimits
from feira.chassis.transports.amqp_streams import OFFSET_HEADER, AmqpStreams
from feira.chassis.transports.port import Delivery

STREAM = "jars.0"
CURSOR = "billing.cursor.jars.0"
ENVELOPES = 4


class RabbitMq:
    """One stream, one cursor's queue, one member. It is the channels of all links in one."""

    is_open = True

    def __init__(self) -> None:
        self.cursors: list[bytes] = []
        """In the queue, and with nobody."""
        self.readers: dict[str, tuple[OnMessage, int]] = {}
        """Of the stream, each with where it began."""
        self._consumers: dict[str, OnMessage] = {}
        self._tags = 0
        self.on_cancel: Callable[[], None] = lambda: None

    async def confirm(self) -> None: ...

    async def call(self, _method: str, **_arguments: Any) -> None: ...

    async def declare(self, *_arguments: Any, **_facts: bool) -> Any:
        return SimpleNamespace(consumer_count=1)

    async def consume(
        self, queue: str, on_message: OnMessage, arguments: Mapping[str, Any] | None = None
    ) -> str:
        tag = f"consumer {self._next_tag()}"
        if queue == STREAM:
            begins = (arguments or {})["x-stream-offset"]
            self.readers[tag] = (on_message, 0 if begins == "first" else begins)
            self.bring(tag)
        else:
            self._consumers[queue] = on_message
            self._loop().call_soon(self._hand_out)
        return tag

    async def publish(self, messages: Sequence[tuple[str, BasicProperties, bytes]]) -> None:
        for queue, _properties, body in messages:
            assert queue == CURSOR
            self.cursors.append(body)
            self._loop().call_soon(self._hand_out)

    def bring(self, reader: str) -> None:
        """The stream, from where a reader began."""
        on_message, begins = self.readers[reader]
        for offset in range(begins, ENVELOPES):
            properties = BasicProperties(headers={OFFSET_HEADER: offset})
            on_message(self._next_tag(), properties, b"[]")

    def cancel(self, _consumer_tag: str) -> None: ...

    def acknowledge(self, _delivery_tag: int) -> None: ...

    def close(self) -> None: ...

    def _hand_out(self) -> None:
        if CURSOR in self._consumers:
            bodies, self.cursors = self.cursors, []
            for body in bodies:
                self._consumers[CURSOR](self._next_tag(), BasicProperties(), body)

    def _loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    def _next_tag(self) -> int:
        self._tags += 1
        return self._tags


class Link:
    """As the real one does, it tells its channels that they are closed."""

    is_open = True

    def __init__(self, server: RabbitMq) -> None:
        self._server = server

    async def open(self) -> None: ...

    async def channel(self) -> RabbitMq:
        return self._server

    async def close(self) -> None:
        self._server.on_cancel()


class Streams:
    """Streams that are all there."""

    async def epoch(self) -> str:
        return "now"

    async def ensure(self, _topics: Any) -> None: ...

    def doubt(self) -> None: ...

    def stream_of(self, topic: str, partition: int) -> str:
        return f"{topic}.{partition}"


@pytest.fixture
def rabbitmq(monkeypatch: pytest.MonkeyPatch) -> RabbitMq:
    server = RabbitMq()
    monkeypatch.setattr(amqp_group, "AmqpLink", lambda *_: Link(server))
    return server


@pytest.fixture
async def member(rabbitmq: RabbitMq) -> AsyncIterator[AmqpGroupSubscription]:
    member = AmqpGroupSubscription(
        group="billing",
        topics=["jars"],
        member="m",
        partitions=1,
        url="amqp://127.0.0.1:1/%2F",
        limits=AmqpLimits(settle_seconds=60),
        streams=cast("AmqpStreams", Streams()),
    )
    yield member
    await member.close()


def offsets(deliveries: Sequence[Delivery]) -> list[int]:
    return [int(delivery.position.removeprefix("now ")) for delivery in deliveries]


@pytest.mark.parametrize(
    ("found", "read"),
    [
        ([], [0, 1, 2, 3]),
        ([b"now 2"], [2, 3]),
        ([b"before 2"], [0, 1, 2, 3]),  # the stream was lost and made anew since
        ([b"nonsense"], [0, 1, 2, 3]),
        ([b"now 3", b"now 1"], [3]),
    ],
)
async def test_reading_begins_at_the_furthest_cursor(
    rabbitmq: RabbitMq, member: AmqpGroupSubscription, found: list[bytes], read: list[int]
) -> None:
    """Though who joins brings an empty one, which comes last."""
    rabbitmq.cursors = found
    assert offsets(await member.receive()) == read
    await member.rewind()
    assert offsets(await member.receive()) == read


async def test_after_a_rewind_an_earlier_reading_brings_nothing(
    rabbitmq: RabbitMq, member: AmqpGroupSubscription
) -> None:
    received = await member.receive()
    await member.acknowledge(received[:2])
    await member.rewind()
    assert offsets(await member.receive()) == [2, 3]
    earlier, latest = rabbitmq.readers
    rabbitmq.bring(earlier)  # it was under way when reading began anew
    rabbitmq.bring(latest)
    assert offsets(await member.receive()) == [2, 3]


async def test_an_acknowledgement_from_another_epoch_moves_nothing(
    member: AmqpGroupSubscription,
) -> None:
    received = await member.receive()
    await member.acknowledge([replace(each, position="before 2") for each in received])
    await member.rewind()
    assert offsets(await member.receive()) == [0, 1, 2, 3]


async def test_a_member_that_lost_a_queue_joins_anew_once(
    rabbitmq: RabbitMq, member: AmqpGroupSubscription
) -> None:
    """The link that it leaves breaks, too, when it is closed: that is no reason to leave again."""
    await member.receive()
    rabbitmq.on_cancel()
    assert offsets(await member.receive()) == [0, 1, 2, 3]
    readers = len(rabbitmq.readers)
    assert await member.receive() == []
    assert len(rabbitmq.readers) == readers
