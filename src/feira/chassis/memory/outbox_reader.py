"""The relay's view of an outbox in memory."""

from typing import Any

from feira.chassis.memory.database import MemoryDatabase
from feira.chassis.transports.port import Envelope


class MemoryOutboxReader:
    def __init__(self, database: MemoryDatabase[Any]) -> None:
        self._database = database

    async def lead(self) -> bool:
        if self._database.relay is None:
            self._database.relay = self
        return self._database.relay is self

    async def unpublished(self, envelopes_max: int) -> tuple[list[int], list[Envelope], float]:
        """Ages are not kept: 0 seconds."""
        rows = list(self._database.chassis.outbox.items())[:envelopes_max]
        return [row_id for row_id, _ in rows], [envelope for _, envelope in rows], 0.0

    async def delete(self, row_ids: list[int]) -> None:
        async with self._database.one_at_a_time:
            for row_id in row_ids:
                self._database.chassis.outbox.pop(row_id, None)

    async def known_epoch(self) -> str | None:
        return self._database.chassis.broker_epoch

    async def remember_epoch(self, epoch: str) -> None:
        async with self._database.one_at_a_time:
            self._database.chassis.broker_epoch = epoch

    async def close(self) -> None:
        """Another may lead, as when a connection ends."""
        if self._database.relay is self:
            self._database.relay = None
