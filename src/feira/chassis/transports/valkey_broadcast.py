"""Every envelope of some topics, for one process alone, on Valkey streams."""

import asyncio
from collections.abc import Sequence
from typing import Final

from feira.chassis.transports.port import Delivery
from feira.chassis.transports.valkey_link import ValkeyLink
from feira.chassis.transports.valkey_reader import StreamReader
from feira.chassis.transports.valkey_scripts import ANNOUNCE_BROADCAST, BROADCAST_LAG
from feira.chassis.transports.valkey_settings import ValkeyLimits
from feira.chassis.transports.valkey_streams import BROADCASTS_KEY, EPOCH_KEY, Mark, streams_of
from feira.kernel.ids import uuid7

_ANNOUNCEMENT_SECONDS: Final = 5.0


class ValkeyBroadcastSubscription:
    """Reads all partitions. Nothing is stored but that the topics are read in this way: from then
    on `trim` leaves them the broadcast window (`Retention`).

    `since_seconds` counts back from the making of the subscription, by the server's clock.
    """

    def __init__(
        self,
        *,
        topics: Sequence[str],
        since_seconds: int,
        partitions: int,
        link: ValkeyLink,
        limits: ValkeyLimits,
    ) -> None:
        self._topics = tuple(topics)
        self._partitions = partitions
        self._link = link
        self._limits = limits
        self._reader = StreamReader(link, limits)
        self._since = asyncio.get_running_loop().time() - since_seconds
        self._announced_at = float("-inf")
        self._epoch = ""
        self.closed = False

    async def receive(self) -> Sequence[Delivery]:
        now = asyncio.get_running_loop().time()
        if now - self._announced_at >= _ANNOUNCEMENT_SECONDS:
            await self._announce()
            self._announced_at = now
        return await self._reader.read()

    async def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Nothing: nobody waits for a broadcast's reader."""

    async def rewind(self) -> None:
        """Nothing: what was received and not acknowledged is as good as acknowledged."""

    async def lag_envelopes(self) -> int:
        """At most `envelopes_per_partition_max` a partition are counted: it tells a reader that
        keeps up from one that does not.
        """
        marks = self._reader.marks
        keys = [stream.key for stream in marks]
        count_max = self._limits.envelopes_per_partition_max
        ids = [mark.id for mark in marks.values()]
        return int(await self._link.run(BROADCAST_LAG, keys, [count_max, *ids]))

    async def close(self) -> None:
        self.closed = True
        await self._link.close()

    async def _announce(self) -> None:
        """Say that the topics are read, and find the place to start when the data are new to us."""
        keys = [EPOCH_KEY, BROADCASTS_KEY]
        epoch, now_ms = await self._link.run(
            ANNOUNCE_BROADCAST, keys, [str(uuid7()), *self._topics]
        )
        if epoch.decode() == self._epoch:
            return
        first_contact = not self._epoch
        self._epoch = epoch.decode()
        age_seconds = asyncio.get_running_loop().time() - self._since
        start_ms = max(0, now_ms - round(age_seconds * 1000)) if first_contact else 0
        start = Mark(f"{start_ms}-0", 0)
        streams = streams_of(self._topics, self._partitions)
        self._reader.marks = dict.fromkeys(streams, start)
