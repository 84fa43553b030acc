"""The table of claims: written by COPY, since a crowd comes at once."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final

import asyncpg

from feira.chassis.postgres.connection import Connection
from feira.chassis.store import Contention
from feira.services.flashsale.domain.claim import Claim, ClaimStatus

INSERTED: Final = (
    *("drop_id", "seq", "customer_id", "nth", "status", "arrived_at", "decided_at", "order_id"),
    *(
        "queue_no",
        "won_at",
        "pay_until",
        "settled_at",
        "delivery",
        "payment_method",
        "payment_token",
    ),
)
CLAIM_COLUMNS: Final = """
drop_id, seq, customer_id, nth, status, arrived_at, decided_at, order_id, queue_no, won_at,
pay_until, settled_at, delivery, payment_method, payment_token
"""
COUNT_OF: Final = """
SELECT claim.drop_id, claim.customer_id, count(*)
FROM unnest($1::bigint[], $2::bigint[]) AS wanted (drop_id, customer_id)
JOIN claim ON claim.drop_id = wanted.drop_id AND claim.customer_id = wanted.customer_id
GROUP BY 1, 2
"""
OF_ORDERS: Final = f"SELECT {CLAIM_COLUMNS} FROM claim WHERE order_id = ANY($1::bigint[])"
NEXT_IN_QUEUE: Final = f"""
SELECT {CLAIM_COLUMNS} FROM claim WHERE drop_id = $1 AND status = 'waiting' ORDER BY seq LIMIT $2
"""
UNSETTLED: Final = f"""
SELECT {CLAIM_COLUMNS} FROM claim WHERE drop_id = $1 AND status = 'won' ORDER BY seq LIMIT $2
"""
UPDATE: Final = """
UPDATE claim SET
    status = new.status, order_id = new.order_id, won_at = new.won_at,
    pay_until = new.pay_until, settled_at = new.settled_at, payment_token = new.payment_token
FROM unnest(
    $1::bigint[], $2::integer[], $3::text[], $4::bigint[], $5::timestamptz[], $6::timestamptz[],
    $7::timestamptz[], $8::text[]
) AS new (drop_id, seq, status, order_id, won_at, pay_until, settled_at, payment_token)
WHERE claim.drop_id = new.drop_id AND claim.seq = new.seq
"""

_record: Final = attrgetter(*INSERTED)
_updated: Final = attrgetter(
    *("drop_id", "seq", "status", "order_id", "won_at", "pay_until", "settled_at", "payment_token")
)


class PostgresClaimRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def count_of(
        self, customers: Collection[tuple[int, int]]
    ) -> Mapping[tuple[int, int], int]:
        drop_ids, customer_ids = zip(*customers, strict=True)
        rows = await self._connection.fetch(COUNT_OF, drop_ids, customer_ids)
        return {(drop_id, customer_id): count for drop_id, customer_id, count in rows}

    async def of_orders(self, order_ids: Collection[int]) -> Iterable[Claim]:
        return map(claim_from, await self._connection.fetch(OF_ORDERS, list(order_ids)))

    async def next_in_queue(self, drop_id: int, rows_max: int) -> Sequence[Claim]:
        rows = await self._connection.fetch(NEXT_IN_QUEUE, drop_id, rows_max)
        return [claim_from(row) for row in rows]

    async def unsettled(self, drop_id: int, rows_max: int) -> Sequence[Claim]:
        rows = await self._connection.fetch(UNSETTLED, drop_id, rows_max)
        return [claim_from(row) for row in rows]

    async def insert(self, claims: Collection[Claim]) -> None:
        try:
            await self._connection.copy_records_to_table(
                "claim", records=map(_record, claims), columns=INSERTED
            )
        except asyncpg.UniqueViolationError as error:
            raise Contention("another process decided on the same claim") from error

    async def update(self, claims: Collection[Claim]) -> None:
        columns = zip(*map(_updated, claims), strict=True)
        try:
            await self._connection.execute(UPDATE, *map(list, columns))
        except asyncpg.UniqueViolationError as error:
            raise Contention("another process has made an order of this id") from error


def claim_from(row: Any) -> Claim:
    drop_id, seq, customer_id, nth, status, *rest = row
    return Claim(drop_id, seq, customer_id, nth, ClaimStatus(status), *rest)
