"""Tell of every product anew, a page at a time: the broker has lost its data.

Removed ones too: somebody may not have heard of the removal.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from feira.services.catalog.application.ports import CatalogUnitOfWork
from feira.services.catalog.application.publishing import product_news


@dataclass(frozen=True, slots=True)
class AnnounceProducts:
    """Begin at the first product, also if an earlier announcement is under way."""


@dataclass(frozen=True, slots=True)
class ContinueAnnouncement:
    """Tell the next page, if there is an announcement under way."""

    products_max: int = 500


async def announce_products(
    commands: Sequence[AnnounceProducts], uow: CatalogUnitOfWork
) -> list[None]:
    uow.announcement.move_to(0)
    return [None] * len(commands)


async def continue_announcement(
    commands: Sequence[ContinueAnnouncement], uow: CatalogUnitOfWork
) -> list[int]:
    """Returns how many products are told, a command."""
    return [await _tell_page(command.products_max, uow) for command in commands]


async def _tell_page(products_max: int, uow: CatalogUnitOfWork) -> int:
    position = await uow.announcement.position()
    if position is None:
        return 0
    page = await uow.products.page_after(position, products_max)
    uow.outbox.tell([product_news(product) for product in page])
    is_last = len(page) < products_max
    uow.announcement.move_to(None if is_last else page[-1].id)
    return len(page)
