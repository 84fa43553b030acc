"""Reading streams from where one stands, which both kinds of subscription do."""

from collections.abc import Sequence
from typing import Any

from feira.chassis.transports.port import Delivery
from feira.chassis.transports.valkey_link import ValkeyLink
from feira.chassis.transports.valkey_settings import ValkeyLimits
from feira.chassis.transports.valkey_streams import Mark, Stream, deliveries_of, read_command

_BODY_BYTES_AT_FIRST = 64 * 1024


class StreamReader:
    """A mark in each of some streams, moved on by reading. The marks live in memory only.

    `signal_key` names one more stream to wake up for; `signalled` tells that it has a new entry.
    """

    def __init__(
        self, link: ValkeyLink, limits: ValkeyLimits, signal_key: str | None = None
    ) -> None:
        self.marks: dict[Stream, Mark] = {}
        self.signalled = False
        self._link = link
        self._limits = limits
        self._signal_key = signal_key
        self._signal_seen = "0-0"
        self._body_bytes = _BODY_BYTES_AT_FIRST

    def expect_signals_after(self, entry_id: str) -> None:
        self._signal_seen = entry_id
        self.signalled = False

    async def read(self) -> list[Delivery]:
        """What lies behind the marks; waits up to `receive_wait_seconds` if nothing does."""
        asked = dict(self.marks)
        positions = {stream.key: mark.id for stream, mark in asked.items()}
        if self._signal_key is not None:
            positions[self._signal_key] = self._signal_seen
        wait_seconds = self._limits.receive_wait_seconds
        command = read_command(positions, self._count(), wait_seconds)
        answer = await self._link.call(*command, wait_seconds=wait_seconds)
        deliveries = self._take(asked, answer or [])
        if deliveries:
            self._body_bytes = max(len(delivery.envelope.body) for delivery in deliveries) or 1
        return deliveries

    def _count(self) -> int:
        """How many envelopes of a stream to ask for, going by the largest that came last."""
        streams = max(1, len(self.marks))
        fitting = self._limits.receive_bytes_max // (streams * self._body_bytes)
        return max(1, min(self._limits.envelopes_per_partition_max, fitting))

    def _take(self, asked: dict[Stream, Mark], answer: Sequence[Any]) -> list[Delivery]:
        deliveries: list[Delivery] = []
        for raw_key, entries in answer:
            key = raw_key.decode()
            if key == self._signal_key:
                self.signalled = True
                continue
            stream = Stream.of_key(key)
            if self.marks.get(stream) == asked[stream]:
                deliveries += deliveries_of(stream, asked[stream], entries)
                self.marks[stream] = Mark.parse(deliveries[-1].position)
            # else the partition was given away or rewound while the answer was under way
        return deliveries
