"""Everything a transaction of the catalog works with, in PostgreSQL."""

from datetime import datetime

from feira.chassis.outbox import Outbox
from feira.chassis.postgres.connection import Connection
from feira.kernel.ids import Ids
from feira.services.catalog.adapters.postgres.categories import PostgresCategoryRows
from feira.services.catalog.adapters.postgres.products import PostgresProductRows
from feira.services.catalog.adapters.postgres.stock_levels import (
    PostgresPositionRow,
    PostgresStockLevelRows,
)
from feira.services.catalog.adapters.unit_of_work import RowsUnitOfWork


def postgres_unit_of_work(
    connection: Connection, outbox: Outbox, ids: Ids, now: datetime
) -> RowsUnitOfWork:
    return RowsUnitOfWork(
        outbox,
        ids,
        now,
        product_rows=PostgresProductRows(connection),
        category_rows=PostgresCategoryRows(connection),
        stock_level_rows=PostgresStockLevelRows(connection),
        position_row=PostgresPositionRow(connection),
    )
