"""The copy of what can still be sold, and how far the announcement of all products has come."""

from collections.abc import Collection, Mapping
from typing import Final

from feira.chassis.postgres.connection import Connection
from feira.services.catalog.application.ports import StockLevel

AVAILABLE: Final = """
SELECT product_id, available FROM stock_level WHERE product_id = ANY($1::bigint[])
"""
PUT: Final = """
INSERT INTO stock_level AS old (product_id, available, version)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS new (id, available, version)
ORDER BY id
ON CONFLICT (product_id) DO UPDATE SET
    available = EXCLUDED.available, version = EXCLUDED.version
WHERE old.version < EXCLUDED.version
"""
LOCK_POSITION: Final = "SELECT position FROM announcement FOR UPDATE"
PUT_POSITION: Final = """
INSERT INTO announcement (position) VALUES ($1) ON CONFLICT (single) DO UPDATE SET position = $1
"""
DROP_POSITION: Final = "DELETE FROM announcement"


class PostgresStockLevelRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def available(self, product_ids: Collection[int]) -> Mapping[int, int]:
        rows = await self._connection.fetch(AVAILABLE, list(product_ids))
        return {row[0]: row[1] for row in rows}

    async def put(self, levels: Collection[StockLevel]) -> None:
        await self._connection.execute(
            PUT,
            [level.product_id for level in levels],
            [level.available for level in levels],
            [level.version for level in levels],
        )


class PostgresPositionRow:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def lock(self) -> int | None:
        position: int | None = await self._connection.fetchval(LOCK_POSITION)
        return position

    async def put(self, position: int | None) -> None:
        if position is None:
            await self._connection.execute(DROP_POSITION)
        else:
            await self._connection.execute(PUT_POSITION, position)
