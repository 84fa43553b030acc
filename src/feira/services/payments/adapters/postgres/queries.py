"""Reading payments."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from feira.chassis.postgres.reading import Reader
from feira.services.payments.adapters.postgres.rows import PAYMENT_COLUMNS, payment_from
from feira.services.payments.application.ports import Backlog
from feira.services.payments.domain.payment import Payment

COUNTED_MAX: Final = 10_000

OF_ORDER: Final = f"SELECT {PAYMENT_COLUMNS} FROM payment WHERE order_id = $1 ORDER BY attempt"
UNRESOLVED_PAYMENTS: Final = """
SELECT count(*), count(*) FILTER (WHERE next_check_at <= $1), 0::bigint, min(requested_at)
FROM (
    SELECT next_check_at, requested_at FROM payment WHERE next_check_at IS NOT NULL
    ORDER BY next_check_at LIMIT $2
) AS unresolved
"""
UNSETTLED_REFUNDS: Final = """
SELECT count(*), count(*) FILTER (WHERE next_check_at <= $1),
       count(*) FILTER (WHERE failures > 0), min(requested_at)
FROM (
    SELECT next_check_at, requested_at, failures FROM refund WHERE next_check_at IS NOT NULL
    ORDER BY next_check_at LIMIT $2
) AS unsettled
"""


class PostgresPaymentQueries:
    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def of_order(self, order_id: int) -> Sequence[Payment]:
        async with self._reader.connection() as connection:
            rows = await connection.fetch(OF_ORDER, order_id)
        return [payment_from(row) for row in rows]

    async def unresolved_payments(self, now: datetime) -> Backlog:
        return await self._backlog(UNRESOLVED_PAYMENTS, now)

    async def unsettled_refunds(self, now: datetime) -> Backlog:
        return await self._backlog(UNSETTLED_REFUNDS, now)

    async def _backlog(self, statement: str, now: datetime) -> Backlog:
        async with self._reader.connection() as connection:
            row = await connection.fetchrow(statement, now, COUNTED_MAX)
        assert row is not None
        return Backlog(*row)
