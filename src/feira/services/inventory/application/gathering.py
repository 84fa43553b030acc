"""Load what commands will touch: reservations first, then the stock items of their lines.

Always in this order and by one statement each, so that the lanes of two processes do not wait for
each other in a circle.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping

from feira.services.inventory.application.ports import InventoryUnitOfWork
from feira.services.inventory.domain.reservation import Reservation
from feira.services.inventory.domain.stock import StockItem


async def gather(
    uow: InventoryUnitOfWork, order_ids: Collection[int], product_ids: Iterable[int] = ()
) -> tuple[Mapping[int, Reservation], Mapping[int, StockItem]]:
    """The reservations of these orders; the stock items of their lines and of these products."""
    reservations = await uow.reservations.get_many(order_ids)
    wanted = set(product_ids)
    for order_id in order_ids:
        if (reservation := reservations.get(order_id)) is not None:
            wanted.update(line.product_id for line in reservation.lines)
    return reservations, await uow.stock.get_many_for_update(wanted)


def items_of(
    reservations: Iterable[Reservation], stock: Mapping[int, StockItem]
) -> Iterator[StockItem]:
    """The stock items of their lines; one of several reservations comes several times."""
    return (stock[line.product_id] for found in reservations for line in found.lines)
