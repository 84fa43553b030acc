"""Every envelope of some topics, for one process alone, on RabbitMQ's streams."""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Final

from pika import BasicProperties

from feira.chassis.transports.amqp_link import AmqpChannel, AmqpLink
from feira.chassis.transports.amqp_patience import patiently
from feira.chassis.transports.amqp_settings import AmqpLimits
from feira.chassis.transports.amqp_streams import AmqpStreams, delivery_of, offset_of
from feira.chassis.transports.port import Delivery
from feira.kernel.clock import Clock
from feira.kernel.errors import Unavailable

_CHUNK_SECONDS: Final = 1

Place = tuple[str, int]


class AmqpBroadcastSubscription:
    """Reads all partitions, in no group. `since_seconds` counts back from the making of the
    subscription; RabbitMQ finds the place roughly, the publishers' time in each message exactly.
    """

    def __init__(
        self,
        *,
        topics: Sequence[str],
        since_seconds: int,
        partitions: int,
        member: str,
        url: str,
        limits: AmqpLimits,
        streams: AmqpStreams,
        clock: Clock,
    ) -> None:
        self._topics = tuple(topics)
        self._places = [(topic, p) for topic in topics for p in range(partitions)]
        self._member = member
        self._url = url
        self._limits = limits
        self._streams = streams
        self._since = clock.now() - timedelta(seconds=since_seconds)
        self._link: AmqpLink | None = None
        self._channel: AmqpChannel | None = None
        self._reached: dict[Place, int] = {}
        self._buffer: deque[tuple[Place, int, int, Delivery]] = deque()
        """Each with its place, its offset there, and its tag."""
        self._news = asyncio.Event()
        self._broken = False
        self._epoch = ""
        self.closed = False

    async def receive(self) -> Sequence[Delivery]:
        self._check_open()
        epoch = await self._streams.epoch()
        if epoch != self._epoch or self._broken:
            await self._end()
            if epoch != self._epoch:  # all is new in another epoch, and nothing of it was read
                self._reached = dict.fromkeys(self._places, 0) if self._epoch else {}
            self._epoch = epoch
        if self._link is None:
            await patiently(self._begin_or_end, self._limits)
        if not self._buffer:
            await self._wait()
        return self._take()

    async def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Nothing: nobody waits for a broadcast's reader."""

    async def rewind(self) -> None:
        """Nothing: what was received and not acknowledged is as good as acknowledged."""

    async def lag_envelopes(self) -> int:
        """What has come and was not received: it tells a reader that keeps up from one that does
        not.
        """
        return len(self._buffer)

    async def close(self) -> None:
        self.closed = True
        await self._end()

    async def _begin_or_end(self) -> None:
        try:
            await self._begin()
        except BaseException:
            self._streams.doubt()
            await self._end()
            raise

    async def _begin(self) -> None:
        await self._streams.ensure(self._topics)
        self._check_open()
        link = self._link = AmqpLink(self._url, self._limits, f"{self._member}.broadcast")
        await link.open()
        channel = self._channel = await link.channel()
        channel.on_cancel = partial(self._break, link)
        await channel.call("basic_qos", prefetch_count=self._limits.envelopes_per_partition_max)
        for place in self._places:
            take = partial(self._take_envelope, place)
            start = {"x-stream-offset": self._start_of(place)}
            await channel.consume(self._streams.stream_of(*place), take, start)

    def _start_of(self, place: Place) -> object:
        if place in self._reached:
            return self._reached[place] or "first"
        return self._since.replace(tzinfo=None) - timedelta(seconds=_CHUNK_SECONDS)

    def _take_envelope(
        self, place: Place, tag: int, properties: BasicProperties, body: bytes
    ) -> None:
        offset = offset_of(properties)
        told = properties.timestamp
        old = isinstance(told, int) and told < int(self._since.timestamp())
        if offset < self._reached.get(place, 0) or old:
            if self._channel is not None:
                self._channel.acknowledge(tag)
            return
        self._reached[place] = offset + 1
        delivery = delivery_of(*place, self._epoch, properties, body)
        self._buffer.append((place, offset, tag, delivery))
        self._news.set()

    async def _wait(self) -> None:
        self._news.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._limits.receive_wait_seconds):
                await self._news.wait()

    def _take(self) -> list[Delivery]:
        taken = list(self._buffer)
        self._buffer.clear()
        for _, _, tag, _ in taken:
            if self._channel is not None:
                self._channel.acknowledge(tag)  # which lets the next one come
        return [delivery for *_, delivery in taken]

    async def _end(self) -> None:
        link, self._link = self._link, None
        for place, offset, _, _ in self._buffer:  # it comes again
            self._reached[place] = min(self._reached[place], offset)
        self._buffer.clear()
        self._broken = False
        if link is not None:
            await link.close()

    def _break(self, link: AmqpLink) -> None:
        """What becomes of a link that was left, and is closing, breaks nothing any more."""
        if link is self._link:
            self._broken = True
            self._news.set()

    def _check_open(self) -> None:
        if self.closed:
            raise Unavailable("this reader of a broadcast is closed")
