"""The table of orders."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

import asyncpg

from feira.chassis.aggregates import Aggregates, Shelf
from feira.chassis.postgres.connection import Connection, count_of
from feira.chassis.store import Contention
from feira.services.orders.adapters.postgres.rows import (
    ORDER_COLUMNS,
    inserted,
    order_from,
    updated,
)
from feira.services.orders.domain.order import Order

LOAD: Final = f"SELECT {ORDER_COLUMNS} FROM orders WHERE id = ANY($1::bigint[])"
UNSETTLED: Final = f"""
SELECT {ORDER_COLUMNS} FROM orders
WHERE NOT settled AND updated_at + $1 + (updated_at - created_at) <= $2
ORDER BY id LIMIT $3
"""
CURRENT: Final = """
SELECT count(*) FROM orders JOIN unnest($1::bigint[], $2::integer[]) AS known (id, version)
USING (id, version)
"""
INSERTED_COLUMNS: Final = (
    *("customer_id", "lines", "total_cents", "delivery", "created_at", "pays_at_once"),
    *("allotment_id", "hold_until"),
    *("id", "status", "payment", "payment_attempts", "payment_status", "inventory_status"),
    *("captured_cents", "refunded_cents", "step", "settled", "reason", "tracking", "version"),
    "updated_at",
)
UPDATE: Final = """
UPDATE orders SET
    status = new.status, payment = new.payment, payment_attempts = new.payment_attempts,
    payment_status = new.payment_status, inventory_status = new.inventory_status,
    captured_cents = new.captured_cents, refunded_cents = new.refunded_cents, step = new.step,
    settled = new.settled, reason = new.reason, tracking = new.tracking, version = new.version,
    updated_at = $14
FROM unnest(
    $1::bigint[], $2::text[], $3::json[], $4::smallint[], $5::text[], $6::text[],
    $7::bigint[], $8::bigint[], $9::smallint[], $10::boolean[], $11::text[], $12::text[],
    $13::integer[]
) AS new (
    id, status, payment, payment_attempts, payment_status, inventory_status,
    captured_cents, refunded_cents, step, settled, reason, tracking, version
)
WHERE orders.id = new.id AND orders.version = new.version - 1
"""


class PostgresOrderRows:
    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    async def load(self, ids: Collection[int]) -> Iterable[Order]:
        return map(order_from, await self._connection.fetch(LOAD, list(ids)))

    async def find_unsettled(self, quiet_for: timedelta, orders_max: int) -> Iterable[Order]:
        rows = await self._connection.fetch(UNSETTLED, quiet_for, self._now, orders_max)
        return map(order_from, rows)

    async def insert(self, aggregates: Collection[Order]) -> None:
        records = [(*inserted(order), self._now) for order in aggregates]
        try:
            await self._connection.copy_records_to_table(
                "orders", records=records, columns=INSERTED_COLUMNS
            )
        except asyncpg.UniqueViolationError as error:
            raise Contention("another process has made an order of this id") from error

    async def update(self, aggregates: Collection[Order]) -> int:
        columns = zip(*map(updated, aggregates), strict=True)
        return count_of(await self._connection.execute(UPDATE, *map(list, columns), self._now))

    async def count_current(self, aggregates: Collection[Order]) -> int:
        ids, versions = [a.id for a in aggregates], [a.version for a in aggregates]
        count: int = await self._connection.fetchval(CURRENT, ids, versions)
        return count


class Orders(Aggregates[Order]):
    def __init__(self, rows: PostgresOrderRows, shelf: Shelf[Order]) -> None:
        super().__init__(rows, lambda order: order.id, shelf)
        self._find_unsettled = rows.find_unsettled

    async def find_unsettled(self, quiet_for: timedelta, orders_max: int) -> Sequence[Order]:
        await self.flush()  # what was decided earlier in this batch counts
        return self._learn(await self._find_unsettled(quiet_for, orders_max))


def new_shelf() -> Shelf[Order]:
    """Orders that are settled are hardly touched again."""
    return Shelf(lambda order: not order.settled)
