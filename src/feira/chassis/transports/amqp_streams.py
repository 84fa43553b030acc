"""How envelopes lie in RabbitMQ: a stream a topic partition, and a stream that is the ledger.

A stream keeps its messages until they are too old, and is read from any offset by any number of
readers. What a group, and who of it, has read is in `amqp_group`.
"""

import asyncio
from collections.abc import Iterable
from functools import partial
from typing import Final

from pika import BasicProperties
from pika.delivery_mode import DeliveryMode

from feira.chassis.transports import wire
from feira.chassis.transports.amqp_link import AmqpChannel, AmqpLink, Refused
from feira.chassis.transports.amqp_patience import patiently
from feira.chassis.transports.amqp_settings import AmqpLimits
from feira.chassis.transports.ledger import LEDGER, Ledger, lost, made, position
from feira.chassis.transports.port import Delivery, Envelope
from feira.kernel.clock import Clock
from feira.kernel.errors import Unavailable
from feira.kernel.ids import uuid7

OFFSET_HEADER: Final = "x-stream-offset"
_IDENTITY: Final = b"identity "
_LEDGER_PREFETCH: Final = 100


def properties_of(envelope: Envelope, packed: wire.Packed, clock: Clock) -> BasicProperties:
    return BasicProperties(
        content_type=packed.content_type,
        headers={f"cloudEvents:{name}": text for name, text in packed.attributes.items()} or None,
        message_id=str(envelope.id),
        timestamp=int(clock.now().timestamp()),
        delivery_mode=DeliveryMode.Persistent.value,
    )


def delivery_of(
    topic: str, partition: int, epoch: str, properties: BasicProperties, body: bytes
) -> Delivery:
    offset = offset_of(properties)
    identity = wire.envelope_id(properties.message_id, body, topic, partition, offset)
    headers = properties.headers or {}
    prefixes = ("cloudEvents:", "cloudEvents_")
    whole = wire.whole_body(body, properties.content_type, headers, prefixes)
    return Delivery(Envelope(identity, topic, partition, whole), position(epoch, offset))


def offset_of(properties: BasicProperties) -> int:
    offset = (properties.headers or {}).get(OFFSET_HEADER)
    assert isinstance(offset, int), "every message of a stream has an offset"
    return offset


class AmqpStreams:
    """Makes streams where they are missing, and keeps the ledger; for one transport."""

    def __init__(self, url: str, limits: AmqpLimits, partitions: int, member: str) -> None:
        self._limits = limits
        self._partitions = partitions
        self._url = url
        self._member = member
        self._busy = asyncio.Lock()
        self._link: AmqpLink | None = None
        self._ledger: Ledger | None = None
        self._ledger_channel: AmqpChannel | None = None
        self._ensured: set[str] = set()

    def stream_of(self, topic: str, partition: int) -> str:
        return f"{self._limits.namespace}{topic}.{partition}"

    async def epoch(self) -> str:
        """Raises `Unavailable`."""
        async with self._busy:
            return (await patiently(self._fresh_ledger, self._limits)).epoch

    async def ensure(self, topics: Iterable[str]) -> None:
        """Make the streams that are missing. Raises `Unavailable`."""
        async with self._busy:
            for topic in sorted(set(topics) - self._ensured):
                await patiently(partial(self._ensure, topic), self._limits)
                self._ensured.add(topic)

    def doubt(self) -> None:
        """Something did not work: look again next time."""
        self._ensured.clear()

    async def close(self) -> None:
        link, self._link = self._link, None
        self._ledger = None
        if link is not None:
            await link.close()

    async def _ensure(self, topic: str) -> None:
        ledger = await self._fresh_ledger()
        known = topic in ledger.topics
        streams = [self.stream_of(topic, partition) for partition in range(self._partitions)]
        missing = [stream for stream in streams if not await self._exists(stream)]
        if missing and known:
            await self._write(lost(topic))  # first: nobody may hold a new stream for the old one
        await self._declare(missing)
        if missing or not known:
            await self._write(made(topic))
            ledger.topics.add(topic)
        await self._try_reading(streams)

    async def _declare(self, streams: Iterable[str]) -> None:
        channel = await self._opened_link().channel()
        for stream in streams:
            await channel.declare(stream, _arguments(self._limits), durable=True)
        channel.close()

    async def _try_reading(self, streams: Iterable[str]) -> None:
        """Another may have declared them a moment ago: they are there, and not yet started."""
        channel = await self._opened_link().channel()
        await channel.call("basic_qos", prefetch_count=1)
        for stream in streams:
            await channel.consume(stream, lambda *_: None, {"x-stream-offset": "next"})
        channel.close()

    async def _exists(self, queue: str) -> bool:
        channel = await self._opened_link().channel()
        try:
            await channel.declare(queue, passive=True)
        except Refused as refused:
            if refused.is_missing:
                return False
            raise
        channel.close()
        return True

    # --- ledger ----------------------------------------------------------------------------------

    async def _fresh_ledger(self) -> Ledger:
        """What it says now: lines come by themselves, a deleted one is told of by the server."""
        if self._link is None or not self._link.is_open:
            self._forget()
            self._link = AmqpLink(self._url, self._limits, f"{self._member}.streams")
            await self._link.open()
        if self._ledger is None or not await self._exists(self._ledger_name):
            self._forget()
            self._ledger = await self._open_ledger()
        return self._ledger

    async def _open_ledger(self) -> Ledger:
        """Whoever opens it writes an identity, of which the first of all is the ledger's: when our
        own comes back to us, everything before it has been read.
        """
        ledger, own_line = Ledger(""), _IDENTITY + uuid7().bytes.hex().encode()
        is_read = asyncio.Event()
        channel = await self._opened_link().channel()
        await channel.declare(self._ledger_name, {"x-queue-type": "stream"}, durable=True)
        await channel.call("basic_qos", prefetch_count=_LEDGER_PREFETCH)

        def hear(tag: int, _properties: BasicProperties, line: bytes) -> None:
            self._hear(ledger, line)
            channel.acknowledge(tag)
            if line == own_line:
                is_read.set()

        channel.on_cancel = lambda: self._lose(channel)
        self._ledger_channel = channel
        await channel.consume(self._ledger_name, hear, {"x-stream-offset": "first"})
        await self._write(own_line)
        await self._until(is_read)
        return ledger

    def _hear(self, ledger: Ledger, line: bytes) -> None:
        losses = ledger.losses
        if line.startswith(_IDENTITY):
            ledger.identity = ledger.identity or line.removeprefix(_IDENTITY).decode()
        else:
            ledger.read(line)
        if ledger.losses != losses:
            self._ensured.clear()

    async def _until(self, is_read: asyncio.Event) -> None:
        try:
            async with asyncio.timeout(self._limits.command_timeout_seconds):
                await is_read.wait()
        except TimeoutError:
            raise Unavailable("amqp: the ledger cannot be read in time") from None

    async def _write(self, line: bytes) -> None:
        channel = await self._opened_link().channel()
        await channel.confirm()
        await channel.publish([(self._ledger_name, BasicProperties(), line)])
        channel.close()

    def _lose(self, channel: AmqpChannel) -> None:
        if channel is self._ledger_channel:
            self._forget()

    def _forget(self) -> None:
        self._ledger, self._ledger_channel = None, None
        self._ensured.clear()

    def _opened_link(self) -> AmqpLink:
        if self._link is None:
            raise Unavailable("amqp: this transport is closed")
        return self._link

    @property
    def _ledger_name(self) -> str:
        return f"{self._limits.namespace}{LEDGER}"


def _arguments(limits: AmqpLimits) -> dict[str, str | int]:
    return {
        "x-queue-type": "stream",
        "x-max-age": f"{limits.retention_hours}h",
        "x-max-length-bytes": limits.retention_bytes,
        "x-stream-max-segment-size-bytes": limits.segment_bytes,
    }
