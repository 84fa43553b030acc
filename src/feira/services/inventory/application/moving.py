"""What receipts, adjustments and counts have in common: each moves on_hand and is written down."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from feira.kernel.errors import Category, Refused
from feira.services.inventory.application.ports import InventoryUnitOfWork
from feira.services.inventory.domain.stock import Movement, MovementKind, StockItem, move

NOT_FOUND = Refused(
    Category.NOT_FOUND, "stock_item_not_found", "There is no stock item of this product."
)


class Move(Protocol):
    """A command that moves the stock of one product; `moved_by` is the administrator."""

    @property
    def product_id(self) -> int: ...

    @property
    def moved_by(self) -> int: ...

    @property
    def reason(self) -> str | None: ...

    def quantity_for(self, item: StockItem, /) -> int:
        """What it adds to on_hand; negative takes away."""
        ...


@dataclass(frozen=True, slots=True)
class Moved:
    """The movement, and the levels right after it."""

    movement: Movement
    on_hand: int
    reserved: int
    allotted: int = 0


async def move_stock(
    commands: Sequence[Move], kind: MovementKind, uow: InventoryUnitOfWork
) -> list[Moved | Refused]:
    stock = await uow.stock.get_many_for_update(command.product_id for command in commands)
    outcomes = [_move(stock.get(command.product_id), command, kind, uow) for command in commands]
    moved = [outcome.movement for outcome in outcomes if isinstance(outcome, Moved)]
    uow.stock.save_many(stock[movement.product_id] for movement in moved)
    uow.movements.add_many(moved)
    return outcomes


def _move(
    item: StockItem | None, command: Move, kind: MovementKind, uow: InventoryUnitOfWork
) -> Moved | Refused:
    if item is None:
        return NOT_FOUND
    quantity = command.quantity_for(item)
    refused = move(item, quantity)
    if refused is not None:
        return refused
    movement = Movement(
        id=uow.ids.number(),
        product_id=item.product_id,
        kind=kind,
        quantity=quantity,
        reason=command.reason,
        reference=f"user/{command.moved_by}",
        at=uow.now,
    )
    return Moved(movement, item.on_hand, item.reserved, item.allotted)
