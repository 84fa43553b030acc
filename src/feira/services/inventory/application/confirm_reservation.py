"""Turn holds into sales: what is confirmed has left the stock."""

from collections.abc import Sequence

from feira.contracts.orchestrator import ConfirmReservation
from feira.services.inventory.application.gathering import gather, items_of
from feira.services.inventory.application.ports import InventoryUnitOfWork
from feira.services.inventory.application.publishing import confirmed_or_not
from feira.services.inventory.domain.reservation import confirm, tombstone


async def confirm_reservations(
    commands: Sequence[ConfirmReservation], uow: InventoryUnitOfWork
) -> list[None]:
    """An order that holds nothing cannot be confirmed, and will not hold anything later."""
    order_ids = [command.order_id for command in commands]
    reservations, _, stock = await gather(uow, order_ids)
    unknown = dict.fromkeys(order_id for order_id in order_ids if order_id not in reservations)
    uow.reservations.add_many(map(tombstone, unknown))
    found = map(reservations.__getitem__, order_ids)
    confirmed = [reservation for reservation in found if confirm(reservation, stock, uow.now)]
    uow.reservations.save_many(confirmed)
    uow.stock.save_many(items_of(confirmed, stock))
    uow.outbox.announce([(confirmed_or_not(reservations[order_id]),) for order_id in order_ids])
    return [None] * len(commands)
