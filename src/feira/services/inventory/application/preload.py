"""Load at once what all commands of a batch will touch, however their types alternate."""

from collections.abc import Sequence
from typing import Any, Final

from feira.contracts.catalog import ProductChanged
from feira.contracts.flashsale import GiveBackStock, SetAsideStock
from feira.contracts.orchestrator import ConfirmReservation, ReleaseStock, ReserveStock
from feira.services.inventory.application.adjust_stock import AdjustStock
from feira.services.inventory.application.count_stock import CountStock
from feira.services.inventory.application.gathering import gather
from feira.services.inventory.application.ports import InventoryUnitOfWork
from feira.services.inventory.application.receive_stock import ReceiveStock
from feira.services.inventory.application.tell_levels import TellLevels

ABOUT_ORDERS: Final = (ReserveStock, ConfirmReservation, ReleaseStock)
ABOUT_ALLOTMENTS: Final = (SetAsideStock, GiveBackStock)
ABOUT_PRODUCTS: Final = (ProductChanged, ReceiveStock, AdjustStock, CountStock, SetAsideStock)


async def preload(commands: Sequence[Any], uow: InventoryUnitOfWork) -> None:
    """What the clock asks for finds out by itself what it touches."""
    order_ids = {c.order_id for c in commands if isinstance(c, ABOUT_ORDERS)}
    product_ids = {c.product_id for c in commands if isinstance(c, ABOUT_PRODUCTS)}
    allotment_ids = {c.allotment_id for c in commands if isinstance(c, ABOUT_ALLOTMENTS)}
    for command in commands:
        if isinstance(command, ReserveStock):
            product_ids.update(line.product_id for line in command.lines)
            if command.allotment_id is not None:
                allotment_ids.add(command.allotment_id)
        elif isinstance(command, TellLevels):
            product_ids |= command.product_ids
    await gather(uow, order_ids, product_ids, allotment_ids)
