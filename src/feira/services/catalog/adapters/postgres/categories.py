"""The table of categories."""

from collections.abc import Collection, Iterable
from typing import Final

import asyncpg

from feira.chassis.postgres.connection import Connection
from feira.chassis.store import Contention
from feira.services.catalog.domain.category import Category

TREE_LOCK: Final = 0x0FE4
LOCK_TREE: Final = "SELECT pg_advisory_xact_lock($1)"
ALL: Final = "SELECT id, name, parent_id FROM category ORDER BY id"
INSERT: Final = """
INSERT INTO category (id, name, parent_id)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[])
"""
UPDATE: Final = """
UPDATE category SET name = new.name, parent_id = new.parent_id
FROM unnest($1::bigint[], $2::text[], $3::bigint[]) AS new (id, name, parent_id)
WHERE category.id = new.id
"""
DELETE: Final = "DELETE FROM category WHERE id = ANY($1::bigint[])"


class PostgresCategoryRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def lock_all(self) -> Iterable[Category]:
        """The tree is locked as one: its rules are about more than the rows that change."""
        await self._connection.execute(LOCK_TREE, TREE_LOCK)
        return [Category(*row) for row in await self._connection.fetch(ALL)]

    async def insert(self, categories: Collection[Category]) -> None:
        try:
            await self._connection.execute(INSERT, *_columns(categories))
        except asyncpg.UniqueViolationError as error:
            raise Contention("another process has made the same category") from error

    async def update(self, categories: Collection[Category]) -> None:
        await self._connection.execute(UPDATE, *_columns(categories))

    async def delete(self, ids: Collection[int]) -> None:
        await self._connection.execute(DELETE, list(ids))


def _columns(categories: Collection[Category]) -> tuple[list[int], list[str], list[int | None]]:
    return (
        [category.id for category in categories],
        [category.name for category in categories],
        [category.parent_id for category in categories],
    )
