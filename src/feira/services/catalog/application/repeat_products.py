"""Tell a page of products again, to whoever rebuilds a copy of them."""

from collections.abc import Sequence
from typing import Final

from feira.contracts.catalog import ProductsRepeated
from feira.contracts.message import Message
from feira.contracts.orders import ProductsWanted
from feira.services.catalog.application.ports import CatalogUnitOfWork
from feira.services.catalog.application.publishing import product_news

ROWS_MAX: Final = 1000


async def repeat_products(commands: Sequence[ProductsWanted], uow: CatalogUnitOfWork) -> list[None]:
    """Versions stay as they are: who knows a product already passes it over."""
    announcements: list[list[Message]] = []
    for command in commands:
        page = await uow.products.page_after(command.after_id, ROWS_MAX)
        answer = ProductsRepeated(
            request_id=command.request_id,
            told=len(page),
            last_id=page[-1].id if len(page) == ROWS_MAX else None,
        )
        announcements.append([*map(product_news, page), answer])
    uow.outbox.announce(announcements)
    return [None] * len(commands)
