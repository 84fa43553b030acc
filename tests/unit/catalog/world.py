"""The catalog without a lane: batches of commands, decided as the lane decides them.

A world stands on any database: the same stories are told on memory and on PostgreSQL.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import groupby
from random import Random
from typing import Any, Final, TypeVar

from feira.chassis.memory.database import MemoryDatabase
from feira.chassis.outbox import Outbox
from feira.chassis.work import Origin
from feira.contracts.inventory import StockLevelChanged
from feira.contracts.message import Message
from feira.contracts.orders import ProductsWanted
from feira.kernel.clock import ManualClock
from feira.kernel.ids import Ids
from feira.services.catalog.adapters.memory import MemoryCatalog, memory_unit_of_work
from feira.services.catalog.adapters.unit_of_work import RowsUnitOfWork
from feira.services.catalog.application.announce_products import (
    AnnounceProducts,
    ContinueAnnouncement,
    announce_products,
    continue_announcement,
)
from feira.services.catalog.application.change_category import ChangeCategory, change_categories
from feira.services.catalog.application.change_product import ChangeProduct, change_products
from feira.services.catalog.application.create_category import CreateCategory, create_categories
from feira.services.catalog.application.create_product import CreateProduct, create_products
from feira.services.catalog.application.ensure_categories import (
    EnsureCategories,
    SeedCategory,
    ensure_categories,
)
from feira.services.catalog.application.ensure_products import (
    EnsureProducts,
    SeedProduct,
    ensure_products,
)
from feira.services.catalog.application.ports import CatalogQueries
from feira.services.catalog.application.remove_category import RemoveCategory, remove_categories
from feira.services.catalog.application.remove_product import RemoveProduct, remove_products
from feira.services.catalog.domain.product import Changes, Draft
from feira.services.catalog.entrypoints.consumer import LISTENS_TO

START: Final = datetime(2025, 11, 28, 3, 0, tzinfo=UTC)
USE_CASES: Final[Mapping[type, Any]] = {
    CreateProduct: create_products,
    ChangeProduct: change_products,
    RemoveProduct: remove_products,
    EnsureProducts: ensure_products,
    CreateCategory: create_categories,
    ChangeCategory: change_categories,
    RemoveCategory: remove_categories,
    EnsureCategories: ensure_categories,
    AnnounceProducts: announce_products,
    ContinueAnnouncement: continue_announcement,
    **LISTENS_TO,
}

Begin = Callable[[Outbox, Ids, datetime], AbstractAsyncContextManager[RowsUnitOfWork]]
T = TypeVar("T")


@dataclass
class Told:
    """What a batch led to: an outcome a command, and the messages in their order."""

    outcomes: list[Any]
    messages: list[Message]

    @property
    def by_key(self) -> dict[str, list[Message]]:
        told: dict[str, list[Message]] = {}
        for message in self.messages:
            told.setdefault(message.key, []).append(message)
        return told


@dataclass
class World:
    """`begin` opens a transaction; `read` and `queries` see what has been committed."""

    begin: Begin
    read: Callable[[], Awaitable[MemoryCatalog]]
    queries: CatalogQueries
    clock: ManualClock = field(default_factory=lambda: ManualClock(START))

    def __post_init__(self) -> None:
        self.ids = Ids(self.clock)

    async def do(self, *commands: Any) -> Told:
        """Decide the commands in one batch."""
        outbox = Outbox("/feira/catalog", 4, self.ids, self.clock.now())
        async with self.begin(outbox, self.ids, self.clock.now()) as uow:
            return await decide(commands, uow, outbox)

    async def do_in_batches(self, batches: Sequence[Sequence[Any]]) -> Told:
        told = [await self.do(*batch) for batch in batches if batch]
        return Told(
            [outcome for part in told for outcome in part.outcomes],
            [message for part in told for message in part.messages],
        )

    async def with_shelf(self) -> None:
        """Toys 1 > dolls 2, books 3; a doll 11 at 10.00, a book 12 at 20.00, a rock 13."""
        await self.do(
            EnsureCategories(
                (SeedCategory(1, "Toys"), SeedCategory(2, "Dolls", 1), SeedCategory(3, "Books"))
            ),
            EnsureProducts(
                (
                    seed(11, "DOLL", 10_00, 5, (2,)),
                    seed(12, "BOOK", 20_00, 0, (3,)),
                    seed(13, "ROCK", 15_00, 7),
                )
            ),
        )


async def decide(commands: Sequence[Any], uow: RowsUnitOfWork, outbox: Outbox) -> Told:
    """As `chassis.batch.BatchRunner` does: each run of one type, then flush."""
    outcomes: list[Any] = []
    for kind, run in groupby(commands, type):
        of_one_type = list(run)
        outbox.speak_for([Origin("a-story")] * len(of_one_type))
        outcomes += await USE_CASES[kind](of_one_type, uow)
    assert len(outcomes) == len(commands)
    await uow.flush()
    return Told(outcomes, [message for message, _ in outbox._announced])


def in_memory() -> World:
    catalog = MemoryCatalog()
    database = MemoryDatabase(catalog)

    @asynccontextmanager
    async def begin(outbox: Outbox, ids: Ids, now: datetime) -> AsyncIterator[RowsUnitOfWork]:
        with database.transaction() as tables:
            yield memory_unit_of_work(tables, outbox, ids, now)

    async def read() -> MemoryCatalog:
        return MemoryCatalog(
            {key: replace(row) for key, row in catalog.products.items()},
            {key: replace(row) for key, row in catalog.categories_by_id.items()},
            dict(catalog.stock_levels),
            dict(catalog.announcement),
        )

    return World(begin, read, catalog)


# --- commands ------------------------------------------------------------------------------------


def draft(code: str = "CODE", price_cents: int = 10_00, categories: tuple[int, ...] = ()) -> Draft:
    return Draft(code, f"The {code.lower()}", price_cents, category_ids=categories)


def seed(
    product_id: int,
    code: str,
    price_cents: int = 10_00,
    initial_stock: int = 0,
    categories: tuple[int, ...] = (),
) -> SeedProduct:
    return SeedProduct(product_id, draft(code, price_cents, categories), initial_stock)


def level(product_id: int, available: int, version: int) -> StockLevelChanged:
    return StockLevelChanged(
        product_id=product_id,
        on_hand=available + 1,
        reserved=1,
        available=available,
        version=version,
    )


# --- any sequence of commands, split anyhow ------------------------------------------------------

CODES: Final = ("A", "B", "C")
PRODUCTS: Final = range(1, 6)
CATEGORIES: Final = range(101, 106)


def random_command(chance: Random) -> Any:
    """Few products, codes and categories, so that commands meet."""
    product_id, category_id = chance.choice(PRODUCTS), chance.choice(CATEGORIES)
    code = chance.choice(CODES)
    some = tuple(chance.sample(CATEGORIES, chance.choice([0, 0, 1, 2])))
    parent_id = chance.choice([None, *CATEGORIES])
    return chance.choices(
        [
            CreateProduct(draft(code, chance.randint(1, 9), some), chance.randint(0, 3)),
            EnsureProducts(tuple({seed(product_id, code, categories=some), seed(9, "Z")})),
            ChangeProduct(product_id, Changes(code=code)),
            ChangeProduct(product_id, Changes(price_cents=chance.randint(1, 3))),
            ChangeProduct(product_id, Changes(category_ids=some)),
            RemoveProduct(product_id),
            CreateCategory("new", parent_id),
            EnsureCategories((SeedCategory(category_id, "seeded", parent_id),)),
            ChangeCategory(category_id, "renamed"),
            ChangeCategory(category_id, None, parent_id, moves=True),
            RemoveCategory(category_id),
            level(product_id, chance.randint(0, 9), chance.randint(1, 9)),
            AnnounceProducts(),
            ContinueAnnouncement(chance.randint(1, 3)),
            ProductsWanted(request_id="a rebuild", after_id=chance.randint(0, 3)),
        ],
        weights=[3, 6, 5, 3, 3, 4, 1, 6, 2, 4, 3, 3, 1, 2, 1],
    )[0]


def random_commands(chance: Random, length: int) -> list[Any]:
    return [random_command(chance) for _ in range(length)]


def random_split(chance: Random, commands: Sequence[T]) -> list[Sequence[T]]:
    cuts = sorted(chance.randint(0, len(commands)) for _ in range(chance.randint(1, 10)))
    starts, stops = [0, *cuts], [*cuts, len(commands)]
    return [commands[start:stop] for start, stop in zip(starts, stops, strict=True)]


def check_catalog(catalog: MemoryCatalog) -> None:
    """What holds between any two batches."""
    categories = catalog.categories_by_id
    live = [product for product in catalog.products.values() if not product.removed]
    assert len({product.code for product in live}) == len(live)
    for product in live:
        assert categories.keys() >= set(product.category_ids), product
    for category in categories.values():
        above, steps = category.parent_id, 0
        while above is not None:
            above, steps = categories[above].parent_id, steps + 1
            assert steps <= len(categories), f"{category} is inside itself"
