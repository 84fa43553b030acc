"""A connection to RabbitMQ: pika's callbacks as coroutines that end within a time limit.

What fails, for whatever reason, raises `Unavailable`. A connection that was lost stays so; whoever
needs one opens another.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from pika import BasicProperties, URLParameters
from pika.adapters.asyncio_connection import AsyncioConnection
from pika.channel import Channel

from feira.chassis.transports.amqp_settings import AmqpLimits
from feira.kernel.errors import Unavailable

_NOT_FOUND: Final = 404
_LOCKED: Final = 405
_PRECONDITION_FAILED: Final = 406
_INTERNAL_ERROR: Final = 541
_NO_QUEUE: Final = "no queue "
_INACCESSIBLE: Final = "is down or inaccessible"
_NOT_STARTED: Final = "does not have a replica on the local node"

# It logs each lost connection as an error; who calls is told of it, and says what it means.
logging.getLogger("pika").setLevel(logging.CRITICAL)

Arguments = Mapping[str, Any]
OnMessage = Callable[[int, BasicProperties, bytes], None]
"""Called with the delivery's tag."""


class Refused(Unavailable):
    """RabbitMQ has closed the channel, and says why by `code`."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"amqp: {text}")
        self.code = code

    @property
    def is_missing(self) -> bool:
        """Not found is also what is there, and not to be had while its server recovers."""
        return self.code == _NOT_FOUND and _NO_QUEUE in str(self)

    @property
    def is_taken(self) -> bool:
        return self.code == _LOCKED

    @property
    def may_pass(self) -> bool:
        """A stream that was declared a moment ago, or whose server is coming back."""
        not_started = self.code == _PRECONDITION_FAILED and _NOT_STARTED in str(self)
        inaccessible = self.code == _NOT_FOUND and _INACCESSIBLE in str(self)
        return not_started or inaccessible or self.code == _INTERNAL_ERROR


class AmqpChannel:
    """`on_cancel` is called when a queue that is consumed has been deleted."""

    def __init__(self, timeout_seconds: float) -> None:
        self._timeout_seconds = timeout_seconds
        self._loop = asyncio.get_running_loop()
        self._waiting: set[asyncio.Future[Any]] = set()
        self._failure: Unavailable | None = None
        self._channel: Channel | None = None
        self._published = 0
        self._confirmed: dict[int, asyncio.Future[None]] = {}
        self._returned: str | None = None
        self.on_cancel: Callable[[], None] = lambda: None

    @property
    def is_open(self) -> bool:
        return self._failure is None and self._channel is not None and self._channel.is_open

    async def opened(self, connection: AsyncioConnection) -> None:
        future = self._expect()
        self._channel = connection.channel(on_open_callback=lambda _: _settle(future))
        self._channel.add_on_close_callback(self._on_close)
        self._channel.add_on_cancel_callback(lambda _frame: self.on_cancel())
        await self._answer(future)

    async def call(self, method: str, **arguments: Any) -> Any:
        """A method of the channel that RabbitMQ answers. Raises `Unavailable`, or its `Refused`."""
        future = self._expect()
        getattr(self._open_channel(), method)(**arguments, callback=lambda f: _settle(future, f))
        return await self._answer(future)

    async def declare(self, queue: str, arguments: Arguments | None = None, **facts: bool) -> Any:
        frame = await self.call("queue_declare", queue=queue, arguments=arguments, **facts)
        return frame.method

    async def consume(
        self, queue: str, on_message: OnMessage, arguments: Arguments | None = None
    ) -> str:
        """The consumer's tag; messages may come before it is known."""
        future = self._expect()
        tag = self._open_channel().basic_consume(
            queue,
            lambda _c, delivery, properties, body: on_message(
                delivery.delivery_tag or 0, properties, body
            ),
            arguments=dict(arguments or {}),
            callback=lambda frame: _settle(future, frame),
        )
        await self._answer(future)
        return str(tag)

    def cancel(self, consumer_tag: str) -> None:
        if self.is_open:
            self._open_channel().basic_cancel(consumer_tag)

    def acknowledge(self, delivery_tag: int, *, multiple: bool = False) -> None:
        if self.is_open:
            self._open_channel().basic_ack(delivery_tag, multiple=multiple)

    def give_back(self, delivery_tag: int) -> None:
        if self.is_open:
            self._open_channel().basic_nack(delivery_tag, requeue=True)

    def close(self) -> None:
        if self.is_open:
            self._open_channel().close()

    # --- publishing ------------------------------------------------------------------------------

    async def confirm(self) -> None:
        """Have publishings confirmed; once, before the first."""
        self._open_channel().add_on_return_callback(self._on_return)
        await self.call("confirm_delivery", ack_nack_callback=self._on_confirmed)

    async def publish(self, messages: Sequence[tuple[str, BasicProperties, bytes]]) -> None:
        """Put messages into queues; one caller at a time. Returns when all are stored, raises
        `Unavailable` when that is unknown, or a queue is missing.
        """
        channel = self._open_channel()
        self._returned = None
        futures = []
        for queue, properties, body in messages:
            channel.basic_publish("", queue, body, properties, mandatory=True)
            self._published += 1
            future = self._confirmed[self._published] = self._expect()
            futures.append(future)
        for future in futures:
            await self._answer(future)
        if self._returned is not None:
            raise Refused(_NOT_FOUND, f"no queue {self._returned}")

    def _on_confirmed(self, frame: Any) -> None:
        method = frame.method
        last: int = method.delivery_tag
        tags = [tag for tag in self._confirmed if tag <= last] if method.multiple else [last]
        for tag in tags:
            future = self._confirmed.pop(tag, None)
            if future is not None and method.NAME == "Basic.Ack":
                _settle(future)
            elif future is not None and not future.done():
                future.set_exception(Unavailable("amqp: RabbitMQ could not store a message"))

    def _on_return(self, _channel: Any, method: Any, _properties: Any, _body: bytes) -> None:
        self._returned = str(method.routing_key)

    # --- waiting ---------------------------------------------------------------------------------

    def _open_channel(self) -> Channel:
        if self._failure is not None:
            raise self._failure
        if self._channel is None or not self._channel.is_open:
            raise Unavailable("amqp: the channel is closed")
        return self._channel

    def _expect(self) -> "asyncio.Future[Any]":
        future: asyncio.Future[Any] = self._loop.create_future()
        self._waiting.add(future)
        return future

    async def _answer(self, future: "asyncio.Future[Any]") -> Any:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await future
        except TimeoutError as error:
            raise Unavailable("amqp: no answer in time") from error
        finally:
            self._waiting.discard(future)

    def _on_close(self, _channel: Any, reason: BaseException) -> None:
        code = getattr(reason, "reply_code", 0)
        text = getattr(reason, "reply_text", "") or str(reason)
        self._failure = Refused(code, text) if code else Unavailable(f"amqp: {text}")
        waiting, self._waiting = self._waiting, set()
        for future in waiting:
            if not future.done():
                future.set_exception(self._failure)
                future.exception()  # whoever waited may be gone
        self._confirmed.clear()
        self.on_cancel()


class AmqpLink:
    """One connection with its channels. Heartbeats tell both sides when the other is gone."""

    def __init__(self, url: str, limits: AmqpLimits, name: str) -> None:
        self._url = url
        self._limits = limits
        self._name = name
        self._connection: AsyncioConnection | None = None

    @property
    def is_open(self) -> bool:
        return self._connection is not None and self._connection.is_open

    async def open(self) -> None:
        """Raises `Unavailable`."""
        parameters = URLParameters(self._url)
        parameters.heartbeat = max(1, round(self._limits.lease_ttl_seconds))
        parameters.client_properties = {"connection_name": self._name}
        parameters.connection_attempts = 1
        parameters.socket_timeout = self._limits.command_timeout_seconds
        parameters.stack_timeout = self._limits.command_timeout_seconds
        parameters.blocked_connection_timeout = self._limits.command_timeout_seconds
        loop = asyncio.get_running_loop()
        opened: asyncio.Future[None] = loop.create_future()
        connection = AsyncioConnection(
            parameters,
            on_open_callback=lambda _: _settle(opened),
            on_open_error_callback=lambda _, error: _fail(opened, error),
            on_close_callback=lambda _, error: _fail(opened, error),
            custom_ioloop=loop,
        )
        try:
            async with asyncio.timeout(self._limits.command_timeout_seconds * 2):
                await opened
        except TimeoutError as error:
            raise Unavailable("amqp: no connection in time") from error
        self._connection = connection

    async def channel(self) -> AmqpChannel:
        if self._connection is None or not self._connection.is_open:
            raise Unavailable("amqp: the connection is closed")
        channel = AmqpChannel(self._limits.command_timeout_seconds)
        await channel.opened(self._connection)
        return channel

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None or connection.is_closed:
            return
        closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        connection.add_on_close_callback(lambda _, _error: _settle(closed))
        if not connection.is_closing:
            connection.close()
        try:
            async with asyncio.timeout(self._limits.command_timeout_seconds):
                await closed
        except TimeoutError:
            return  # heartbeats tell the server


def _settle(future: "asyncio.Future[Any]", result: Any = None) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: "asyncio.Future[Any]", error: BaseException) -> None:
    if not future.done():
        future.set_exception(Unavailable(f"amqp: no connection: {error!r}"))
