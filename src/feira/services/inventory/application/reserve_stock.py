"""Hold stock for orders: all lines of an order or none, first come, first served (I4, B7)."""

from collections.abc import Sequence
from datetime import timedelta

from feira.contracts.orchestrator import ReserveStock
from feira.services.inventory.application.gathering import gather, items_of
from feira.services.inventory.application.ports import InventoryUnitOfWork
from feira.services.inventory.application.publishing import reserved_or_not
from feira.services.inventory.domain.reservation import Reservation, hold, merged


async def reserve_stock(commands: Sequence[ReserveStock], uow: InventoryUnitOfWork) -> list[None]:
    """A repeat is answered with what was decided first, and with what became of it since."""
    reservations, stock = await gather(
        uow,
        [command.order_id for command in commands],
        (line.product_id for command in commands for line in command.lines),
    )
    decided: dict[int, Reservation] = {}
    for command in commands:
        order_id = command.order_id
        if order_id not in reservations and order_id not in decided:
            lines = merged((line.product_id, line.quantity) for line in command.lines)
            ends_at = uow.now + timedelta(seconds=command.hold_seconds)
            decided[order_id] = hold(order_id, lines, stock, ends_at)
    uow.reservations.add_many(decided.values())
    uow.stock.save_many(items_of(decided.values(), stock))
    uow.outbox.announce([(reserved_or_not(reservations[c.order_id]),) for c in commands])
    return [None] * len(commands)
