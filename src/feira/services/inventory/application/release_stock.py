"""Give back what orders hold or were sold: the compensation of a reservation and of a sale."""

from collections.abc import Iterator, Sequence

from feira.contracts.orchestrator import ReleaseStock
from feira.services.inventory.application.gathering import allotments_of, gather, items_of
from feira.services.inventory.application.ports import InventoryUnitOfWork
from feira.services.inventory.application.publishing import reservation_released
from feira.services.inventory.domain.reservation import Reservation, release, tombstone
from feira.services.inventory.domain.stock import Movement, MovementKind


async def release_stock(commands: Sequence[ReleaseStock], uow: InventoryUnitOfWork) -> list[None]:
    """One that comes before its ReserveStock makes that one fail."""
    order_ids = [command.order_id for command in commands]
    reservations, allotments, stock = await gather(uow, order_ids)
    unknown = dict.fromkeys(order_id for order_id in order_ids if order_id not in reservations)
    uow.reservations.add_many(map(tombstone, unknown))
    found = map(reservations.__getitem__, order_ids)
    released = [one for one in found if release(one, stock, allotments)]
    uow.reservations.save_many(released)
    uow.allotments.save_many(allotments_of(released, allotments))
    uow.stock.save_many(items_of(released, stock))
    uow.movements.add_many(
        movement for sold in released if sold.confirmed_at for movement in _restocked(sold, uow)
    )
    uow.outbox.announce([(reservation_released(reservations[o]),) for o in order_ids])
    return [None] * len(commands)


def _restocked(sold: Reservation, uow: InventoryUnitOfWork) -> Iterator[Movement]:
    for product_id, quantity in sold.lines:
        yield Movement(
            id=uow.ids.number(),
            product_id=product_id,
            kind=MovementKind.RESTOCK,
            quantity=quantity,
            reason=None,
            reference=f"order/{sold.order_id}",
            at=uow.now,
        )
