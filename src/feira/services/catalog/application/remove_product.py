"""Take a product out of the catalog: no longer sold or listed; its code is free again."""

from collections.abc import Sequence
from dataclasses import dataclass

from feira.contracts.message import Message
from feira.kernel.errors import Refused
from feira.services.catalog.application.ports import CatalogUnitOfWork
from feira.services.catalog.application.publishing import product_news
from feira.services.catalog.domain.product import PRODUCT_NOT_FOUND, remove


@dataclass(frozen=True, slots=True)
class RemoveProduct:
    product_id: int


async def remove_products(
    commands: Sequence[RemoveProduct], uow: CatalogUnitOfWork
) -> list[Refused | None]:
    products = await uow.products.get_many_for_update(c.product_id for c in commands)
    outcomes: list[Refused | None] = []
    news: list[list[Message]] = []
    for command in commands:
        product = products.get(command.product_id)
        if product is None or product.removed:
            outcomes.append(PRODUCT_NOT_FOUND)
            news.append([])
            continue
        remove(product)
        uow.products.save_many([product])
        outcomes.append(None)
        news.append([product_news(product)])
    uow.outbox.announce(news)
    return outcomes
