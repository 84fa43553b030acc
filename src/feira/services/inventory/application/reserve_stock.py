"""Hold stock for orders: all lines of an order or none, first come, first served (I4, B7)."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from feira.contracts.orchestrator import ReserveStock
from feira.services.inventory.application.gathering import allotments_of, gather, items_of
from feira.services.inventory.application.ports import InventoryUnitOfWork
from feira.services.inventory.application.publishing import reserved_or_not
from feira.services.inventory.domain.allotment import Allotment
from feira.services.inventory.domain.reservation import Reservation, hold, hold_from, merged
from feira.services.inventory.domain.stock import StockItem


async def reserve_stock(commands: Sequence[ReserveStock], uow: InventoryUnitOfWork) -> list[None]:
    """A repeat is answered with what was decided first, and with what became of it since."""
    reservations, allotments, stock = await gather(
        uow,
        [command.order_id for command in commands],
        (line.product_id for command in commands for line in command.lines),
        (c.allotment_id for c in commands if c.allotment_id is not None),
    )
    decided: dict[int, Reservation] = {}
    for command in commands:
        order_id = command.order_id
        if order_id not in reservations and order_id not in decided:
            ends_at = uow.now + timedelta(seconds=command.hold_seconds)
            decided[order_id] = _hold(command, allotments, stock, ends_at)
    uow.reservations.add_many(decided.values())
    uow.allotments.save_many(allotments_of(decided.values(), allotments))
    uow.stock.save_many(items_of(decided.values(), stock))
    uow.outbox.announce([(reserved_or_not(reservations[c.order_id]),) for c in commands])
    return [None] * len(commands)


def _hold(
    command: ReserveStock,
    allotments: Mapping[int, Allotment],
    stock: Mapping[int, StockItem],
    ends_at: datetime,
) -> Reservation:
    lines = merged((line.product_id, line.quantity) for line in command.lines)
    drawn_from = command.allotment_id
    if drawn_from is None:
        return hold(command.order_id, lines, stock, ends_at)
    allotment = allotments.get(drawn_from)
    return hold_from(drawn_from, allotment, command.order_id, lines, stock, ends_at)
