"""Tell the level of every product again, a page at a time.

The broker has lost its data, or a process has started and one before it may have died with levels
untold. Versions stay as they are: who knows a level already passes it over.

Nothing else has to be said again: the saga asks by itself, and is answered with what was decided.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from feira.services.inventory.application.ports import InventoryUnitOfWork


@dataclass(frozen=True, slots=True)
class AnnounceLevels:
    """Begin at the first product, also if an earlier announcement is under way."""


@dataclass(frozen=True, slots=True)
class ContinueAnnouncement:
    """Tell the next page, if there is an announcement under way."""

    items_max: int = 2000


async def announce_levels(
    commands: Sequence[AnnounceLevels], uow: InventoryUnitOfWork
) -> list[None]:
    uow.announcement.move_to(0)
    return [None] * len(commands)


async def continue_announcement(
    commands: Sequence[ContinueAnnouncement], uow: InventoryUnitOfWork
) -> list[int]:
    """Returns how many levels are told, a command."""
    return [await _tell_page(command.items_max, uow) for command in commands]


async def _tell_page(items_max: int, uow: InventoryUnitOfWork) -> int:
    position = await uow.announcement.position()
    if position is None:
        return 0
    product_ids = await uow.stock.ids_after(position, items_max)
    stock = await uow.stock.get_many_for_update(product_ids)
    # One that began meanwhile is told by whoever began it.
    uow.stock.tell_many(stock[key] for key in product_ids if key in stock)
    is_last = len(product_ids) < items_max
    uow.announcement.move_to(None if is_last else product_ids[-1])
    return len(product_ids)
