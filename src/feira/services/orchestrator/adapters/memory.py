"""Sagas in memory: the same units of work over a dictionary, for tests and the simulation."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from feira.chassis.aggregates import Aggregates, Shelf
from feira.chassis.memory.rows import Rows
from feira.chassis.outbox import Outbox
from feira.chassis.store import Contention
from feira.kernel.clock import Clock, SystemClock
from feira.kernel.ids import Ids
from feira.services.orchestrator.application.ports import OldestOpen
from feira.services.orchestrator.domain.purchase_saga import Saga


def copied(saga: Saga) -> Saga:
    """Such that no change of one is seen in the other."""
    return replace(saga, timeline=list(saga.timeline))


@dataclass
class MemorySagas:
    """The database: what has been flushed. Rows are copied on their way in and out."""

    sagas: dict[int, Saga] = field(default_factory=dict)
    clock: Clock = field(default_factory=SystemClock)
    """For queries, which are outside of transactions."""

    async def get(self, order_id: int) -> Saga | None:
        saga = self.sagas.get(order_id)
        return copied(saga) if saga else None

    async def find_open(self, *, overdue_only: bool, sagas_max: int) -> Sequence[Saga]:
        now = self.clock.now()
        found = [s for s in self._open() if s.deadline < now or not overdue_only]
        return [copied(saga) for saga in found[:sagas_max]]

    async def oldest_open(self) -> Sequence[OldestOpen]:
        now, ages = self.clock.now(), defaultdict[str, list[float]](list)
        for saga in self._open():
            ages[saga.state].append((now - saga.purchase.started_at).total_seconds())
        return [OldestOpen(state, len(found), max(found)) for state, found in ages.items()]

    def _open(self) -> list[Saga]:
        by_order = sorted(self.sagas.items())
        return [saga for _, saga in by_order if saga.open]


class MemorySagaRows:
    def __init__(self, rows: Rows[int, Saga]) -> None:
        self._rows = rows

    async def load(self, ids: Collection[int]) -> Iterable[Saga]:
        return [copied(self._rows[key]) for key in ids if key in self._rows]

    async def find_overdue(self, by: datetime, sagas_max: int) -> Iterable[Saga]:
        due = [saga for saga in self._rows.values() if saga.open and saga.deadline <= by]
        due.sort(key=lambda saga: saga.purchase.order_id)
        return map(copied, due[:sagas_max])

    async def insert(self, aggregates: Collection[Saga]) -> None:
        await self._rows.lock(saga.purchase.order_id for saga in aggregates)
        if any(saga.purchase.order_id in self._rows for saga in aggregates):
            raise Contention("another process has started the same saga")
        self._write(aggregates)

    async def update(self, aggregates: Collection[Saga]) -> int:
        await self._rows.lock(saga.purchase.order_id for saga in aggregates)
        current = [saga for saga in aggregates if self._version(saga) == saga.version - 1]
        self._write(current)
        return len(current)

    async def count_current(self, aggregates: Collection[Saga]) -> int:
        return sum(self._version(saga) == saga.version for saga in aggregates)

    def _version(self, saga: Saga) -> int | None:
        row = self._rows.get(saga.purchase.order_id)
        return row.version if row else None

    def _write(self, sagas: Collection[Saga]) -> None:
        self._rows.update({saga.purchase.order_id: copied(saga) for saga in sagas})


class Sagas(Aggregates[Saga]):
    def __init__(self, rows: MemorySagaRows, shelf: Shelf[Saga]) -> None:
        super().__init__(rows, lambda saga: saga.purchase.order_id, shelf)
        self._find_overdue = rows.find_overdue

    async def find_overdue(self, by: datetime, sagas_max: int) -> Sequence[Saga]:
        await self.flush()  # what was decided earlier in this batch counts
        return self._learn(await self._find_overdue(by, sagas_max))


class MemoryOrchestratorUnitOfWork:
    def __init__(
        self,
        tables: Any,
        outbox: Outbox,
        ids: Ids,
        now: datetime,
        *,
        hold: timedelta,
        shelf: Shelf[Saga],
    ) -> None:
        self.outbox = outbox
        self.ids = ids
        self.now = now
        self.hold = hold
        self.sagas = Sagas(MemorySagaRows(tables.sagas), shelf)

    async def flush(self) -> None:
        await self.sagas.flush()

    def committed(self) -> None:
        self.sagas.committed()


def holding_for(
    hold: timedelta,
) -> Callable[[MemorySagas, Outbox, Ids, datetime], MemoryOrchestratorUnitOfWork]:
    """Units of work whose purchases hold their stock so long; they share a shelf."""
    shelf: Shelf[Saga] = Shelf(lambda saga: saga.open)

    def make(
        tables: MemorySagas, outbox: Outbox, ids: Ids, now: datetime
    ) -> MemoryOrchestratorUnitOfWork:
        return MemoryOrchestratorUnitOfWork(tables, outbox, ids, now, hold=hold, shelf=shelf)

    return make
