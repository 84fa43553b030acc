"""Reading orders."""

from collections.abc import Sequence
from typing import Final

from feira.chassis.postgres.reading import Reader
from feira.services.orders.adapters.postgres.rows import ORDER_COLUMNS, order_from
from feira.services.orders.application.ports import ListedOrder
from feira.services.orders.domain.order import Order, OrderStatus

GET: Final = f"SELECT {ORDER_COLUMNS} FROM orders WHERE id = $1"
FIND_OF_CUSTOMER: Final = """
SELECT id, status, customer_id, total_cents, created_at FROM orders
WHERE customer_id = $1 AND ($2::text IS NULL OR status = $2) AND ($3::bigint IS NULL OR id < $3)
ORDER BY id DESC LIMIT $4
"""
FIND_OF_ALL: Final = """
SELECT id, status, customer_id, total_cents, created_at FROM orders
WHERE ($1::text IS NULL OR status = $1) AND ($2::bigint IS NULL OR id < $2)
ORDER BY id DESC LIMIT $3
"""


class PostgresOrderQueries:
    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def get(self, order_id: int) -> Order | None:
        async with self._reader.connection() as connection:
            row = await connection.fetchrow(GET, order_id)
        return order_from(row) if row else None

    async def find(
        self,
        *,
        customer_id: int | None,
        status: OrderStatus | None,
        before_id: int | None,
        orders_max: int,
    ) -> Sequence[ListedOrder]:
        async with self._reader.connection() as connection:
            if customer_id is None:
                rows = await connection.fetch(FIND_OF_ALL, status, before_id, orders_max)
            else:
                rows = await connection.fetch(
                    FIND_OF_CUSTOMER, customer_id, status, before_id, orders_max
                )
        return [ListedOrder(row[0], OrderStatus(row[1]), *row[2:]) for row in rows]
