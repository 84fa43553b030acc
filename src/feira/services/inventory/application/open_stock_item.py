"""Begin to count a product that the catalog has made known, with its first receipt (K1)."""

from collections.abc import Sequence

from feira.contracts.catalog import ProductChanged
from feira.services.inventory.application.ports import InventoryUnitOfWork
from feira.services.inventory.domain.stock import Movement, MovementKind, StockItem

FIRST_RECEIPT = "initial_stock"


async def open_stock_items(
    commands: Sequence[ProductChanged], uow: InventoryUnitOfWork
) -> list[None]:
    """The first that is heard of a product counts; nothing said later changes its stock."""
    known = await uow.stock.get_many_for_update(command.product_id for command in commands)
    opened: dict[int, StockItem] = {}
    for command in commands:
        product_id, on_hand = command.product_id, command.initial_stock
        if product_id in known or product_id in opened:
            continue
        assert on_hand >= 0, f"product {product_id} with an initial stock of {on_hand}"
        opened[product_id] = StockItem(product_id, on_hand)
    receipts = [_first_receipt(item, uow) for item in opened.values() if item.on_hand]
    uow.stock.add_many(opened.values())
    uow.movements.add_many(receipts)
    return [None] * len(commands)


def _first_receipt(item: StockItem, uow: InventoryUnitOfWork) -> Movement:
    return Movement(
        id=uow.ids.number(),
        product_id=item.product_id,
        kind=MovementKind.RECEIPT,
        quantity=item.on_hand,
        reason=FIRST_RECEIPT,
        reference=f"product/{item.product_id}",
        at=uow.now,
    )
