"""Put a product into the catalog (K1): its stock at creation is the first receipt."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from feira.kernel.errors import Refused
from feira.services.catalog.application.ports import CatalogUnitOfWork, ShownProduct
from feira.services.catalog.application.publishing import product_news
from feira.services.catalog.domain.category import CategoryTree
from feira.services.catalog.domain.product import CODE_TAKEN, CodeBook, Draft, Product, create


@dataclass(frozen=True, slots=True)
class CreateProduct:
    draft: Draft
    initial_stock: int = 0


async def create_products(
    commands: Sequence[CreateProduct], uow: CatalogUnitOfWork
) -> list[ShownProduct | Refused]:
    tree = await uow.categories.tree_for_update()
    codes = CodeBook(await uow.products.by_code_for_update(c.draft.code for c in commands))
    outcomes = [_create(command, tree, codes, uow) for command in commands]
    created = [outcome if isinstance(outcome, Product) else None for outcome in outcomes]
    uow.products.add_many(product for product in created if product)
    uow.outbox.announce([product_news(product)] if product else [] for product in created)
    return [
        ShownProduct(replace(outcome), outcome.initial_stock, tree.named(outcome.category_ids))
        if isinstance(outcome, Product)
        else outcome
        for outcome in outcomes
    ]


def _create(
    command: CreateProduct, tree: CategoryTree, codes: CodeBook, uow: CatalogUnitOfWork
) -> Product | Refused:
    draft = command.draft
    if refused := tree.check_all(draft.category_ids):
        return refused
    if codes.is_taken(draft.code):
        return CODE_TAKEN
    product = create(uow.ids.number(), draft, command.initial_stock, uow.now)
    codes.note(product)
    return product
