"""Refunds in SQL: a statement for all that are read or written together."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Final

import asyncpg

from feira.chassis.postgres.connection import Connection
from feira.chassis.store import Contention
from feira.services.payments.adapters.postgres.rows import (
    REFUND_COLUMNS,
    inserted_refund,
    refund_from,
    updated_refund,
)
from feira.services.payments.domain.refund import BY_ADMIN, Refund, RefundState

LOCK: Final = f"""
SELECT {REFUND_COLUMNS} FROM refund WHERE key = ANY($1::text[]) ORDER BY id FOR UPDATE
"""
LOCK_DUE: Final = f"""
SELECT {REFUND_COLUMNS} FROM refund WHERE next_check_at <= $1
ORDER BY next_check_at LIMIT $2 FOR UPDATE SKIP LOCKED
"""
GIVEN_BY: Final = f"""
SELECT {REFUND_COLUMNS} FROM refund WHERE state = $1 AND reason = $2 ORDER BY id DESC LIMIT $3
"""
INSERT: Final = """
INSERT INTO refund (
    payment_id, order_id, attempt, key, charge_id, amount_cents, reason, requested_at,
    id, state, failures, failure_reason, next_check_at
)
SELECT * FROM unnest(
    $1::bigint[], $2::bigint[], $3::smallint[], $4::text[], $5::text[], $6::bigint[], $7::text[],
    $8::timestamptz[], $9::bigint[], $10::text[], $11::integer[], $12::text[], $13::timestamptz[]
)
"""
UPDATE: Final = """
UPDATE refund SET
    state = new.state, failures = new.failures, failure_reason = new.failure_reason,
    next_check_at = new.next_check_at
FROM unnest($1::bigint[], $2::text[], $3::integer[], $4::text[], $5::timestamptz[])
     AS new (id, state, failures, failure_reason, next_check_at)
WHERE refund.id = new.id
"""


class PostgresRefundRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def lock(self, keys: Collection[str]) -> Iterable[Refund]:
        return map(refund_from, await self._connection.fetch(LOCK, list(keys)))

    async def lock_due(self, by: datetime, refunds_max: int) -> Iterable[Refund]:
        return map(refund_from, await self._connection.fetch(LOCK_DUE, by, refunds_max))

    async def given_by_admins(self, refunds_max: int) -> Iterable[Refund]:
        rows = await self._connection.fetch(GIVEN_BY, RefundState.SUCCEEDED, BY_ADMIN, refunds_max)
        return map(refund_from, rows)

    async def insert(self, refunds: Collection[Refund]) -> None:
        columns = zip(*map(inserted_refund, refunds), strict=True)
        try:
            await self._connection.execute(INSERT, *map(list, columns))
        except asyncpg.UniqueViolationError as error:
            raise Contention("another process has begun the same refund, or made its id") from error

    async def update(self, refunds: Collection[Refund]) -> None:
        columns = zip(*map(updated_refund, refunds), strict=True)
        await self._connection.execute(UPDATE, *map(list, columns))
