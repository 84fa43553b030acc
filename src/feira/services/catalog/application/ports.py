"""What the use cases need, in their own words."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from feira.chassis.store import UnitOfWork
from feira.services.catalog.domain.category import Category, CategoryTree
from feira.services.catalog.domain.product import Product


class ProductRepository(Protocol):
    async def get_many_for_update(self, product_ids: Iterable[int]) -> Mapping[int, Product]:
        """Those that exist, removed ones too, locked in the order of their ids. A live view."""
        ...

    async def by_code_for_update(self, codes: Iterable[str]) -> Mapping[str, Product]:
        """The live products that have one of these codes."""
        ...

    async def page_after(self, product_id: int, products_max: int) -> Sequence[Product]:
        """All products, removed ones too, by their ids from above `product_id`."""
        ...

    async def categories_in_use(self, category_ids: Collection[int]) -> Collection[int]:
        """Which of these have live products."""
        ...

    def add_many(self, products: Iterable[Product]) -> None: ...

    def save_many(self, products: Iterable[Product]) -> None: ...


class CategoryRepository(Protocol):
    async def tree_for_update(self) -> CategoryTree:
        """All categories; until the transaction ends nobody else changes them."""
        ...

    def add_many(self, categories: Iterable[Category]) -> None: ...

    def save_many(self, categories: Iterable[Category]) -> None: ...

    def remove_many(self, categories: Iterable[Category]) -> None: ...


@dataclass(frozen=True, slots=True)
class StockLevel:
    """This service's copy of what can still be sold; a higher `version` replaces a lower one."""

    product_id: int
    available: int
    version: int


class StockLevels(Protocol):
    async def available(self, product_ids: Collection[int]) -> Mapping[int, int]:
        """Of those products that inventory has spoken of."""
        ...

    def put_many(self, levels: Iterable[StockLevel]) -> None: ...


class Announcement(Protocol):
    """How far the announcement of all products has come; None: none is under way."""

    async def position(self) -> int | None:
        """The last product that was told."""
        ...

    def move_to(self, position: int | None) -> None: ...


class CatalogUnitOfWork(UnitOfWork, Protocol):
    @property
    def products(self) -> ProductRepository: ...

    @property
    def categories(self) -> CategoryRepository: ...

    @property
    def stock_levels(self) -> StockLevels: ...

    @property
    def announcement(self) -> Announcement: ...


@dataclass(frozen=True, slots=True)
class ShownProduct:
    """A product as customers see it. Before inventory speaks of it, its initial stock is shown."""

    product: Product
    stock: int
    categories: tuple[Category, ...]


class Sort(StrEnum):
    """A minus: the highest first. `id` is the order of creation."""

    ID = "id"
    ID_DOWN = "-id"
    NAME = "name"
    NAME_DOWN = "-name"
    PRICE = "price"
    PRICE_DOWN = "-price"


@dataclass(frozen=True, slots=True)
class ProductFilter:
    """None: whatever. `category_id` takes in what is inside the category."""

    category_id: int | None = None
    min_price_cents: int | None = None
    max_price_cents: int | None = None
    available: bool | None = None


class CatalogQueries(Protocol):
    async def get_product(self, product_id: int) -> ShownProduct | None:
        """None also for one that was removed."""
        ...

    async def find_products(
        self, wanted: ProductFilter, sort: Sort, *, offset: int, products_max: int
    ) -> tuple[Sequence[ShownProduct], int]:
        """One page, and how many there are on all pages."""
        ...

    async def categories(self) -> CategoryTree: ...
