"""The tables of stock items, of their movements, and of how far the announcement has come."""

from collections.abc import Collection, Iterable, Sequence
from operator import attrgetter
from typing import Final

import asyncpg

from feira.chassis.postgres.connection import Connection
from feira.chassis.store import Contention
from feira.services.inventory.domain.stock import Movement, StockItem

LOCK: Final = """
SELECT product_id, on_hand, reserved, version, allotted FROM stock_item
WHERE product_id = ANY($1::bigint[]) ORDER BY product_id FOR UPDATE
"""
IDS_AFTER: Final = """
SELECT product_id FROM stock_item WHERE product_id > $1 ORDER BY product_id LIMIT $2
"""
INSERT: Final = """
INSERT INTO stock_item (product_id, on_hand, reserved, version, allotted)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
"""
UPDATE: Final = """
UPDATE stock_item SET
    on_hand = new.on_hand, reserved = new.reserved, version = new.version, allotted = new.allotted
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
    AS new (product_id, on_hand, reserved, version, allotted)
WHERE stock_item.product_id = new.product_id
"""
INSERT_MOVEMENTS: Final = """
INSERT INTO movement (id, product_id, kind, quantity, reason, reference, at)
SELECT * FROM unnest(
    $1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::text[], $6::text[],
    $7::timestamptz[]
)
"""
LOCK_POSITION: Final = "SELECT position FROM announcement FOR UPDATE"
PUT_POSITION: Final = """
INSERT INTO announcement (position) VALUES ($1) ON CONFLICT (single) DO UPDATE SET position = $1
"""
DROP_POSITION: Final = "DELETE FROM announcement"

_movement: Final = attrgetter("id", "product_id", "kind", "quantity", "reason", "reference", "at")


class PostgresStockRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def lock(self, product_ids: Collection[int]) -> Iterable[StockItem]:
        return [StockItem(*row) for row in await self._connection.fetch(LOCK, list(product_ids))]

    async def ids_after(self, product_id: int, ids_max: int) -> Sequence[int]:
        rows = await self._connection.fetch(IDS_AFTER, product_id, ids_max)
        return [row[0] for row in rows]

    async def insert(self, items: Collection[StockItem]) -> None:
        try:
            await self._connection.execute(INSERT, *_columns(items))
        except asyncpg.UniqueViolationError as error:
            raise Contention("another process began to count the same product") from error

    async def update(self, items: Collection[StockItem]) -> None:
        await self._connection.execute(UPDATE, *_columns(items))


class PostgresMovementRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def insert(self, movements: Collection[Movement]) -> None:
        columns = zip(*map(_movement, movements), strict=True)
        try:
            await self._connection.execute(INSERT_MOVEMENTS, *map(list, columns))
        except asyncpg.UniqueViolationError as error:
            raise Contention("another process has made a movement of this id") from error


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


def _columns(items: Collection[StockItem]) -> tuple[list[int], ...]:
    return (
        [item.product_id for item in items],
        [item.on_hand for item in items],
        [item.reserved for item in items],
        [item.version for item in items],
        [item.allotted for item in items],
    )
