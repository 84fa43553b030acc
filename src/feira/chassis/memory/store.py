"""The lane's transactions in memory: wholly or not at all, side by side, with row locks."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from feira.chassis.batch import U
from feira.chassis.memory.database import MemoryDatabase
from feira.chassis.memory.inbox import MemoryInbox
from feira.chassis.memory.rows import Writer
from feira.chassis.memory.weather import Fate
from feira.chassis.outbox import Outbox
from feira.chassis.store import CommitUnknown
from feira.kernel.clock import Clock
from feira.kernel.errors import Unavailable
from feira.kernel.ids import Ids

T = TypeVar("T")

MakeUnitOfWork = Callable[[T, Outbox, Ids, datetime], U]
"""From the service's tables, as they are in this transaction."""


class MemoryTransaction(Generic[U]):
    def __init__(self, database: MemoryDatabase[Any], writer: Writer, uow: U) -> None:
        self._database = database
        self._writer = writer
        self._uow = uow
        self._tables: Any = writer.view(database.chassis)
        self._inbox = MemoryInbox(database, self._tables)

    @property
    def uow(self) -> U:
        return self._uow

    @property
    def inbox(self) -> MemoryInbox:
        return self._inbox

    async def save(self) -> None:
        await self._uow.flush()
        await self._writer.statement()
        self._tables.outbox.append_new(
            (self._database.new_row_id(), envelope) for envelope in self._uow.outbox.envelopes()
        )


class MemoryStore(Generic[T, U]):
    """One process's way to the database; it leases a worker number, as the other store does."""

    def __init__(
        self,
        database: MemoryDatabase[T],
        name: str,
        make_uow: MakeUnitOfWork[T, U],
        *,
        ids: Ids,
        clock: Clock,
        partitions: int,
    ) -> None:
        self._database = database
        self._name = name
        self._make_uow = make_uow
        self._ids = ids
        self._clock = clock
        self._partitions = partitions
        self._worker: int | None = None

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[MemoryTransaction[U]]:
        await self._database.weather.connecting()
        self._lease_worker()
        writer = self._database.writer()
        try:
            uow = self._unit_of_work(writer.view(self._database.tables))
            yield MemoryTransaction(self._database, writer, uow)
            await self._commit(writer)
        finally:
            writer.end()
        uow.committed()

    async def committed(self, marker: UUID) -> bool:
        await self._database.weather.connecting()
        return marker in self._database.chassis.inbox

    async def close(self) -> None:
        if self._worker is not None:
            self._database.workers.discard(self._worker)
            self._worker = None

    async def _commit(self, writer: Writer) -> None:
        weather = self._database.weather
        try:
            fate = await weather.committing()
        except asyncio.CancelledError:  # the process dies, and the server may have heard it or not
            if weather.dies_committed():
                writer.commit()
            raise
        if fate is not Fate.LOST:
            writer.commit()
        if fate is not Fate.DONE:
            raise CommitUnknown(f"the connection broke while committing ({fate.name.lower()})")

    def _unit_of_work(self, tables: T) -> U:
        now = self._clock.now()
        outbox = Outbox(f"/feira/{self._name}", self._partitions, self._ids, now)
        return self._make_uow(tables, outbox, self._ids, now)

    def _lease_worker(self) -> None:
        if self._worker is not None:
            return
        workers = self._ids.workers
        free = [n for n in workers if n not in self._database.workers]
        if not free:
            raise Unavailable(f"all {len(workers)} workers of {self._name} are taken")
        self._worker = self._ids.worker = free[0]
        self._database.workers.add(free[0])
