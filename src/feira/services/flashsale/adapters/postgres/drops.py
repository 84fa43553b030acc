"""The table of drops."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

import asyncpg

from feira.chassis.postgres.connection import Connection
from feira.chassis.store import Contention
from feira.services.flashsale.domain.drop import Drop, DropStatus

DROP_COLUMNS: Final = """
id, campaign_id, slot, product_id, price_cents, units, per_customer, queue_max, pay_seconds,
starts_at, prepare_at, ends_at, status, set_aside, held, sold, given_back, claims, queued, served,
asked, ask_at, version
"""
LOCK: Final = f"""
SELECT {DROP_COLUMNS} FROM sale_drop WHERE id = ANY($1::bigint[]) ORDER BY id FOR UPDATE
"""
LOCK_DUE: Final = f"""
SELECT {DROP_COLUMNS} FROM sale_drop WHERE due_at <= $1
ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED
"""
LOCK_WAITING_FOR_OTHERS: Final = f"""
SELECT {DROP_COLUMNS} FROM sale_drop
WHERE status <> 'closed' AND (held > 0 OR status IN ('preparing', 'returning'))
ORDER BY id LIMIT $1 FOR UPDATE
"""
LOCK_OF_CAMPAIGNS: Final = f"""
SELECT {DROP_COLUMNS} FROM sale_drop
WHERE status <> 'closed' AND campaign_id = ANY($1::bigint[])
ORDER BY id FOR UPDATE
"""
CURRENT_OF: Final = """
SELECT DISTINCT ON (campaign_id) campaign_id, id FROM sale_drop
WHERE campaign_id = ANY($1::bigint[]) AND status <> 'closed'
ORDER BY campaign_id, status <> 'open', starts_at
"""
INSERT: Final = f"""
INSERT INTO sale_drop ({DROP_COLUMNS}, due_at)
SELECT * FROM unnest(
    $1::bigint[], $2::bigint[], $3::timestamptz[], $4::bigint[], $5::bigint[], $6::integer[],
    $7::integer[], $8::integer[], $9::integer[], $10::timestamptz[], $11::timestamptz[],
    $12::timestamptz[], $13::text[], $14::integer[], $15::integer[], $16::integer[],
    $17::integer[], $18::integer[], $19::integer[], $20::integer[], $21::integer[],
    $22::timestamptz[], $23::bigint[], $24::timestamptz[]
)
"""
UPDATE: Final = """
UPDATE sale_drop SET
    ends_at = new.ends_at, status = new.status, set_aside = new.set_aside, held = new.held,
    sold = new.sold, given_back = new.given_back, claims = new.claims, queued = new.queued,
    served = new.served, asked = new.asked, ask_at = new.ask_at, version = new.version,
    due_at = new.due_at
FROM unnest(
    $1::bigint[], $2::timestamptz[], $3::text[], $4::integer[], $5::integer[], $6::integer[],
    $7::integer[], $8::integer[], $9::integer[], $10::integer[], $11::integer[],
    $12::timestamptz[], $13::bigint[], $14::timestamptz[]
) AS new (
    id, ends_at, status, set_aside, held, sold, given_back, claims, queued, served, asked, ask_at,
    version, due_at
)
WHERE sale_drop.id = new.id
"""


class PostgresDropRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def lock(self, ids: Collection[int]) -> Iterable[Drop]:
        return map(drop_from, await self._connection.fetch(LOCK, list(ids)))

    async def lock_due(self, now: datetime, rows_max: int) -> Iterable[Drop]:
        return map(drop_from, await self._connection.fetch(LOCK_DUE, now, rows_max))

    async def lock_waiting_for_others(self, rows_max: int) -> Iterable[Drop]:
        return map(drop_from, await self._connection.fetch(LOCK_WAITING_FOR_OTHERS, rows_max))

    async def lock_of_campaigns(self, campaign_ids: Collection[int]) -> Iterable[Drop]:
        return map(drop_from, await self._connection.fetch(LOCK_OF_CAMPAIGNS, list(campaign_ids)))

    async def current_of(self, campaign_ids: Collection[int]) -> Mapping[int, int]:
        return dict(map(tuple, await self._connection.fetch(CURRENT_OF, list(campaign_ids))))

    async def insert(self, aggregates: Collection[Drop]) -> None:
        columns = zip(*map(_inserted, aggregates), strict=True)
        try:
            await self._connection.execute(INSERT, *map(list, columns))
        except asyncpg.UniqueViolationError as error:
            raise Contention("another process planned the same drop") from error

    async def update(self, aggregates: Collection[Drop]) -> None:
        columns = zip(*map(_updated, aggregates), strict=True)
        await self._connection.execute(UPDATE, *map(list, columns))


def drop_from(row: Any) -> Drop:
    drop = Drop(*row[:12])
    drop.status = DropStatus(row[12])
    (
        drop.set_aside,
        drop.held,
        drop.sold,
        drop.given_back,
        drop.claims,
        drop.queued,
        drop.served,
        drop.asked,
        drop.ask_at,
        drop.version,
    ) = row[13:]
    return drop


def _inserted(drop: Drop) -> tuple[Any, ...]:
    return (
        drop.id,
        drop.campaign_id,
        drop.slot,
        drop.product_id,
        drop.price_cents,
        drop.units,
        drop.per_customer,
        drop.queue_max,
        drop.pay_seconds,
        drop.starts_at,
        drop.prepare_at,
        *_updated(drop)[1:],
    )


def _updated(drop: Drop) -> tuple[Any, ...]:
    """The id, then what changes, in the order of the columns."""
    return (
        drop.id,
        drop.ends_at,
        drop.status,
        drop.set_aside,
        drop.held,
        drop.sold,
        drop.given_back,
        drop.claims,
        drop.queued,
        drop.served,
        drop.asked,
        drop.ask_at,
        drop.version,
        drop.due_at,
    )
