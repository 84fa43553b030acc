"""RabbitMQ refuses for a while: a stream that was declared a moment ago is not started yet."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeAlias

import pytest
from pika import BasicProperties

from feira.chassis.transports import amqp, amqp_broadcast, amqp_group, amqp_patience, amqp_streams
from feira.chassis.transports.amqp import AmqpTransport
from feira.chassis.transports.amqp_link import AmqpChannel, AmqpLink, OnMessage, Refused
from feira.chassis.transports.amqp_settings import AmqpLimits
from feira.chassis.transports.port import Envelope
from feira.kernel.errors import Unavailable
from feira.kernel.ids import uuid7
from tests.eventually import eventually

LIMITS = AmqpLimits(receive_wait_seconds=0.01, settle_seconds=60)
PAUSES_SECONDS = (0.0,) * 5
NOT_STARTED = Refused(406, "queue 'jars.0' does not have a replica on the local node")
INTERNAL = Refused(541, "INTERNAL_ERROR")
MISSING = Refused(404, "NOT_FOUND - no queue 'jars.0' in vhost '/'")
INACCESSIBLE = Refused(
    404, "NOT_FOUND - home node of durable queue 'jars.0' is down or inaccessible"
)

Message: TypeAlias = tuple[BasicProperties, bytes]


class Server:
    """Queues and streams are lists; some calls are refused, each as often as is said."""

    def __init__(self) -> None:
        self.queues: dict[str, list[Message]] = {}
        self.readers: dict[str, list[OnMessage]] = defaultdict(list)
        self.refusals: dict[str, list[Refused | None]] = {}
        self.connections = 0
        self.seconds_to_bring = 0.0

    def refuse(self, call: str, queue: str, refusals: Sequence[Refused | None]) -> None:
        """The next calls; `None` grants one."""
        self.refusals[f"{call} {queue}"] = list(refusals)

    def check(self, call: str, queue: str) -> Refused | None:
        due = self.refusals.get(f"{call} {queue}")
        return due.pop(0) if due else None

    def put(self, queue: str, message: Message) -> None:
        self.queues[queue].append(message)
        for reader in self.readers[queue]:
            self.give(queue, len(self.queues[queue]) - 1, reader)

    def give(self, queue: str, offset: int, reader: OnMessage) -> None:
        properties, body = self.queues[queue][offset]
        told = BasicProperties(
            headers={**(properties.headers or {}), "x-stream-offset": offset},
            message_id=properties.message_id,
            content_type=properties.content_type,
        )
        asyncio.get_running_loop().call_later(self.seconds_to_bring, reader, offset, told, body)


class Link:
    """A connection that an internal error closes, as RabbitMQ does."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.is_open = False

    async def open(self) -> None:
        self.server.connections += 1
        self.is_open = True

    async def channel(self) -> "Channel":
        if not self.is_open:
            raise Unavailable("amqp: the connection is closed")
        return Channel(self)

    async def close(self) -> None:
        self.is_open = False


class Channel:
    def __init__(self, link: Link) -> None:
        self._link = link
        self._server = link.server
        self._open = True
        self.on_cancel: Callable[[], None] = lambda: None

    @property
    def is_open(self) -> bool:
        return self._open and self._link.is_open

    async def call(self, method: str, **_arguments: Any) -> None:
        assert method == "basic_qos"

    async def declare(
        self, queue: str, _arguments: Mapping[str, Any] | None = None, **facts: bool
    ) -> Any:
        await self._check("declare", queue)
        if queue not in self._server.queues and facts.get("passive"):
            self._fail(MISSING)
        self._server.queues.setdefault(queue, [])

        class Declared:
            consumer_count = 1

        return Declared()

    async def consume(
        self, queue: str, on_message: OnMessage, arguments: Mapping[str, Any] | None = None
    ) -> str:
        await self._check("consume", queue)
        if (arguments or {}).get("x-stream-offset") != "next":
            for offset in range(len(self._server.queues[queue])):
                self._server.give(queue, offset, on_message)
        self._server.readers[queue].append(on_message)
        return "reader"

    async def confirm(self) -> None:
        pass

    async def publish(self, messages: Sequence[tuple[str, BasicProperties, bytes]]) -> None:
        for queue, properties, body in messages:
            await self._check("publish", queue)
            if queue not in self._server.queues:
                self._fail(MISSING)
            self._server.put(queue, (properties, body))

    def acknowledge(self, _tag: int) -> None:
        pass

    give_back = acknowledge

    def cancel(self, _tag: str) -> None:
        pass

    def close(self) -> None:
        self._open = False

    async def _check(self, call: str, queue: str) -> None:
        assert self.is_open, "nobody uses what is closed"
        await asyncio.sleep(0)  # what was published is brought meanwhile
        refused = self._server.check(call, queue)
        if refused is not None:
            self._fail(refused)

    def _fail(self, refused: Refused) -> None:
        self._open = False
        self._link.is_open = self._link.is_open and refused.code != INTERNAL.code
        self.on_cancel()
        raise refused


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    server = Server()
    for module in (amqp, amqp_streams, amqp_group, amqp_broadcast):
        monkeypatch.setattr(module, "AmqpLink", lambda *_: Link(server))
    monkeypatch.setattr(amqp_patience, "PAUSES_SECONDS", PAUSES_SECONDS)
    return server


def opened() -> AmqpTransport:
    return AmqpTransport("amqp://anywhere", LIMITS, partitions=1, member="member")


def envelope() -> Envelope:
    return Envelope(uuid7(), "jars", 0, b"[]")


async def publish(transport: AmqpTransport) -> None:
    await transport.publish([envelope()])


async def receive(transport: AmqpTransport) -> None:
    subscription = await transport.subscribe("group", ["jars"])
    while not await subscription.receive():
        pass


async def receive_broadcast(transport: AmqpTransport) -> None:
    subscription = await transport.subscribe_broadcast(["jars"], since_seconds=60)
    while not await subscription.receive():
        pass


async def ask_for_the_epoch(transport: AmqpTransport) -> None:
    assert await transport.epoch()


LEDGER, STREAM, CURSOR, ROSTER = "feira.ledger", "jars.0", "group.cursor.jars.0", "group.roster"
REFUSED: list[tuple[Callable[[AmqpTransport], Awaitable[None]], str, str]] = [
    (ask_for_the_epoch, "declare", LEDGER),
    (ask_for_the_epoch, "consume", LEDGER),
    (ask_for_the_epoch, "publish", LEDGER),
    (publish, "consume", LEDGER),
    (publish, "declare", STREAM),
    (publish, "consume", STREAM),
    (publish, "publish", STREAM),
    (receive, "consume", LEDGER),
    (receive, "consume", STREAM),
    (receive, "declare", CURSOR),
    (receive, "consume", CURSOR),
    (receive, "publish", CURSOR),
    (receive, "consume", ROSTER),
    (receive_broadcast, "consume", LEDGER),
    (receive_broadcast, "consume", STREAM),
]
reasons = pytest.mark.parametrize(
    "refused",
    [INTERNAL, NOT_STARTED, INACCESSIBLE],
    ids=["internal", "not started", "inaccessible"],
)
calls = pytest.mark.parametrize(("call", "method", "queue"), REFUSED)


@calls
@reasons
async def test_what_is_refused_for_a_moment_is_tried_again(
    server: Server,
    call: Callable[[AmqpTransport], Awaitable[None]],
    method: str,
    queue: str,
    refused: Refused,
) -> None:
    await prepare(server, call)
    server.refuse(method, queue, [refused] * 3)
    transport = opened()
    async with asyncio.timeout(20):
        await call(transport)
    assert server.check(method, queue) is None, "all refusals were met"
    await transport.close()


@calls
async def test_what_is_refused_for_ever_is_unavailable(
    server: Server,
    call: Callable[[AmqpTransport], Awaitable[None]],
    method: str,
    queue: str,
) -> None:
    await prepare(server, call)
    server.refuse(method, queue, [INTERNAL] * 1000)
    transport = opened()
    async with asyncio.timeout(20):
        with pytest.raises(Unavailable, match="INTERNAL_ERROR"):
            await call(transport)
    assert server.check(method, queue) is INTERNAL
    await transport.close()


async def prepare(server: Server, call: Callable[[AmqpTransport], Awaitable[None]]) -> None:
    """Readers find an envelope; who asks for anything else finds an empty server."""
    if call in (receive, receive_broadcast):
        transport = opened()
        await publish(transport)
        await transport.close()


async def test_a_refusal_that_will_not_pass_is_not_tried_again(server: Server) -> None:
    server.refuse("consume", LEDGER, [Refused(403, "ACCESS_REFUSED"), INTERNAL])
    transport = opened()
    with pytest.raises(Unavailable, match="ACCESS_REFUSED"):
        await transport.epoch()
    assert server.check("consume", LEDGER) is INTERNAL, "it was asked once"
    await transport.close()


async def test_who_has_no_time_left_is_told_at_once(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(amqp_patience, "PAUSES_SECONDS", (3600.0,))
    server.refuse("consume", LEDGER, [INTERNAL])
    transport = opened()
    with pytest.raises(Unavailable, match="INTERNAL_ERROR"):
        await transport.epoch()
    await transport.close()


async def test_a_loss_is_told_even_if_rabbitmq_refuses_in_the_middle_of_it(server: Server) -> None:
    """It is written before the stream is declared anew, so it is not forgotten between the two."""
    transport = opened()
    await publish(transport)
    epoch = await transport.epoch()
    del server.queues[STREAM]
    server.refuse("declare", STREAM, [None, INTERNAL])  # asked if it is there, then declared
    with pytest.raises(Unavailable, match="no queue"):
        await publish(transport)
    await publish(transport)
    assert await transport.epoch() != epoch
    await transport.close()


async def test_a_stream_that_is_not_to_be_had_is_not_taken_for_lost(server: Server) -> None:
    """After kill -9 RabbitMQ finds its streams one after the other."""
    before = opened()
    await publish(before)
    epoch = await before.epoch()
    await before.close()
    server.refuse("declare", STREAM, [INACCESSIBLE] * 1000)
    after = opened()
    with pytest.raises(Unavailable, match="inaccessible"):
        await publish(after)
    assert await after.epoch() == epoch
    server.refuse("declare", STREAM, [])
    await publish(after)
    assert len(server.queues[STREAM]) == 2
    assert await after.epoch() == epoch
    await after.close()


def test_the_fakes_have_what_the_real_ones_have() -> None:
    for fake, real in ((Link, AmqpLink), (Channel, AmqpChannel)):
        assert {name for name in vars(fake) if not name.startswith("_")} <= set(dir(real))


async def test_a_ledger_that_comes_slowly_is_read_to_its_end(server: Server) -> None:
    """Else what it holds would be taken for new, and a loss go unnoticed."""
    first, second = opened(), opened()
    await publish(first)
    epoch = await first.epoch()
    del server.queues["jars.0"]
    server.seconds_to_bring = 0.3
    await publish(second)

    async def is_noticed() -> bool:
        return await first.epoch() != epoch

    await eventually(is_noticed, what="the first has heard of the loss")
