"""Reading the catalog."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from feira.chassis.postgres.reading import Reader
from feira.services.catalog.adapters.postgres.categories import ALL
from feira.services.catalog.adapters.postgres.products import COLUMN_COUNT, COLUMNS, product_from
from feira.services.catalog.application.ports import ProductFilter, ShownProduct, Sort
from feira.services.catalog.domain.category import Category, CategoryTree

SHOWN: Final = f"""
SELECT {COLUMNS},
    coalesce(stock_level.available, product.initial_stock),
    (
        SELECT json_agg(json_build_object('id', category.id, 'name', category.name,
            'parent_id', category.parent_id) ORDER BY named.place)
        FROM unnest(product.category_ids) WITH ORDINALITY AS named (id, place)
        JOIN category ON category.id = named.id
    )
FROM product LEFT JOIN stock_level ON stock_level.product_id = product.id
"""
GET: Final = f"{SHOWN} WHERE product.id = $1 AND NOT product.removed"
WANTED: Final = """
WHERE NOT product.removed
    AND ($1::bigint IS NULL OR product.category_ids && ARRAY(
        WITH RECURSIVE inside AS (
            SELECT $1::bigint AS id
            UNION SELECT category.id FROM category JOIN inside ON category.parent_id = inside.id
        )
        SELECT id FROM inside
    ))
    AND ($2::bigint IS NULL OR product.price_cents >= $2)
    AND ($3::bigint IS NULL OR product.price_cents <= $3)
    AND ($4::boolean IS NULL
        OR (coalesce(stock_level.available, product.initial_stock) > 0) = $4)
"""
FIND: Final = f"{SHOWN} {WANTED} ORDER BY product.id LIMIT $5 OFFSET $6"
FIND_BY: Final[Mapping[Sort, str]] = {
    Sort.ID: FIND,
    Sort.ID_DOWN: f"{SHOWN} {WANTED} ORDER BY product.id DESC LIMIT $5 OFFSET $6",
    Sort.NAME: f"{SHOWN} {WANTED} ORDER BY product.name, product.id LIMIT $5 OFFSET $6",
    Sort.NAME_DOWN: (
        f"{SHOWN} {WANTED} ORDER BY product.name DESC, product.id DESC LIMIT $5 OFFSET $6"
    ),
    Sort.PRICE: f"{SHOWN} {WANTED} ORDER BY product.price_cents, product.id LIMIT $5 OFFSET $6",
    Sort.PRICE_DOWN: (
        f"{SHOWN} {WANTED} ORDER BY product.price_cents DESC, product.id DESC LIMIT $5 OFFSET $6"
    ),
}
COUNT: Final = f"""
SELECT count(*) FROM product LEFT JOIN stock_level ON stock_level.product_id = product.id {WANTED}
"""

_categories: Final = msgspec.json.Decoder(tuple[Category, ...])


class PostgresCatalogQueries:
    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def get_product(self, product_id: int) -> ShownProduct | None:
        async with self._reader.connection() as connection:
            row = await connection.fetchrow(GET, product_id)
        return _shown(row) if row else None

    async def find_products(
        self, wanted: ProductFilter, sort: Sort, *, offset: int, products_max: int
    ) -> tuple[Sequence[ShownProduct], int]:
        conditions = (
            wanted.category_id,
            wanted.min_price_cents,
            wanted.max_price_cents,
            wanted.available,
        )
        async with self._reader.connection() as connection:
            rows = await connection.fetch(FIND_BY[sort], *conditions, products_max, offset)
            total = await connection.fetchval(COUNT, *conditions)
        return [_shown(row) for row in rows], total

    async def categories(self) -> CategoryTree:
        async with self._reader.connection() as connection:
            rows = await connection.fetch(ALL)
        return CategoryTree(Category(*row) for row in rows)


def _shown(row: Any) -> ShownProduct:
    stock, categories = row[COLUMN_COUNT], row[COLUMN_COUNT + 1]
    return ShownProduct(
        product_from(row), stock, _categories.decode(categories) if categories else ()
    )
