"""The table of products."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

import asyncpg

from feira.chassis.postgres.connection import Connection
from feira.chassis.store import Contention
from feira.services.catalog.domain.product import Product

COLUMNS: Final = """
product.id, product.code, product.name, product.price_cents, product.description,
product.category_ids, product.attributes, product.initial_stock, product.created_at,
product.version, product.removed
"""
COLUMN_COUNT: Final = 11
LOCK: Final = f"""
SELECT {COLUMNS} FROM product WHERE id = ANY($1::bigint[]) ORDER BY id FOR UPDATE
"""
LOCK_BY_CODE: Final = f"""
SELECT {COLUMNS} FROM product WHERE code = ANY($1::text[]) AND NOT removed ORDER BY id FOR UPDATE
"""
PAGE_AFTER: Final = f"SELECT {COLUMNS} FROM product WHERE id > $1 ORDER BY id LIMIT $2"
CATEGORIES_IN_USE: Final = """
SELECT wanted FROM unnest($1::bigint[]) AS wanted
WHERE EXISTS (SELECT FROM product WHERE category_ids @> ARRAY[wanted] AND NOT removed)
"""
# Arrays of arrays are rectangles in PostgreSQL, so each product's categories come as JSON.
INSERT: Final = """
INSERT INTO product (
    id, code, name, price_cents, description, category_ids, attributes, initial_stock, created_at,
    version, removed
)
SELECT id, code, name, price_cents, description,
    ARRAY(SELECT json_array_elements_text(category_ids)::bigint), attributes, initial_stock,
    created_at, version, removed
FROM unnest(
    $1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::json[], $7::json[],
    $8::bigint[], $9::timestamptz[], $10::bigint[], $11::boolean[]
) AS new (
    id, code, name, price_cents, description, category_ids, attributes, initial_stock, created_at,
    version, removed
)
"""
# The index of codes is checked row by row: codes that pass from one product to another are freed
# first.
FREE_CODES: Final = """
UPDATE product SET code = NULL
FROM unnest($1::bigint[], $2::text[]) AS new (id, code)
WHERE product.id = new.id AND product.code <> new.code AND NOT product.removed
"""
UPDATE: Final = """
UPDATE product SET
    code = new.code, name = new.name, price_cents = new.price_cents,
    description = new.description,
    category_ids = ARRAY(SELECT json_array_elements_text(new.category_ids)::bigint),
    attributes = new.attributes, version = new.version, removed = new.removed
FROM unnest(
    $1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::json[], $7::json[],
    $8::bigint[], $9::boolean[]
) AS new (id, code, name, price_cents, description, category_ids, attributes, version, removed)
WHERE product.id = new.id
"""
REMOVED: Final = "UPDATE product SET removed = true WHERE id = ANY($1::bigint[])"


class PostgresProductRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def lock(self, ids: Collection[int]) -> Iterable[Product]:
        return map(product_from, await self._connection.fetch(LOCK, list(ids)))

    async def lock_by_code(self, codes: Collection[str]) -> Iterable[Product]:
        return map(product_from, await self._connection.fetch(LOCK_BY_CODE, list(codes)))

    async def page_after(self, product_id: int, rows_max: int) -> Sequence[Product]:
        rows = await self._connection.fetch(PAGE_AFTER, product_id, rows_max)
        return [product_from(row) for row in rows]

    async def categories_in_use(self, category_ids: Collection[int]) -> Collection[int]:
        rows = await self._connection.fetch(CATEGORIES_IN_USE, list(category_ids))
        return {row[0] for row in rows}

    async def insert(self, products: Collection[Product]) -> None:
        await self._write(
            INSERT,
            [(*_shared(p), p.initial_stock, p.created_at, p.version, p.removed) for p in products],
        )

    async def update(self, products: Collection[Product]) -> None:
        removed = [product.id for product in products if product.removed]
        ids, codes = [product.id for product in products], [product.code for product in products]
        if removed:
            await self._connection.execute(REMOVED, removed)
        await self._connection.execute(FREE_CODES, ids, codes)
        await self._write(UPDATE, [(*_shared(p), p.version, p.removed) for p in products])

    async def _write(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        columns = zip(*rows, strict=True)
        try:
            await self._connection.execute(statement, *map(list, columns))
        except asyncpg.UniqueViolationError as error:
            raise Contention("another process has taken the same code") from error


def product_from(row: Any) -> Product:
    """From `COLUMNS`, which may be followed by others."""
    return Product(
        id=row[0],
        code=row[1],
        name=row[2],
        price_cents=row[3],
        description=row[4],
        category_ids=tuple(row[5]),
        attributes=row[6].encode(),
        initial_stock=row[7],
        created_at=row[8],
        version=row[9],
        removed=row[10],
    )


def _shared(product: Product) -> tuple[Any, ...]:
    """The columns that INSERT and UPDATE begin with."""
    return (
        product.id,
        product.code,
        product.name,
        product.price_cents,
        product.description,
        str(list(product.category_ids)),
        product.attributes.decode(),
    )
