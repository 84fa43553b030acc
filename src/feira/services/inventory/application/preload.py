"""Load at once what all commands of a batch will touch, however their types alternate."""

from collections.abc import Sequence
from typing import Any

from feira.contracts.catalog import ProductChanged
from feira.contracts.orchestrator import ConfirmReservation, ReleaseStock, ReserveStock
from feira.services.inventory.application.adjust_stock import AdjustStock
from feira.services.inventory.application.count_stock import CountStock
from feira.services.inventory.application.gathering import gather
from feira.services.inventory.application.ports import InventoryUnitOfWork
from feira.services.inventory.application.receive_stock import ReceiveStock
from feira.services.inventory.application.tell_levels import TellLevels


async def preload(commands: Sequence[Any], uow: InventoryUnitOfWork) -> None:
    order_ids: set[int] = set()
    product_ids: set[int] = set()
    for command in commands:
        match command:
            case ReserveStock():
                order_ids.add(command.order_id)
                product_ids.update(line.product_id for line in command.lines)
            case ConfirmReservation() | ReleaseStock():
                order_ids.add(command.order_id)
            case ProductChanged() | ReceiveStock() | AdjustStock() | CountStock():
                product_ids.add(command.product_id)
            case TellLevels():
                product_ids.update(command.product_ids)
            case _:
                pass  # a sweep finds out by itself
    await gather(uow, order_ids, product_ids)
