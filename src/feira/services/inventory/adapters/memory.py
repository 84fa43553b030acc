"""Inventory in memory: the same units of work over dictionaries, for tests and the simulation.

Aggregates are copied on their way in and out. Rows are locked as in SQL: before they are written,
and where the statement says so before they are read.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from feira.chassis.memory.rows import Rows
from feira.chassis.outbox import Outbox
from feira.chassis.store import Contention
from feira.kernel.ids import Ids
from feira.services.inventory.adapters.identity_map import Reservations, new_shelf
from feira.services.inventory.adapters.unit_of_work import RowsUnitOfWork
from feira.services.inventory.application.ports import StockView
from feira.services.inventory.application.untold_levels import UntoldLevels
from feira.services.inventory.domain.allotment import Allotment
from feira.services.inventory.domain.reservation import Reservation, ReservationStatus
from feira.services.inventory.domain.stock import Movement, StockItem


@dataclass
class MemoryInventory:
    """The database: what has been flushed."""

    reservations: dict[int, Reservation] = field(default_factory=dict)
    stock: dict[int, StockItem] = field(default_factory=dict)
    movements_by_id: dict[tuple[int, int], Movement] = field(default_factory=dict)
    """By id and product."""
    announcement: dict[int, int] = field(default_factory=dict)
    """One row at most: how far it has come."""
    allotments: dict[int, Allotment] = field(default_factory=dict)

    @property
    def movements(self) -> list[Movement]:
        return [movement for _, movement in sorted(self.movements_by_id.items())]

    async def get(self, product_id: int, movements_max: int) -> StockView | None:
        item = self.stock.get(product_id)
        if item is None:
            return None
        movements = [moved for moved in self.movements if moved.product_id == product_id]
        return StockView(replace(item), movements[: -movements_max - 1 : -1])


def units_of_work(
    untold: UntoldLevels | None = None,
) -> Callable[[MemoryInventory, Outbox, Ids, datetime], RowsUnitOfWork]:
    """Units of work that share a shelf: one maker a process.

    Without `untold` each tells the levels that it changes.
    """
    shelf = new_shelf()

    def make(tables: Any, outbox: Outbox, ids: Ids, now: datetime) -> RowsUnitOfWork:
        return RowsUnitOfWork(
            outbox,
            ids,
            now,
            reservations=Reservations(_ReservationRows(tables.reservations), shelf),
            allotment_rows=_AllotmentRows(tables.allotments),
            stock_rows=_StockRows(tables.stock),
            movement_rows=_MovementRows(tables.movements_by_id),
            position_row=_PositionRow(tables.announcement),
            untold=untold,
        )

    return make


class _ReservationRows:
    def __init__(self, rows: Rows[int, Reservation]) -> None:
        self._rows = rows

    async def load(self, ids: Collection[int]) -> Iterable[Reservation]:
        return [replace(self._rows[key]) for key in ids if key in self._rows]

    async def find_overdue(self, now: datetime, rows_max: int) -> Iterable[Reservation]:
        overdue = [
            (row.expires_at, row.order_id)
            for row in self._rows.values()
            if row.status is ReservationStatus.HELD and row.expires_at and row.expires_at <= now
        ]
        return [replace(self._rows[order_id]) for _, order_id in sorted(overdue)[:rows_max]]

    async def insert(self, aggregates: Collection[Reservation]) -> None:
        await self._rows.lock([new.order_id for new in aggregates])
        if any(new.order_id in self._rows for new in aggregates):
            raise Contention("it is there already")
        self._rows.update({new.order_id: replace(new) for new in aggregates})

    async def update(self, aggregates: Collection[Reservation]) -> int:
        await self._rows.lock([a.order_id for a in aggregates])
        current = [a for a in aggregates if self._rows[a.order_id].version == a.version - 1]
        self._rows.update({a.order_id: replace(a) for a in current})
        return len(current)

    async def count_current(self, aggregates: Collection[Reservation]) -> int:
        return sum(self._rows[a.order_id].version == a.version for a in aggregates)


class _AllotmentRows:
    def __init__(self, rows: Rows[int, Allotment]) -> None:
        self._rows = rows

    async def lock(self, ids: Collection[int]) -> Iterable[Allotment]:
        there = sorted(key for key in ids if key in self._rows)
        await self._rows.lock(there)
        return [replace(self._rows[key]) for key in there]

    async def insert(self, aggregates: Collection[Allotment]) -> None:
        await self._rows.lock([new.id for new in aggregates])
        if any(new.id in self._rows for new in aggregates):
            raise Contention("it is there already")
        await self.update(aggregates)

    async def update(self, aggregates: Collection[Allotment]) -> None:
        self._rows.update({allotment.id: replace(allotment) for allotment in aggregates})


class _StockRows:
    def __init__(self, rows: Rows[int, StockItem]) -> None:
        self._rows = rows

    async def lock(self, ids: Collection[int]) -> Iterable[StockItem]:
        there = sorted(key for key in ids if key in self._rows)
        await self._rows.lock(there)
        return [replace(self._rows[key]) for key in there]

    async def ids_after(self, product_id: int, ids_max: int) -> Sequence[int]:
        return sorted(key for key in self._rows if key > product_id)[:ids_max]

    async def insert(self, aggregates: Collection[StockItem]) -> None:
        await self._rows.lock([new.product_id for new in aggregates])
        if any(new.product_id in self._rows for new in aggregates):
            raise Contention("it is there already")
        await self.update(aggregates)

    async def update(self, aggregates: Collection[StockItem]) -> None:
        self._rows.update({item.product_id: replace(item) for item in aggregates})


class _MovementRows:
    def __init__(self, rows: Rows[tuple[int, int], Movement]) -> None:
        self._rows = rows

    async def insert(self, movements: Collection[Movement]) -> None:
        new = {(movement.id, movement.product_id): movement for movement in movements}
        await self._rows.lock(new)
        if any(key in self._rows for key in new):
            raise Contention("another process has made a movement of this id")
        self._rows.update(new)


class _PositionRow:
    def __init__(self, rows: Rows[int, int]) -> None:
        self._rows = rows

    async def lock(self) -> int | None:
        await self._rows.lock(self._rows)
        return self._rows.get(0)

    async def put(self, position: int | None) -> None:
        await self._rows.lock([0])
        if position is None:
            self._rows.pop(0, None)
        else:
            self._rows[0] = position
