"""Inventory in memory: the same units of work over dictionaries, for tests and the simulation.

Aggregates are copied on their way in and out, so that a transaction which is not flushed leaves no
trace. Transactions must not overlap: there are no locks.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from feira.chassis.aggregates import Shelf
from feira.chassis.outbox import Outbox
from feira.chassis.store import Contention
from feira.kernel.ids import Ids
from feira.services.inventory.adapters.identity_map import Reservations, new_shelf
from feira.services.inventory.adapters.unit_of_work import RowsUnitOfWork
from feira.services.inventory.application.ports import StockView
from feira.services.inventory.application.untold_levels import UntoldLevels
from feira.services.inventory.domain.reservation import Reservation, ReservationStatus
from feira.services.inventory.domain.stock import Movement, StockItem


@dataclass
class MemoryInventory:
    """The database: what has been flushed."""

    reservations: dict[int, Reservation] = field(default_factory=dict)
    stock: dict[int, StockItem] = field(default_factory=dict)
    movements: list[Movement] = field(default_factory=list)
    announcement_position: int | None = None
    untold: UntoldLevels | None = field(default=None, compare=False, repr=False)
    _shelf: Shelf[Reservation] = field(default_factory=new_shelf, compare=False, repr=False)

    def unit_of_work(self, outbox: Outbox, ids: Ids, now: datetime) -> RowsUnitOfWork:
        return RowsUnitOfWork(
            outbox,
            ids,
            now,
            reservations=Reservations(_ReservationRows(self.reservations), self._shelf),
            stock_rows=_StockRows(self.stock),
            movement_rows=_MovementRows(self.movements),
            position_row=_PositionRow(self),
            untold=self.untold,
        )

    async def get(self, product_id: int, movements_max: int) -> StockView | None:
        item = self.stock.get(product_id)
        if item is None:
            return None
        movements = [moved for moved in self.movements if moved.product_id == product_id]
        return StockView(replace(item), movements[: -movements_max - 1 : -1])


class _ReservationRows:
    def __init__(self, rows: dict[int, Reservation]) -> None:
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
        if any(new.order_id in self._rows for new in aggregates):
            raise Contention("it is there already")
        self._rows.update({new.order_id: replace(new) for new in aggregates})

    async def update(self, aggregates: Collection[Reservation]) -> int:
        current = [a for a in aggregates if self._rows[a.order_id].version == a.version - 1]
        self._rows.update({a.order_id: replace(a) for a in current})
        return len(current)

    async def count_current(self, aggregates: Collection[Reservation]) -> int:
        return sum(self._rows[a.order_id].version == a.version for a in aggregates)


class _StockRows:
    def __init__(self, rows: dict[int, StockItem]) -> None:
        self._rows = rows

    async def lock(self, ids: Collection[int]) -> Iterable[StockItem]:
        return [replace(self._rows[key]) for key in sorted(ids) if key in self._rows]

    async def ids_after(self, product_id: int, ids_max: int) -> Sequence[int]:
        return sorted(key for key in self._rows if key > product_id)[:ids_max]

    async def insert(self, aggregates: Collection[StockItem]) -> None:
        if any(new.product_id in self._rows for new in aggregates):
            raise Contention("it is there already")
        await self.update(aggregates)

    async def update(self, aggregates: Collection[StockItem]) -> None:
        self._rows.update({item.product_id: replace(item) for item in aggregates})


class _MovementRows:
    def __init__(self, rows: list[Movement]) -> None:
        self._rows = rows

    async def insert(self, movements: Collection[Movement]) -> None:
        self._rows.extend(movements)


class _PositionRow:
    def __init__(self, inventory: MemoryInventory) -> None:
        self._inventory = inventory

    async def lock(self) -> int | None:
        return self._inventory.announcement_position

    async def put(self, position: int | None) -> None:
        self._inventory.announcement_position = position
