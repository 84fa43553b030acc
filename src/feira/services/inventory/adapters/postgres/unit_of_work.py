"""Everything a transaction of inventory works with, in PostgreSQL."""

from collections.abc import Callable
from datetime import datetime

from feira.chassis.outbox import Outbox
from feira.chassis.postgres.connection import Connection
from feira.kernel.ids import Ids
from feira.services.inventory.adapters.identity_map import Reservations, new_shelf
from feira.services.inventory.adapters.postgres.allotments import PostgresAllotmentRows
from feira.services.inventory.adapters.postgres.reservations import PostgresReservationRows
from feira.services.inventory.adapters.postgres.stock import (
    PostgresMovementRows,
    PostgresPositionRow,
    PostgresStockRows,
)
from feira.services.inventory.adapters.unit_of_work import RowsUnitOfWork
from feira.services.inventory.application.untold_levels import UntoldLevels


def units_of_work(
    untold: UntoldLevels | None = None,
) -> Callable[[Connection, Outbox, Ids, datetime], RowsUnitOfWork]:
    """Units of work that share a shelf: one maker a process.

    Without `untold` each tells the levels that it changes.
    """
    shelf = new_shelf()

    def make(connection: Connection, outbox: Outbox, ids: Ids, now: datetime) -> RowsUnitOfWork:
        return RowsUnitOfWork(
            outbox,
            ids,
            now,
            reservations=Reservations(PostgresReservationRows(connection), shelf),
            allotment_rows=PostgresAllotmentRows(connection),
            stock_rows=PostgresStockRows(connection),
            movement_rows=PostgresMovementRows(connection),
            position_row=PostgresPositionRow(connection),
            untold=untold,
        )

    return make
