"""Change what a product is or costs. Its stock is inventory's to change."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from feira.contracts.message import Message
from feira.kernel.errors import Refused
from feira.services.catalog.application.ports import CatalogUnitOfWork, ShownProduct
from feira.services.catalog.application.publishing import product_news
from feira.services.catalog.domain.category import CategoryTree
from feira.services.catalog.domain.product import (
    CODE_TAKEN,
    PRODUCT_NOT_FOUND,
    Changes,
    CodeBook,
    Product,
    change,
)


@dataclass(frozen=True, slots=True)
class ChangeProduct:
    product_id: int
    changes: Changes


async def change_products(
    commands: Sequence[ChangeProduct], uow: CatalogUnitOfWork
) -> list[ShownProduct | Refused]:
    product_ids = {command.product_id for command in commands}
    tree = await uow.categories.tree_for_update()
    wanted = [c.changes.code for c in commands if c.changes.code is not None]
    codes = CodeBook(await uow.products.by_code_for_update(wanted))
    products = await uow.products.get_many_for_update(product_ids)
    stock = await uow.stock_levels.available(product_ids)
    outcomes: list[ShownProduct | Refused] = []
    news: list[list[Message]] = []
    for command in commands:
        product = products.get(command.product_id)
        version = product.version if product else 0
        refused = _change(product, command.changes, tree, codes)
        if refused is not None or product is None:
            outcomes.append(refused or PRODUCT_NOT_FOUND)
            news.append([])
            continue
        shown = stock.get(product.id, product.initial_stock)
        outcomes.append(ShownProduct(replace(product), shown, tree.named(product.category_ids)))
        news.append([product_news(product)] if product.version > version else [])
        uow.products.save_many([product])
    uow.outbox.announce(news)
    return outcomes


def _change(
    product: Product | None, changes: Changes, tree: CategoryTree, codes: CodeBook
) -> Refused | None:
    if product is None or product.removed:
        return PRODUCT_NOT_FOUND
    if refused := tree.check_all(changes.category_ids or ()):
        return refused
    if changes.code is not None and codes.is_taken(changes.code, but_by=product.id):
        return CODE_TAKEN
    change(product, changes)
    codes.note(product)
    return None
