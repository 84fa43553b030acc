"""Give back what nobody drew of what was set aside for a drop (B6)."""

from collections.abc import Sequence

from feira.contracts.flashsale import GiveBackStock
from feira.services.inventory.application.gathering import gather
from feira.services.inventory.application.ports import InventoryUnitOfWork
from feira.services.inventory.application.publishing import stock_given_back
from feira.services.inventory.domain.allotment import close, closed_unheard


async def give_back_stock(
    commands: Sequence[GiveBackStock], uow: InventoryUnitOfWork
) -> list[None]:
    """One that comes before its SetAsideStock makes that one set nothing aside."""
    ids = [command.allotment_id for command in commands]
    _, allotments, stock = await gather(uow, allotment_ids=ids)
    unheard = dict.fromkeys(key for key in ids if key not in allotments)
    uow.allotments.add_many(closed_unheard(key, uow.now) for key in unheard)
    for allotment_id in ids:
        allotment = allotments[allotment_id]
        if allotment.product_id is None:
            continue
        item = stock[allotment.product_id]
        if close(allotment, item, uow.now):
            uow.allotments.save_many([allotment])
            uow.stock.save_many([item])
    uow.outbox.announce([(stock_given_back(allotments[key]),) for key in ids])
    return [None] * len(commands)
