"""The table of allotments."""

from collections.abc import Collection, Iterable
from typing import Final

import asyncpg

from feira.chassis.postgres.connection import Connection
from feira.chassis.store import Contention
from feira.services.inventory.domain.allotment import Allotment

COLUMNS: Final = "id, product_id, units, units_left, set_aside_at, closed_at, given_back"
LOCK: Final = f"""
SELECT {COLUMNS} FROM allotment WHERE id = ANY($1::bigint[]) ORDER BY id FOR UPDATE
"""
INSERT: Final = f"""
INSERT INTO allotment ({COLUMNS})
SELECT * FROM unnest(
    $1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::timestamptz[], $6::timestamptz[],
    $7::bigint[]
)
"""
UPDATE: Final = """
UPDATE allotment SET
    units_left = new.units_left, closed_at = new.closed_at, given_back = new.given_back
FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::bigint[])
    AS new (id, units_left, closed_at, given_back)
WHERE allotment.id = new.id
"""


class PostgresAllotmentRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def lock(self, ids: Collection[int]) -> Iterable[Allotment]:
        return [Allotment(*row) for row in await self._connection.fetch(LOCK, list(ids))]

    async def insert(self, aggregates: Collection[Allotment]) -> None:
        try:
            await self._connection.execute(
                INSERT,
                [allotment.id for allotment in aggregates],
                [allotment.product_id for allotment in aggregates],
                [allotment.units for allotment in aggregates],
                [allotment.left for allotment in aggregates],
                [allotment.set_aside_at for allotment in aggregates],
                [allotment.closed_at for allotment in aggregates],
                [allotment.given_back for allotment in aggregates],
            )
        except asyncpg.UniqueViolationError as error:
            raise Contention("another process decided on the same allotment") from error

    async def update(self, aggregates: Collection[Allotment]) -> None:
        await self._connection.execute(
            UPDATE,
            [allotment.id for allotment in aggregates],
            [allotment.left for allotment in aggregates],
            [allotment.closed_at for allotment in aggregates],
            [allotment.given_back for allotment in aggregates],
        )
