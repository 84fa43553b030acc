"""Payments in SQL: a statement for all that are read or written together."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

import asyncpg

from feira.chassis.postgres.connection import Connection
from feira.chassis.store import Contention
from feira.services.payments.adapters.postgres.rows import (
    PAYMENT_COLUMNS,
    inserted_payment,
    payment_from,
    updated_payment,
)
from feira.services.payments.application.ports import Attempt
from feira.services.payments.domain.payment import Payment, Standing, State

LOCK: Final = f"""
SELECT {PAYMENT_COLUMNS} FROM payment WHERE order_id = ANY($1::bigint[])
ORDER BY order_id, attempt FOR UPDATE
"""
CANCELED: Final = "SELECT order_id FROM canceled_order WHERE order_id = ANY($1::bigint[])"
ORDER_IDS: Final = "SELECT id, order_id FROM payment WHERE id = ANY($1::bigint[])"
STANDINGS: Final = """
SELECT payment.order_id, payment.attempt, payment.state, payment.charge_id, payment.captured_cents
FROM unnest($1::bigint[], $2::smallint[]) AS asked (order_id, attempt)
JOIN payment USING (order_id, attempt)
"""
DUE: Final = """
SELECT order_id FROM payment WHERE next_check_at <= $1 ORDER BY next_check_at LIMIT $2
"""
INSERTED_COLUMNS: Final = (
    *("id", "order_id", "attempt", "amount_cents", "method", "token", "requested_at", "state"),
    *("reason", "next_check_at", "correlation_id"),
    *("captured_cents", "refunded_cents", "refunding_cents"),
)
UPDATE: Final = """
UPDATE payment SET
    token = CASE WHEN new.next_check_at IS NOT NULL THEN payment.token END,
    state = new.state, charge_id = new.charge_id, reason = new.reason,
    captured_cents = new.captured_cents, refunded_cents = new.refunded_cents,
    refunding_cents = new.refunding_cents, next_check_at = new.next_check_at
FROM unnest(
    $1::bigint[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[],
    $8::timestamptz[]
) AS new (
    id, state, charge_id, reason, captured_cents, refunded_cents, refunding_cents, next_check_at
)
WHERE payment.id = new.id
"""
MARK_CANCELED: Final = """
INSERT INTO canceled_order (order_id, canceled_at) SELECT unnest($1::bigint[]), $2
ON CONFLICT DO NOTHING
"""


class PostgresPaymentRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def lock(self, order_ids: Collection[int]) -> tuple[Iterable[Payment], Iterable[int]]:
        asked = list(order_ids)
        payments = await self._connection.fetch(LOCK, asked)
        canceled = await self._connection.fetch(CANCELED, asked)
        return map(payment_from, payments), (order_id for (order_id,) in canceled)

    async def order_ids(self, payment_ids: Collection[int]) -> Mapping[int, int]:
        rows = await self._connection.fetch(ORDER_IDS, list(payment_ids))
        return {row[0]: row[1] for row in rows}

    async def standings(self, attempts: Collection[Attempt]) -> Mapping[Attempt, Standing]:
        columns = zip(*attempts, strict=True)
        rows = await self._connection.fetch(STANDINGS, *map(list, columns))
        return {(row[0], row[1]): Standing(State(row[2]), row[3], row[4]) for row in rows}

    async def due_orders(self, by: datetime, orders_max: int) -> Sequence[int]:
        rows = await self._connection.fetch(DUE, by, orders_max)
        return list(dict.fromkeys(order_id for (order_id,) in rows))

    async def insert(self, payments: Collection[Payment]) -> None:
        try:
            await self._connection.copy_records_to_table(
                "payment", records=map(inserted_payment, payments), columns=INSERTED_COLUMNS
            )
        except asyncpg.UniqueViolationError as error:
            raise Contention("another process has begun the same attempt") from error

    async def update(self, payments: Collection[Payment]) -> None:
        columns = zip(*map(updated_payment, payments), strict=True)
        await self._connection.execute(UPDATE, *map(list, columns))

    async def mark_canceled(self, order_ids: Collection[int], at: datetime) -> None:
        await self._connection.execute(MARK_CANCELED, list(order_ids), at)
