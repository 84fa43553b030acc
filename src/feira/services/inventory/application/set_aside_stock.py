"""Set units aside for a drop, so that nobody else is sold them (B6)."""

from collections.abc import Sequence

from feira.contracts.flashsale import SetAsideStock
from feira.contracts.message import Message
from feira.services.inventory.application.gathering import gather
from feira.services.inventory.application.ports import InventoryUnitOfWork
from feira.services.inventory.application.publishing import stock_set_aside
from feira.services.inventory.domain.allotment import set_aside


async def set_aside_stock(
    commands: Sequence[SetAsideStock], uow: InventoryUnitOfWork
) -> list[None]:
    """A repeat is answered with what was decided first. Of a product that is not known yet nothing
    is decided, and nothing answered: it will be asked for again."""
    _, allotments, stock = await gather(
        uow,
        product_ids=(command.product_id for command in commands),
        allotment_ids=(command.allotment_id for command in commands),
    )
    answers: list[list[Message]] = []
    for command in commands:
        item = stock.get(command.product_id)
        if command.allotment_id not in allotments and item is not None:
            decided = set_aside(command.allotment_id, item, command.quantity, uow.now)
            uow.allotments.add_many([decided])
            uow.stock.save_many([item])
        answers.append([stock_set_aside(a)] if (a := allotments.get(command.allotment_id)) else [])
    uow.outbox.announce(answers)
    return [None] * len(commands)
