"""A member of a consumer group on RabbitMQ's streams (ADR 0013).

- *Seats*. Each member sits on a numbered seat, an exclusive queue that goes with its connection,
  and consumes from the group's roster, whose count of consumers is the number of members. Seat s of
  n has every n-th partition.
- *Cursors*. A partition's progress is a message in a quorum queue of its own with a single active
  consumer. Who gets that message holds the partition, and keeps it unacknowledged; to acknowledge
  envelopes is to publish another cursor, and drop the one before. A member that dies gives it back.

Two members never read on behalf of a group at the same time longer than RabbitMQ takes to notice a
death; and whoever starts, starts with the furthest cursor.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final
from zlib import crc32

from pika import BasicProperties
from pika.delivery_mode import DeliveryMode

from feira.chassis.transports.amqp_link import AmqpChannel, AmqpLink, Refused
from feira.chassis.transports.amqp_patience import patiently
from feira.chassis.transports.amqp_settings import AmqpLimits
from feira.chassis.transports.amqp_streams import AmqpStreams, delivery_of, offset_of
from feira.chassis.transports.ledger import offset_in, position
from feira.chassis.transports.port import Delivery
from feira.kernel.errors import Unavailable

LAG_ENVELOPES_MAX: Final = 10_000
CURSOR_RENEWED_SECONDS: Final = 600.0
"""RabbitMQ gives up on a consumer that keeps a message for half an hour."""
_TOKENS_PREFETCH: Final = 16
_LAG_QUIET_SECONDS: Final = 0.25
_LAG_PREFETCH: Final = 500
_CURSOR: Final = {"x-queue-type": "quorum", "x-single-active-consumer": True}

Place = tuple[str, int]


@dataclass(slots=True)
class _Held:
    """A partition that is ours: the cursor's message, and the reading of its stream."""

    done: int
    """The next offset that is not acknowledged."""
    token: int
    reader: str = ""
    reading: int = 0
    """How often reading began: what an earlier one brings is not wanted any more."""


class AmqpGroupSubscription:
    """Joins with the first `receive`; a task keeps the seat, even while the caller is busy."""

    def __init__(
        self,
        *,
        group: str,
        topics: Sequence[str],
        member: str,
        partitions: int,
        url: str,
        limits: AmqpLimits,
        streams: AmqpStreams,
    ) -> None:
        self._group = f"{limits.namespace}{group}"
        self._topics = tuple(topics)
        self._places = [(topic, p) for topic in topics for p in range(partitions)]
        self._member = member
        self._url = url
        self._limits = limits
        self._streams = streams
        self._link: AmqpLink | None = None
        self._reading: AmqpChannel | None = None
        self._cursors: AmqpChannel | None = None
        self._writing: AmqpChannel | None = None
        self._writing_turn = asyncio.Lock()
        self._keeper: asyncio.Task[None] | None = None
        self._seat: int | None = None
        self._wanted: dict[Place, str] = {}
        self._held: dict[Place, _Held] = {}
        self._acknowledged: dict[Place, int] = {}
        """Of what we hold, or held when the connection was lost: it may come back to us."""
        self._buffer: deque[tuple[Place, int, int, Delivery]] = deque()
        self._news = asyncio.Event()
        self._broken = False
        self._epoch = ""
        self.closed = False

    async def receive(self) -> Sequence[Delivery]:
        self._check_open()
        epoch = await self._streams.epoch()
        if epoch != self._epoch or self._broken:
            self._streams.doubt()
            await self._leave()
            if epoch != self._epoch:
                self._acknowledged.clear()
            self._epoch = epoch
        if self._link is None:
            await patiently(self._join_or_leave, self._limits)
        if not self._buffer:
            await self._wait()
        return self._take()

    async def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            place = (delivery.envelope.topic, delivery.envelope.partition)
            offset = offset_in(self._epoch, delivery.position)
            if place in self._acknowledged and offset is not None:
                self._acknowledged[place] = max(offset + 1, self._acknowledged[place])
        due = {
            place: self._acknowledged[place]
            for place, held in self._held.items()
            if self._acknowledged.get(place, 0) > held.done
        }
        if not due or self._broken or self._link is None or not self._link.is_open:
            await self._streams.epoch()  # the caller is told when nobody is there
            return  # what was lost with the connection is written when it comes back to us
        await self._write(due)
        for place, done in due.items():
            if place in self._held:
                self._held[place].done = max(done, self._held[place].done)

    async def rewind(self) -> None:
        self._buffer.clear()
        try:
            for place in list(self._held):
                await self._read_from_cursor(place)
        except Unavailable:
            self._broken = True  # to join anew begins at the cursors, too

    async def lag_envelopes(self) -> int:
        link, ends = self._link, dict[Place, int]()
        if link is None or not self._held:
            return 0
        channel = await link.channel()
        await channel.call("basic_qos", prefetch_count=_LAG_PREFETCH)

        def note(place: Place, _tag: int, properties: BasicProperties, _body: bytes) -> None:
            ends[place] = max(ends.get(place, 0), offset_of(properties) + 1)

        for place in self._held:
            queue = self._streams.stream_of(*place)
            await channel.consume(queue, partial(note, place), {"x-stream-offset": "last"})
        await asyncio.sleep(_LAG_QUIET_SECONDS)
        channel.close()
        waiting = (max(0, end - self._held[p].done) for p, end in ends.items() if p in self._held)
        return min(LAG_ENVELOPES_MAX, sum(waiting))

    async def close(self) -> None:
        self.closed = True
        await self._leave()

    # --- membership ------------------------------------------------------------------------------

    async def _join_or_leave(self) -> None:
        try:
            await self._join()
        except BaseException:
            self._streams.doubt()
            await self._leave()
            raise

    async def _join(self) -> None:
        await self._streams.ensure(self._topics)
        self._check_open()
        link = self._link = AmqpLink(self._url, self._limits, self._member)
        await link.open()
        self._reading = await self._channel(link, self._limits.envelopes_per_partition_max)
        self._cursors = await self._channel(link, _TOKENS_PREFETCH)
        self._writing = await link.channel()
        await self._writing.confirm()
        await self._writing.declare(self._roster, auto_delete=True)
        await self._cursors.consume(self._roster, lambda _tag, _properties, _body: None)
        for place in self._places:
            await self._writing.declare(self._cursor_of(place), _CURSOR, durable=True)
        await self._settle(link)
        self._keeper = asyncio.create_task(self._keep_seat(link), name=f"seat in {self._group}")

    async def _channel(self, link: AmqpLink, prefetch: int) -> AmqpChannel:
        channel = await link.channel()
        channel.on_cancel = partial(self._break, link)
        await channel.call("basic_qos", prefetch_count=prefetch)
        return channel

    async def _keep_seat(self, link: AmqpLink) -> None:
        renewed_at = asyncio.get_running_loop().time()
        try:
            while True:
                await asyncio.sleep(self._limits.settle_seconds)
                await self._settle(link)
                now = asyncio.get_running_loop().time()
                if now - renewed_at > CURSOR_RENEWED_SECONDS:
                    await self._write({place: held.done for place, held in self._held.items()})
                    renewed_at = now
        except Unavailable:
            self._break(link)

    async def _settle(self, link: AmqpLink) -> None:
        """Sit on a seat below the number of members, and want the partitions that go with it."""
        members = (
            await self._open(self._writing).declare(self._roster, passive=True)
        ).consumer_count
        if self._seat is None or self._seat >= members:
            await self._take_seat(link, max(1, members))
        if self._seat is None:
            return
        for at, place in enumerate(self._places):
            ours = (at + crc32(self._group.encode())) % max(1, members) == self._seat
            if ours and place not in self._wanted:
                await self._want(place)
            elif not ours and place in self._wanted:
                self._give_up(place)

    async def _take_seat(self, link: AmqpLink, members: int) -> None:
        for seat in range(members):
            channel = await link.channel()
            try:
                await channel.declare(self._seat_name(seat), exclusive=True)
            except Refused as refused:
                if refused.is_taken:
                    continue
                raise
            if self._seat is not None:
                await channel.call("queue_delete", queue=self._seat_name(self._seat))
            self._seat = seat
            channel.close()
            return

    async def _want(self, place: Place) -> None:
        """Wait for the cursor. The first member of all finds none, so each brings an empty one."""
        queue = self._cursor_of(place)
        take = partial(self._take_cursor, place)
        self._wanted[place] = await self._open(self._cursors).consume(queue, take)
        await self._write({place: 0})

    def _give_up(self, place: Place) -> None:
        cursors, held = self._open(self._cursors), self._held.pop(place, None)
        self._acknowledged.pop(place, None)  # from now on it is another's business
        cursors.cancel(self._wanted.pop(place))
        self._buffer = deque(each for each in self._buffer if each[0] != place)
        if held is not None:
            self._open(self._reading).cancel(held.reader)
            cursors.give_back(held.token)

    async def _leave(self) -> None:
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
            await asyncio.wait([keeper])
        link, self._link = self._link, None
        self._wanted.clear()
        self._held.clear()
        self._buffer.clear()
        self._seat, self._broken = None, False
        if link is not None:
            await link.close()

    def _break(self, link: AmqpLink | None) -> None:
        """A queue was deleted, or the connection is lost: the next `receive` joins anew.

        What becomes of a link that was left, and is closing, breaks nothing any more.
        """
        if link is self._link:
            self._broken = True
            self._news.set()

    def _check_open(self) -> None:
        if self.closed:
            raise Unavailable(f"this member has left the group {self._group}")

    # --- cursors ---------------------------------------------------------------------------------

    def _take_cursor(
        self, place: Place, tag: int, _properties: BasicProperties, body: bytes
    ) -> None:
        """A cursor of another epoch says nothing of the streams that are there now. Of two cursors
        the further one is kept.
        """
        done = offset_in(self._epoch, body.decode(errors="replace")) or 0
        held = self._held.get(place)
        if place not in self._wanted and held is None:
            self._open(self._cursors).give_back(tag)  # it came while we gave the partition up
        elif held is None:
            done = self._acknowledged[place] = max(done, self._acknowledged.get(place, 0))
            self._held[place] = _Held(done, tag)
            self._begin_reading(place)
        elif done >= held.done:
            self._open(self._cursors).acknowledge(held.token)
            held.done, held.token = done, tag
        else:
            self._open(self._cursors).acknowledge(tag)

    async def _write(self, cursors: dict[Place, int]) -> None:
        properties = BasicProperties(delivery_mode=DeliveryMode.Persistent.value)
        messages = [
            (self._cursor_of(place), properties, position(self._epoch, done).encode())
            for place, done in cursors.items()
        ]
        async with self._writing_turn:
            await self._open(self._writing).publish(messages)

    # --- reading ---------------------------------------------------------------------------------

    def _begin_reading(self, place: Place) -> None:
        task = asyncio.ensure_future(self._read_from_cursor(place))
        task.add_done_callback(partial(self._reading_begun, self._link))

    def _reading_begun(self, link: AmqpLink | None, task: "asyncio.Future[None]") -> None:
        if not task.cancelled() and task.exception() is not None:
            self._break(link)

    async def _read_from_cursor(self, place: Place) -> None:
        held, channel = self._held.get(place), self._open(self._reading)
        if held is None:
            return
        if held.reader:
            channel.cancel(held.reader)
        held.reading += 1
        reading = held.reading
        offset = held.done or "first"
        reader = await channel.consume(
            self._streams.stream_of(*place),
            partial(self._take_envelope, place, reading),
            {"x-stream-offset": offset},
        )
        if self._held.get(place) is held and held.reading == reading:
            held.reader = reader
        else:
            channel.cancel(reader)  # it was given up, or begun anew, meanwhile

    def _take_envelope(
        self, place: Place, reading: int, tag: int, properties: BasicProperties, body: bytes
    ) -> None:
        held, offset = self._held.get(place), offset_of(properties)
        if held is None or held.reading != reading or offset < held.done:
            self._open(self._reading).acknowledge(tag)
            return
        delivery = delivery_of(*place, self._epoch, properties, body)
        self._buffer.append((place, reading, tag, delivery))
        self._news.set()

    async def _wait(self) -> None:
        self._news.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._limits.receive_wait_seconds):
                await self._news.wait()

    def _take(self) -> list[Delivery]:
        deliveries = []
        for place, reading, tag, delivery in self._buffer:
            self._open(self._reading).acknowledge(tag)  # which lets the next one come
            held = self._held.get(place)
            if held is not None and held.reading == reading:
                deliveries.append(delivery)
        self._buffer.clear()
        return deliveries

    # --- names -----------------------------------------------------------------------------------

    def _open(self, channel: AmqpChannel | None) -> AmqpChannel:
        if channel is None or not channel.is_open:
            raise Unavailable("amqp: this member has lost its connection")
        return channel

    @property
    def _roster(self) -> str:
        return f"{self._group}.roster"

    def _seat_name(self, seat: int) -> str:
        return f"{self._group}.seat.{seat}"

    def _cursor_of(self, place: Place) -> str:
        return f"{self._group}.cursor.{place[0]}.{place[1]}"
