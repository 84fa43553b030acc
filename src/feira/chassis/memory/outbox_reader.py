"""The relay's view of an outbox in memory."""

from collections.abc import Callable
from heapq import nsmallest
from typing import Any

from feira.chassis.memory.database import MemoryDatabase
from feira.chassis.transports.port import Envelope


class MemoryOutboxReader:
    def __init__(self, database: MemoryDatabase[Any]) -> None:
        self._database = database

    def call_when_more(self, wake: Callable[[], None]) -> None:
        """It does not know."""

    async def lead(self) -> bool:
        await self._database.weather.connecting()
        relays = self._database.relays
        if not relays:
            relays.append(self)
        return relays[0] is self

    async def unpublished(self, envelopes_max: int) -> tuple[list[int], list[Envelope], float]:
        """Ages are not kept: 0 seconds."""
        outbox = self._database.chassis.outbox
        if not outbox:
            return [], [], 0.0
        await self._database.weather.connecting()
        rows = nsmallest(envelopes_max, outbox)
        return rows, [outbox[row_id] for row_id in rows], 0.0

    async def delete(self, row_ids: list[int]) -> None:
        await self._database.weather.connecting()
        for row_id in row_ids:
            self._database.chassis.outbox.pop(row_id, None)

    async def known_epoch(self) -> str | None:
        await self._database.weather.connecting()
        return self._database.chassis.broker_epoch.get(0)

    async def remember_epoch(self, epoch: str) -> None:
        await self._database.weather.connecting()
        self._database.chassis.broker_epoch[0] = epoch

    async def close(self) -> None:
        """Another may lead, as when a connection ends."""
        if self in self._database.relays:
            self._database.relays.remove(self)
