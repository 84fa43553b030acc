"""Everything a transaction of the catalog works with, over any database.

Each aggregate is loaded once and written once; what differs is how rows are read and written.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from feira.chassis.outbox import Outbox
from feira.kernel.ids import Ids
from feira.services.catalog.application.ports import StockLevel
from feira.services.catalog.domain.category import Category, CategoryTree
from feira.services.catalog.domain.product import Product


class ProductRows(Protocol):
    async def lock(self, ids: Collection[int]) -> Iterable[Product]:
        """Those that exist, locked in the order of their ids."""
        ...

    async def lock_by_code(self, codes: Collection[str]) -> Iterable[Product]:
        """The live ones that have these codes, locked in the order of their ids."""
        ...

    async def page_after(self, product_id: int, rows_max: int) -> Sequence[Product]: ...

    async def categories_in_use(self, category_ids: Collection[int]) -> Collection[int]: ...

    async def insert(self, products: Collection[Product]) -> None:
        """After `update`. Raises `Contention` when another process has taken a code meanwhile."""
        ...

    async def update(self, products: Collection[Product]) -> None:
        """Raises `Contention` as `insert` does; products may pass codes on to each other."""
        ...


class CategoryRows(Protocol):
    async def lock_all(self) -> Iterable[Category]:
        """All of them; others who ask wait for the end of this transaction."""
        ...

    async def insert(self, categories: Collection[Category]) -> None:
        """Raises `Contention` when another process has inserted one of them."""
        ...

    async def update(self, categories: Collection[Category]) -> None: ...

    async def delete(self, ids: Collection[int]) -> None: ...


class StockLevelRows(Protocol):
    async def available(self, product_ids: Collection[int]) -> Mapping[int, int]: ...

    async def put(self, levels: Collection[StockLevel]) -> None:
        """Keep those with a higher version than the row has."""
        ...


class PositionRow(Protocol):
    """The one row that tells how far the announcement of all products has come."""

    async def lock(self) -> int | None: ...

    async def put(self, position: int | None) -> None: ...


class Products:
    def __init__(self, rows: ProductRows) -> None:
        self._rows = rows
        self._known: dict[int, Product] = {}
        self._new: dict[int, Product] = {}
        self._changed: dict[int, Product] = {}

    async def get_many_for_update(self, product_ids: Iterable[int]) -> Mapping[int, Product]:
        missing = set(product_ids) - self._known.keys()
        if missing:
            self._keep(await self._rows.lock(missing))
        return self._known

    async def by_code_for_update(self, codes: Iterable[str]) -> Mapping[str, Product]:
        wanted = set(codes)
        if wanted:
            self._keep(await self._rows.lock_by_code(wanted))
        return {
            product.code: product
            for product in self._known.values()
            if product.code in wanted and not product.removed
        }

    async def page_after(self, product_id: int, products_max: int) -> Sequence[Product]:
        await self.flush()  # what was decided earlier in this batch counts
        return await self._rows.page_after(product_id, products_max)

    async def categories_in_use(self, category_ids: Collection[int]) -> Collection[int]:
        await self.flush()  # what was decided earlier in this batch counts
        return await self._rows.categories_in_use(category_ids)

    def add_many(self, products: Iterable[Product]) -> None:
        for product in products:
            self._known[product.id] = self._new[product.id] = product

    def save_many(self, products: Iterable[Product]) -> None:
        for product in products:
            if product.id not in self._new:
                self._changed[product.id] = product

    async def flush(self) -> None:
        new, changed = self._new, self._changed
        self._new, self._changed = {}, {}
        if changed:
            await self._rows.update(changed.values())
        if new:
            await self._rows.insert(new.values())

    def _keep(self, products: Iterable[Product]) -> None:
        """Remember what was loaded; one that is known stays as this transaction has it."""
        for product in products:
            self._known.setdefault(product.id, product)


class Categories:
    def __init__(self, rows: CategoryRows) -> None:
        self._rows = rows
        self._tree: CategoryTree | None = None
        self._new: dict[int, Category] = {}
        self._changed: dict[int, Category] = {}
        self._removed: set[int] = set()

    async def tree_for_update(self) -> CategoryTree:
        if self._tree is None:
            self._tree = CategoryTree(await self._rows.lock_all())
        return self._tree

    def add_many(self, categories: Iterable[Category]) -> None:
        for category in categories:
            if category.id in self._removed:  # its row is still there
                self._removed.discard(category.id)
                self._changed[category.id] = category
            else:
                self._new[category.id] = category

    def save_many(self, categories: Iterable[Category]) -> None:
        for category in categories:
            if category.id not in self._new:
                self._changed[category.id] = category

    def remove_many(self, categories: Iterable[Category]) -> None:
        for category in categories:
            self._changed.pop(category.id, None)
            if self._new.pop(category.id, None) is None:
                self._removed.add(category.id)

    async def flush(self) -> None:
        if self._new:
            await self._rows.insert(self._new.values())
        if self._changed:
            await self._rows.update(self._changed.values())
        if self._removed:
            await self._rows.delete(self._removed)
        self._new, self._changed, self._removed = {}, {}, set()


class StockLevels:
    def __init__(self, rows: StockLevelRows) -> None:
        self._rows = rows
        self._put: dict[int, StockLevel] = {}

    async def available(self, product_ids: Collection[int]) -> Mapping[int, int]:
        await self.flush()  # a level put earlier in this batch counts
        return await self._rows.available(product_ids)

    def put_many(self, levels: Iterable[StockLevel]) -> None:
        for level in levels:
            known = self._put.get(level.product_id)
            if known is None or known.version < level.version:
                self._put[level.product_id] = level

    async def flush(self) -> None:
        levels, self._put = self._put, {}
        if levels:
            await self._rows.put(levels.values())


class Announcement:
    def __init__(self, row: PositionRow) -> None:
        self._row = row
        self._position: int | None = None
        self._is_known = False
        self._is_moved = False

    async def position(self) -> int | None:
        if not self._is_known:
            self._position = await self._row.lock()
            self._is_known = True
        return self._position

    def move_to(self, position: int | None) -> None:
        self._position = position
        self._is_known = self._is_moved = True

    async def flush(self) -> None:
        if self._is_moved:
            await self._row.put(self._position)


class RowsUnitOfWork:
    def __init__(
        self,
        outbox: Outbox,
        ids: Ids,
        now: datetime,
        *,
        product_rows: ProductRows,
        category_rows: CategoryRows,
        stock_level_rows: StockLevelRows,
        position_row: PositionRow,
    ) -> None:
        self.outbox = outbox
        self.ids = ids
        self.now = now
        self.products = Products(product_rows)
        self.categories = Categories(category_rows)
        self.stock_levels = StockLevels(stock_level_rows)
        self.announcement = Announcement(position_row)

    async def flush(self) -> None:
        await self.categories.flush()
        await self.products.flush()
        await self.stock_levels.flush()
        await self.announcement.flush()

    def committed(self) -> None:
        """Nothing waits for it."""
