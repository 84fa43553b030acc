"""A member of a consumer group on Valkey streams.

Like Kafka, and unlike Valkey's own consumer groups: a group's progress is one cursor a partition,
and a partition belongs to one member, by a lease (`valkey_scripts` has the layout).
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final
from zlib import crc32

from feira.chassis.transports.port import Delivery
from feira.chassis.transports.valkey_link import ValkeyLink
from feira.chassis.transports.valkey_reader import StreamReader
from feira.chassis.transports.valkey_scripts import ACKNOWLEDGE, LAG, LEAVE, RENEW
from feira.chassis.transports.valkey_settings import ValkeyLimits
from feira.chassis.transports.valkey_streams import EPOCH_KEY, Mark, Stream
from feira.kernel.errors import Unavailable
from feira.kernel.ids import uuid7

LAG_ENVELOPES_MAX: Final = 10_000
_RENEWALS_PER_TTL: Final = 3


class ValkeyGroupSubscription:
    """Joins with the first `receive`. From then on a small task keeps the lease, even while the
    caller is busy, until `close`.

    Reading blocks its connection, so acknowledgements and renewals have another one.
    """

    def __init__(
        self,
        *,
        group: str,
        topics: Sequence[str],
        member: str,
        partitions: int,
        reading: ValkeyLink,
        commands: ValkeyLink,
        limits: ValkeyLimits,
    ) -> None:
        self._group = group
        self._topics = tuple(topics)
        self._member = member
        self._partitions = partitions
        self._reading = reading
        self._commands = commands
        self._limits = limits
        self._changes_key = f"feira:changes:{group}"
        self._reader = StreamReader(reading, limits, signal_key=self._changes_key)
        self._renewal_due = True
        self._epoch = ""
        self._heartbeat: asyncio.Task[None] | None = None
        self.closed = False

    async def receive(self) -> Sequence[Delivery]:
        self._check_open()
        self._keep_heartbeat()
        if self._renewal_due or self._reader.signalled:
            await self._renew()
        try:
            return await self._reader.read()
        except Unavailable:
            self._renewal_due = True  # much may have changed until it answers again
            raise

    async def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        furthest = _furthest(deliveries)
        if not furthest:
            return
        keys = [self._cursor_key]
        arguments: list[str | int] = [self._member]
        for stream, mark in furthest.items():
            keys.append(self._owners_key(stream.topic))
            arguments += (stream.partition, stream.field, mark.text)
        await self._commands.run(ACKNOWLEDGE, keys, arguments)

    async def rewind(self) -> None:
        self._reader.marks.clear()
        self._renewal_due = True

    async def lag_envelopes(self) -> int:
        streams = list(self._reader.marks)
        keys = [self._cursor_key, *(stream.key for stream in streams)]
        arguments: list[str | int] = [LAG_ENVELOPES_MAX, *(stream.field for stream in streams)]
        return int(await self._commands.run(LAG, keys, arguments))

    async def close(self) -> None:
        """Leaves at once if Valkey answers; else the lease runs out."""
        self.closed = True
        if self._heartbeat is not None:
            heartbeat, self._heartbeat = self._heartbeat, None
            heartbeat.cancel()
            await asyncio.wait([heartbeat])
            await self._leave()
        self._reader.marks.clear()
        await self._reading.close()
        await self._commands.close()

    def _keep_heartbeat(self) -> None:
        if self._heartbeat is None:
            self._heartbeat = asyncio.create_task(self._beat(), name=f"lease of {self._group}")
        elif self._heartbeat.done():
            self._heartbeat.result()  # a bug ended it: its exception is the caller's

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._limits.lease_ttl_seconds / _RENEWALS_PER_TTL)
            with suppress(Unavailable):  # `receive` tells the caller
                await self._renew()

    async def _renew(self) -> None:
        """Show a sign of life; take and give back partitions until the share is fair."""
        self._check_open()
        keys = [EPOCH_KEY, self._cursor_key, self._changes_key]
        ttl_ms = round(self._limits.lease_ttl_seconds * 1000)
        arguments: list[str | int] = [self._member, self._group, ttl_ms, self._partitions]
        arguments.append(str(uuid7()))
        for topic in self._topics:
            keys += (self._members_key(topic), self._owners_key(topic), f"feira:groups:{topic}")
            arguments += (topic, crc32(topic.encode()))
        epoch, last_change, owned = await self._commands.run(RENEW, keys, arguments)
        self._settle(epoch.decode(), owned)
        self._reader.expect_signals_after(last_change.decode())
        self._renewal_due = False

    async def _leave(self) -> None:
        keys = [self._changes_key]
        for topic in self._topics:
            keys += (self._members_key(topic), self._owners_key(topic))
        with suppress(Unavailable):
            await self._commands.run(LEAVE, keys, [self._member])

    def _check_open(self) -> None:
        if self.closed:
            raise Unavailable(f"this member has left the group {self._group}")

    def _settle(self, epoch: str, owned: Sequence[Any]) -> None:
        """Stay where reading stands in partitions kept; start at the cursor in new ones."""
        kept = self._reader.marks if epoch == self._epoch else {}  # all is new in another epoch
        self._epoch = epoch
        marks: dict[Stream, Mark] = {}
        for topic, partition, position in owned:
            stream = Stream(topic.decode(), partition)
            marks[stream] = kept.get(stream) or Mark.parse(position.decode())
        self._reader.marks = marks

    @property
    def _cursor_key(self) -> str:
        return f"feira:cursor:{self._group}"

    def _members_key(self, topic: str) -> str:
        return f"feira:members:{self._group}:{topic}"

    def _owners_key(self, topic: str) -> str:
        return f"feira:owners:{self._group}:{topic}"


def _furthest(deliveries: Sequence[Delivery]) -> dict[Stream, Mark]:
    """The last position in each partition."""
    furthest: dict[Stream, Mark] = {}
    for delivery in deliveries:
        stream = Stream(delivery.envelope.topic, delivery.envelope.partition)
        mark = Mark.parse(delivery.position)
        if stream not in furthest or furthest[stream].sort_key < mark.sort_key:
            furthest[stream] = mark
    return furthest
