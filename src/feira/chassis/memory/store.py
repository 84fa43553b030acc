"""The lane's transactions in memory: one at a time, wholly or not at all.

A transaction works on a copy of the database that takes its place when it commits. That costs time
in proportion to the database, which suits tests and simulations.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from feira.chassis.batch import U
from feira.chassis.memory.database import ChassisTables, MemoryDatabase
from feira.chassis.memory.inbox import MemoryInbox
from feira.chassis.outbox import Outbox
from feira.kernel.clock import Clock
from feira.kernel.errors import Unavailable
from feira.kernel.ids import WORKERS_MAX, Ids

T = TypeVar("T")

MakeUnitOfWork = Callable[[T, Outbox, Ids, datetime], U]
"""From the service's tables, as they are in this transaction."""


class MemoryTransaction(Generic[U]):
    def __init__(self, tables: ChassisTables, uow: U) -> None:
        self._tables = tables
        self._uow = uow
        self._inbox = MemoryInbox(tables)

    @property
    def uow(self) -> U:
        return self._uow

    @property
    def inbox(self) -> MemoryInbox:
        return self._inbox

    async def save(self) -> None:
        await self._uow.flush()
        for envelope in self._uow.outbox.envelopes():
            self._tables.outbox_rows += 1
            self._tables.outbox[self._tables.outbox_rows] = envelope


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
        self._lease_worker()
        async with self._database.one_at_a_time:
            staged = self._database.staged()
            uow = self._unit_of_work(staged.tables)
            yield MemoryTransaction(staged.chassis, uow)
            self._database.take_over(staged)
        uow.committed()

    async def committed(self, marker: UUID) -> bool:
        return marker in self._database.chassis.inbox

    async def close(self) -> None:
        if self._worker is not None:
            self._database.workers.discard(self._worker)
            self._worker = None

    def _unit_of_work(self, tables: T) -> U:
        now = self._clock.now()
        outbox = Outbox(f"/feira/{self._name}", self._partitions, self._ids, now)
        return self._make_uow(tables, outbox, self._ids, now)

    def _lease_worker(self) -> None:
        if self._worker is not None:
            return
        free = [n for n in range(WORKERS_MAX) if n not in self._database.workers]
        if not free:
            raise Unavailable(f"all {WORKERS_MAX} workers of {self._name} are taken")
        self._worker = self._ids.worker = free[0]
        self._database.workers.add(free[0])
