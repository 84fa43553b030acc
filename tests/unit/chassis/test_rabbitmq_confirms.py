"""What RabbitMQ has confirmed is published, and nothing else is."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pika import BasicProperties, spec
from pika.adapters.asyncio_connection import AsyncioConnection
from pika.channel import Channel

from feira.chassis.transports.amqp_link import AmqpChannel, Refused
from feira.kernel.errors import Unavailable
from tests.eventually import eventually

MESSAGES = [("jars.0", BasicProperties(), b"[1]"), ("jars.1", BasicProperties(), b"[2]")]


class Server:
    """A connection and its one channel: it takes what is published, and answers when it is told."""

    is_open = True

    def __init__(self) -> None:
        self.published: list[str] = []
        self._tell: Callable[[Any], None]
        self._return: Callable[..., None]

    def channel(self, on_open_callback: Callable[[Any], None]) -> "Server":
        on_open_callback(self)
        return self

    def add_on_close_callback(self, _call: Any) -> None:
        pass

    add_on_cancel_callback = add_on_close_callback

    def add_on_return_callback(self, call: Callable[..., None]) -> None:
        self._return = call

    def confirm_delivery(self, *, ack_nack_callback: Any, callback: Any) -> None:
        self._tell = ack_nack_callback
        callback(None)

    def basic_publish(self, _exchange: str, queue: str, *_: Any, mandatory: bool) -> None:
        assert mandatory, "RabbitMQ throws away what has no queue"
        self.published.append(queue)

    def answers(self, method: spec.Basic.Ack | spec.Basic.Nack) -> None:
        self._tell(SimpleNamespace(method=method))

    def returns(self, queue: str) -> None:
        self._return(self, SimpleNamespace(routing_key=queue), None, b"")


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
async def publishing(server: Server) -> "asyncio.Task[None]":
    """Two messages under way, which the server has and has not answered."""
    channel = AmqpChannel(timeout_seconds=60)
    await channel.opened(cast("AsyncioConnection", server))
    await channel.confirm()
    task = asyncio.create_task(channel.publish(MESSAGES))

    async def are_there() -> bool:
        return len(server.published) == len(MESSAGES)

    await eventually(are_there)
    return task


async def test_it_is_published_once_all_is_confirmed(
    server: Server, publishing: "asyncio.Task[None]"
) -> None:
    server.answers(spec.Basic.Ack(2))
    await asyncio.wait([publishing], timeout=0.01)
    assert not publishing.done(), "the first was not confirmed"
    server.answers(spec.Basic.Ack(1))
    await publishing


async def test_one_confirmation_may_stand_for_many(
    server: Server, publishing: "asyncio.Task[None]"
) -> None:
    server.answers(spec.Basic.Ack(2, multiple=True))
    await publishing


async def test_what_is_refused_is_not_published(
    server: Server, publishing: "asyncio.Task[None]"
) -> None:
    server.answers(spec.Basic.Ack(1))
    server.answers(spec.Basic.Nack(2))
    with pytest.raises(Unavailable, match="could not store"):
        await publishing


async def test_what_has_no_queue_is_not_published_though_it_is_confirmed(
    server: Server, publishing: "asyncio.Task[None]"
) -> None:
    server.returns("jars.1")
    server.answers(spec.Basic.Ack(2, multiple=True))
    with pytest.raises(Refused, match=r"no queue jars\.1"):
        await publishing


def test_the_fake_has_what_pika_has() -> None:
    for name in ("add_on_return_callback", "confirm_delivery", "basic_publish", "is_open"):
        assert hasattr(Channel, name)
