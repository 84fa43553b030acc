"""RabbitMQ as a broker: `amqp://user:password@host:5672/vhost`, `amqps://` with TLS.

Envelopes lie in streams (3.9 or later), spoken to by AMQP 0-9-1. Durable means confirmed: written
by a majority of the stream's replicas.
"""

import asyncio
from collections.abc import Collection, Sequence

from pika import BasicProperties

from feira.chassis.transports import wire
from feira.chassis.transports.amqp_broadcast import AmqpBroadcastSubscription
from feira.chassis.transports.amqp_group import AmqpGroupSubscription
from feira.chassis.transports.amqp_link import AmqpChannel, AmqpLink
from feira.chassis.transports.amqp_patience import patiently
from feira.chassis.transports.amqp_settings import AmqpLimits
from feira.chassis.transports.amqp_streams import AmqpStreams, properties_of
from feira.chassis.transports.open_subscriptions import OpenSubscriptions
from feira.chassis.transports.port import Envelope
from feira.kernel.clock import Clock, SystemClock
from feira.kernel.errors import Unavailable


class AmqpTransport:
    """The port's semantics are in `port.Transport`; no call waits longer than a few times
    `command_timeout_seconds`.
    """

    def __init__(
        self,
        url: str,
        limits: AmqpLimits,
        *,
        partitions: int,
        member: str,
        clock: Clock | None = None,
        single_event_topics: Collection[str] = (),
    ) -> None:
        self._url = url
        self._limits = limits
        self._partitions = partitions
        self._single_event_topics = single_event_topics
        self._member = member
        self._clock = clock or SystemClock()
        self._streams = AmqpStreams(url, limits, partitions, member)
        self._turn = asyncio.Lock()
        self._link: AmqpLink | None = None
        self._channel: AmqpChannel | None = None
        self._subscriptions = OpenSubscriptions()
        self._closed = False

    @property
    def partitions(self) -> int:
        return self._partitions

    async def publish(self, envelopes: Sequence[Envelope]) -> None:
        if not envelopes:
            return
        async with self._turn:
            await patiently(lambda: self._publish(envelopes), self._limits)

    async def _publish(self, envelopes: Sequence[Envelope]) -> None:
        try:
            await self._streams.ensure({envelope.topic for envelope in envelopes})
            channel = await self._opened()
            await channel.publish([self._message(envelope) for envelope in envelopes])
        except BaseException:
            self._streams.doubt()
            await self._drop_link()
            raise

    async def subscribe(self, group: str, topics: Sequence[str]) -> AmqpGroupSubscription:
        """Asks nothing of RabbitMQ yet: `receive` joins, so a service starts without it."""
        return self._subscriptions.add(
            f"group {group}",
            lambda number: AmqpGroupSubscription(
                group=group,
                topics=topics,
                member=f"{self._member}.{number}",
                partitions=self._partitions,
                url=self._url,
                limits=self._limits,
                streams=self._streams,
            ),
        )

    async def subscribe_broadcast(
        self, topics: Sequence[str], since_seconds: int
    ) -> AmqpBroadcastSubscription:
        """Asks nothing of RabbitMQ yet. History reaches back to `retention_hours` at most."""
        return self._subscriptions.add(
            "broadcast",
            lambda _: AmqpBroadcastSubscription(
                topics=topics,
                since_seconds=since_seconds,
                partitions=self._partitions,
                member=self._member,
                url=self._url,
                limits=self._limits,
                streams=self._streams,
                clock=self._clock,
            ),
        )

    async def epoch(self) -> str:
        self._check_open()
        return await self._streams.epoch()

    async def trim(self) -> None:
        """RabbitMQ drops what is old by itself (`retention_hours`): only ask if it is there."""
        await self._streams.epoch()

    async def close(self) -> None:
        """Closes the subscriptions too."""
        self._closed = True
        await self._subscriptions.close()
        await self._drop_link()
        await self._streams.close()

    def _message(self, envelope: Envelope) -> tuple[str, BasicProperties, bytes]:
        queue = self._streams.stream_of(envelope.topic, envelope.partition)
        packed = wire.packed(envelope, self._single_event_topics)
        return queue, properties_of(envelope, packed, self._clock), packed.body

    async def _opened(self) -> AmqpChannel:
        self._check_open()
        if self._channel is None or not self._channel.is_open:
            await self._drop_link()
            self._link = AmqpLink(self._url, self._limits, f"{self._member}.publish")
            await self._link.open()
            self._channel = await self._link.channel()
            await self._channel.confirm()
        return self._channel

    async def _drop_link(self) -> None:
        link, self._link, self._channel = self._link, None, None
        if link is not None:
            await link.close()

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable("amqp: this transport is closed")
