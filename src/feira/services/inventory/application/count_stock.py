"""Set on_hand to what a stock-take has counted (B2)."""

from collections.abc import Sequence
from dataclasses import dataclass

from feira.kernel.errors import Refused
from feira.services.inventory.application.moving import Moved, move_stock
from feira.services.inventory.application.ports import InventoryUnitOfWork
from feira.services.inventory.domain.stock import MovementKind, StockItem


@dataclass(frozen=True, slots=True)
class CountStock:
    """A count that finds what was expected is written down too, as a movement of 0."""

    product_id: int
    on_hand: int
    reason: str | None
    moved_by: int

    def quantity_for(self, item: StockItem) -> int:
        return self.on_hand - item.on_hand


async def count_stock(
    commands: Sequence[CountStock], uow: InventoryUnitOfWork
) -> list[Moved | Refused]:
    return await move_stock(commands, MovementKind.COUNT, uow)
