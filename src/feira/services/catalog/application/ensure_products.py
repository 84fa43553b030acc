"""See to it that products exist: how a demo shop, or an import, fills the catalog."""

from collections.abc import Sequence
from dataclasses import dataclass

from feira.contracts.message import Message
from feira.kernel.errors import Refused
from feira.services.catalog.application.ports import CatalogUnitOfWork
from feira.services.catalog.application.publishing import product_news
from feira.services.catalog.domain.category import CategoryTree
from feira.services.catalog.domain.product import CODE_TAKEN, CodeBook, Draft, Product, create


@dataclass(frozen=True, slots=True)
class SeedProduct:
    id: int
    draft: Draft
    initial_stock: int = 0


@dataclass(frozen=True, slots=True)
class EnsureProducts:
    """Given by operators only: ids of one's own never come by a request.

    A product whose id is known stays as it is, also a removed one. All of a command or nothing.
    """

    products: tuple[SeedProduct, ...]


async def ensure_products(
    commands: Sequence[EnsureProducts], uow: CatalogUnitOfWork
) -> list[int | Refused]:
    """Returns how many products are new, a command."""
    seeds = [seed for command in commands for seed in command.products]
    tree = await uow.categories.tree_for_update()
    known = await uow.products.get_many_for_update(seed.id for seed in seeds)
    holders = await uow.products.by_code_for_update(seed.draft.code for seed in seeds)
    codes = CodeBook(holders)
    outcomes: list[int | Refused] = []
    news: list[list[Message]] = []
    for command in commands:
        missing = [seed for seed in command.products if seed.id not in known]
        refused = _check(missing, tree, codes)
        created = [] if refused else [_created(seed, uow) for seed in missing]
        for product in created:
            codes.note(product)
        uow.products.add_many(created)
        outcomes.append(refused or len(created))
        news.append([product_news(product) for product in created])
    uow.outbox.announce(news)
    return outcomes


def _check(seeds: Sequence[SeedProduct], tree: CategoryTree, codes: CodeBook) -> Refused | None:
    assert len({seed.id for seed in seeds}) == len(seeds), "an id is there twice"
    if len({seed.draft.code for seed in seeds}) < len(seeds):
        return CODE_TAKEN
    for seed in seeds:
        if refused := tree.check_all(seed.draft.category_ids):
            return refused
        if codes.is_taken(seed.draft.code):
            return CODE_TAKEN
    return None


def _created(seed: SeedProduct, uow: CatalogUnitOfWork) -> Product:
    return create(seed.id, seed.draft, seed.initial_stock, uow.now)
