"""Correct what is on hand by a difference: breakage, theft, a find (B2)."""

from collections.abc import Sequence
from dataclasses import dataclass

from feira.kernel.errors import Refused
from feira.services.inventory.application.moving import Moved, move_stock
from feira.services.inventory.application.ports import InventoryUnitOfWork
from feira.services.inventory.domain.stock import MovementKind, StockItem


@dataclass(frozen=True, slots=True)
class AdjustStock:
    """`quantity` is signed. What is reserved cannot be taken away."""

    product_id: int
    quantity: int
    reason: str
    moved_by: int

    def quantity_for(self, _item: StockItem) -> int:
        return self.quantity


async def adjust_stock(
    commands: Sequence[AdjustStock], uow: InventoryUnitOfWork
) -> list[Moved | Refused]:
    return await move_stock(commands, MovementKind.ADJUSTMENT, uow)
