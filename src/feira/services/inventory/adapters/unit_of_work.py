"""Everything a transaction of inventory works with, over any database."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Protocol

from feira.chassis.outbox import Outbox
from feira.kernel.ids import Ids
from feira.services.inventory.adapters.identity_map import (
    IdentityMap,
    Reservations,
    Rows,
    StockItems,
    StockRows,
)
from feira.services.inventory.application.publishing import stock_level_changed
from feira.services.inventory.application.untold_levels import UntoldLevels
from feira.services.inventory.domain.allotment import Allotment
from feira.services.inventory.domain.stock import Movement, StockItem


class MovementRows(Protocol):
    async def insert(self, movements: Collection[Movement]) -> None:
        """Raises `Contention` when another transaction has inserted one of the same id."""
        ...


class PositionRow(Protocol):
    """The one row that tells how far the announcement of all levels has come."""

    async def lock(self) -> int | None: ...

    async def put(self, position: int | None) -> None: ...


class Movements:
    def __init__(self, rows: MovementRows) -> None:
        self._rows = rows
        self._new: list[Movement] = []

    def add_many(self, movements: Iterable[Movement]) -> None:
        self._new.extend(movements)

    async def flush(self) -> None:
        if self._new:
            await self._rows.insert(self._new)


class Announcement:
    def __init__(self, row: PositionRow) -> None:
        self._row = row
        self._position: int | None = None
        self._is_moved = False

    async def position(self) -> int | None:
        if not self._is_moved:
            self._position = await self._row.lock()
        return self._position

    def move_to(self, position: int | None) -> None:
        self._position = position
        self._is_moved = True

    async def flush(self) -> None:
        if self._is_moved:
            await self._row.put(self._position)


class RowsUnitOfWork:
    """Each stock item that changed is told of (B7): by `flush`, or, where a product may change in
    every batch, some times a second for all batches since (`untold`)."""

    def __init__(  # noqa: PLR0913 - one a table
        self,
        outbox: Outbox,
        ids: Ids,
        now: datetime,
        *,
        reservations: Reservations,
        allotment_rows: Rows[Allotment],
        stock_rows: StockRows,
        movement_rows: MovementRows,
        position_row: PositionRow,
        untold: UntoldLevels | None = None,
    ) -> None:
        self.outbox = outbox
        self.ids = ids
        self.now = now
        self.reservations = reservations
        self.allotments = IdentityMap(allotment_rows, lambda allotment: allotment.id)
        self.stock = StockItems(stock_rows)
        self.movements = Movements(movement_rows)
        self.announcement = Announcement(position_row)
        self._untold = untold

    async def flush(self) -> None:
        self._tell_of(self.stock.seal())
        await self.reservations.flush()
        await self.allotments.flush()
        await self.stock.flush()
        await self.movements.flush()
        await self.announcement.flush()

    def committed(self) -> None:
        self.reservations.committed()

    def _tell_of(self, changed: Iterable[StockItem]) -> None:
        if self._untold is None:
            self.stock.tell_many(changed)
        else:
            # Before the commit, which may happen without our hearing of it. They are told by a
            # later batch of the same lane, as they are then, whatever becomes of this one.
            self._untold.add(item.product_id for item in changed)
        if to_tell := self.stock.to_tell:
            self.outbox.tell([stock_level_changed(item) for item in to_tell])
