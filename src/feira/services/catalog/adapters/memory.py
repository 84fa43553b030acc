"""The catalog in memory: the same units of work over dictionaries, for tests and the simulation.

Aggregates are copied on their way in and out. Rows are locked as in SQL: before they are written,
and where the statement says so before they are read.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from feira.chassis.memory.rows import Rows
from feira.chassis.outbox import Outbox
from feira.chassis.store import Contention
from feira.kernel.ids import Ids
from feira.services.catalog.adapters.unit_of_work import RowsUnitOfWork
from feira.services.catalog.application.ports import ProductFilter, ShownProduct, Sort, StockLevel
from feira.services.catalog.domain.category import Category, CategoryTree
from feira.services.catalog.domain.product import Product

ALL_CATEGORIES: Final = 0
"""Whose lock stands for that of the whole table."""
_SORT_KEYS: Final[Mapping[str, Callable[[Product], Any]]] = {
    "id": lambda product: product.id,
    "name": lambda product: (product.name, product.id),
    "price": lambda product: (product.price_cents, product.id),
}


@dataclass
class MemoryCatalog:
    """The database: what has been flushed."""

    products: dict[int, Product] = field(default_factory=dict)
    categories_by_id: dict[int, Category] = field(default_factory=dict)
    stock_levels: dict[int, StockLevel] = field(default_factory=dict)
    announcement: dict[int, int] = field(default_factory=dict)
    """One row at most: how far it has come."""

    async def get_product(self, product_id: int) -> ShownProduct | None:
        product = self.products.get(product_id)
        return self._shown(product) if product and not product.removed else None

    async def find_products(
        self, wanted: ProductFilter, sort: Sort, *, offset: int, products_max: int
    ) -> tuple[Sequence[ShownProduct], int]:
        found = [
            shown
            for product in self.products.values()
            if not product.removed and self._fits(shown := self._shown(product), wanted)
        ]
        key = _SORT_KEYS[sort.value.removeprefix("-")]
        found.sort(key=lambda shown: key(shown.product), reverse=sort.value.startswith("-"))
        return found[offset : offset + products_max], len(found)

    async def categories(self) -> CategoryTree:
        return CategoryTree(replace(row) for _, row in sorted(self.categories_by_id.items()))

    def _shown(self, product: Product) -> ShownProduct:
        level = self.stock_levels.get(product.id)
        stock = product.initial_stock if level is None else level.available
        categories = CategoryTree(self.categories_by_id.values()).named(product.category_ids)
        return ShownProduct(replace(product), stock, categories)

    def _fits(self, shown: ShownProduct, wanted: ProductFilter) -> bool:
        product = shown.product
        if wanted.category_id is not None and not self._is_in(product, wanted.category_id):
            return False
        if wanted.available is not None and (shown.stock > 0) is not wanted.available:
            return False
        low, high = wanted.min_price_cents, wanted.max_price_cents
        return (low is None or product.price_cents >= low) and (
            high is None or product.price_cents <= high
        )

    def _is_in(self, product: Product, category_id: int) -> bool:
        tree = CategoryTree(self.categories_by_id.values())
        return any(category_id in tree.line_of(own) for own in product.category_ids)


def memory_unit_of_work(tables: Any, outbox: Outbox, ids: Ids, now: datetime) -> RowsUnitOfWork:
    return RowsUnitOfWork(
        outbox,
        ids,
        now,
        product_rows=_ProductRows(tables.products),
        category_rows=_CategoryRows(tables.categories_by_id),
        stock_level_rows=_StockLevelRows(tables.stock_levels),
        position_row=_PositionRow(tables.announcement),
    )


class _ProductRows:
    def __init__(self, rows: Rows[int, Product]) -> None:
        self._rows = rows

    async def lock(self, ids: Collection[int]) -> Iterable[Product]:
        there = sorted(key for key in ids if key in self._rows)
        await self._rows.lock(there)
        return [replace(self._rows[key]) for key in there]

    async def lock_by_code(self, codes: Collection[str]) -> Iterable[Product]:
        await self._rows.lock(row.id for row in self._live() if row.code in codes)
        return [replace(row) for row in self._live() if row.code in codes]

    async def page_after(self, product_id: int, rows_max: int) -> Sequence[Product]:
        keys = sorted(key for key in self._rows if key > product_id)
        return [replace(self._rows[key]) for key in keys[:rows_max]]

    async def categories_in_use(self, category_ids: Collection[int]) -> Collection[int]:
        return {own for row in self._live() for own in row.category_ids} & set(category_ids)

    async def insert(self, products: Collection[Product]) -> None:
        await self._rows.lock(product.id for product in products)
        if any(product.id in self._rows for product in products):
            raise Contention("it is there already")
        await self.update(products)

    async def update(self, products: Collection[Product]) -> None:
        await self._rows.lock(product.id for product in products)
        self._rows.update({product.id: replace(product) for product in products})
        codes = [row.code for row in self._live()]
        if len(set(codes)) != len(codes):
            raise Contention("another process has taken a code")

    def _live(self) -> list[Product]:
        return [row for _, row in sorted(self._rows.items()) if not row.removed]


class _CategoryRows:
    def __init__(self, rows: Rows[int, Category]) -> None:
        self._rows = rows

    async def lock_all(self) -> Iterable[Category]:
        await self._rows.lock([ALL_CATEGORIES])
        return [replace(row) for _, row in sorted(self._rows.items())]

    async def insert(self, categories: Collection[Category]) -> None:
        await self._rows.lock(category.id for category in categories)
        if any(category.id in self._rows for category in categories):
            raise Contention("another process has made the same category")
        await self.update(categories)

    async def update(self, categories: Collection[Category]) -> None:
        await self._rows.lock(category.id for category in categories)
        self._rows.update({category.id: replace(category) for category in categories})

    async def delete(self, ids: Collection[int]) -> None:
        await self._rows.lock(ids)
        for category_id in ids:
            del self._rows[category_id]


class _StockLevelRows:
    def __init__(self, rows: Rows[int, StockLevel]) -> None:
        self._rows = rows

    async def available(self, product_ids: Collection[int]) -> Mapping[int, int]:
        return {key: self._rows[key].available for key in product_ids if key in self._rows}

    async def put(self, levels: Collection[StockLevel]) -> None:
        await self._rows.lock(level.product_id for level in levels)
        for level in levels:
            known = self._rows.get(level.product_id)
            if known is None or known.version < level.version:
                self._rows[level.product_id] = level


class _PositionRow:
    def __init__(self, rows: Rows[int, int]) -> None:
        self._rows = rows

    async def lock(self) -> int | None:
        await self._rows.lock(self._rows)
        return self._rows.get(0)

    async def put(self, position: int | None) -> None:
        await self._rows.lock([0])
        if position is None:
            self._rows.pop(0, None)
        else:
            self._rows[0] = position
