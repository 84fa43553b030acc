"""Tell a page of stock levels again, to whoever rebuilds a copy of them."""

from collections.abc import Sequence
from typing import Final

from feira.contracts.catalog import LevelsWanted
from feira.contracts.inventory import LevelsRepeated
from feira.contracts.message import Message
from feira.services.inventory.application.ports import InventoryUnitOfWork

ROWS_MAX: Final = 1000


async def repeat_levels(commands: Sequence[LevelsWanted], uow: InventoryUnitOfWork) -> list[None]:
    """Versions stay as they are: who knows a level already passes it over."""
    announcements: list[list[Message]] = []
    for command in commands:
        product_ids = await uow.stock.ids_after(command.after_id, ROWS_MAX)
        stock = await uow.stock.get_many_for_update(product_ids)
        uow.stock.tell_many(stock[key] for key in product_ids if key in stock)
        answer = LevelsRepeated(
            request_id=command.request_id,
            told=sum(key in stock for key in product_ids),
            last_id=product_ids[-1] if len(product_ids) == ROWS_MAX else None,
        )
        announcements.append([answer])
    uow.outbox.announce(announcements)
    return [None] * len(commands)
