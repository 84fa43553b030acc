"""Everything a transaction of orders works with."""

from collections.abc import Callable
from datetime import datetime

from feira.chassis.aggregates import Shelf
from feira.chassis.outbox import Outbox
from feira.chassis.postgres.connection import Connection
from feira.kernel.ids import Ids
from feira.services.orders.adapters.postgres.orders import Orders, PostgresOrderRows, new_shelf
from feira.services.orders.adapters.postgres.price_book import PostgresPriceBook
from feira.services.orders.domain.order import Order


class PostgresOrdersUnitOfWork:
    def __init__(
        self,
        connection: Connection,
        outbox: Outbox,
        ids: Ids,
        now: datetime,
        shelf: Shelf[Order],
    ) -> None:
        self.outbox = outbox
        self.ids = ids
        self.now = now
        self.orders = Orders(PostgresOrderRows(connection, now), shelf)
        self.price_book = PostgresPriceBook(connection)

    async def flush(self) -> None:
        await self.price_book.flush()
        await self.orders.flush()

    def committed(self) -> None:
        self.orders.committed()


def units_of_work() -> Callable[[Connection, Outbox, Ids, datetime], PostgresOrdersUnitOfWork]:
    """Units of work that share a shelf: one maker a process."""
    shelf = new_shelf()

    def make(
        connection: Connection, outbox: Outbox, ids: Ids, now: datetime
    ) -> PostgresOrdersUnitOfWork:
        return PostgresOrdersUnitOfWork(connection, outbox, ids, now, shelf)

    return make
