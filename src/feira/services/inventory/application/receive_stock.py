"""Take delivered units into stock (B2)."""

from collections.abc import Sequence
from dataclasses import dataclass

from feira.kernel.errors import Refused
from feira.services.inventory.application.moving import Moved, move_stock
from feira.services.inventory.application.ports import InventoryUnitOfWork
from feira.services.inventory.domain.stock import MovementKind, StockItem


@dataclass(frozen=True, slots=True)
class ReceiveStock:
    product_id: int
    quantity: int
    reason: str | None
    moved_by: int

    def quantity_for(self, _item: StockItem) -> int:
        return self.quantity


async def receive_stock(
    commands: Sequence[ReceiveStock], uow: InventoryUnitOfWork
) -> list[Moved | Refused]:
    return await move_stock(commands, MovementKind.RECEIPT, uow)
