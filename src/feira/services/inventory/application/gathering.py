"""Load what commands will touch: reservations, then allotments, then the stock items of both.

Always in this order and by one statement each, so that the lanes of two processes do not wait for
each other in a circle.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from feira.services.inventory.application.ports import InventoryUnitOfWork
from feira.services.inventory.domain.allotment import Allotment
from feira.services.inventory.domain.reservation import Reservation
from feira.services.inventory.domain.stock import StockItem


class Gathered(NamedTuple):
    """Live views of all that this unit of work knows."""

    reservations: Mapping[int, Reservation]
    allotments: Mapping[int, Allotment]
    stock: Mapping[int, StockItem]


async def gather(
    uow: InventoryUnitOfWork,
    order_ids: Collection[int] = (),
    product_ids: Iterable[int] = (),
    allotment_ids: Iterable[int] = (),
) -> Gathered:
    """The reservations of these orders; these allotments and those the reservations drew from; the
    stock items of all these and of these products."""
    wanted, drawn_from = set(product_ids), set(allotment_ids)
    reservations = await uow.reservations.get_many(order_ids)
    for order_id in order_ids:
        if (reservation := reservations.get(order_id)) is not None:
            wanted.update(line.product_id for line in reservation.lines)
            if reservation.allotment_id is not None:
                drawn_from.add(reservation.allotment_id)
    allotments = await uow.allotments.get_many_for_update(drawn_from)
    for allotment_id in drawn_from:
        allotment = allotments.get(allotment_id)
        if allotment is not None and allotment.product_id is not None:
            wanted.add(allotment.product_id)
    return Gathered(reservations, allotments, await uow.stock.get_many_for_update(wanted))


def items_of(
    reservations: Iterable[Reservation], stock: Mapping[int, StockItem]
) -> Iterator[StockItem]:
    """The stock items of their lines; one of several reservations comes several times."""
    return (stock[line.product_id] for found in reservations for line in found.lines)


def allotments_of(
    reservations: Iterable[Reservation], allotments: Mapping[int, Allotment]
) -> Iterator[Allotment]:
    """What they drew from; one of several reservations comes several times."""
    return (allotments[r.allotment_id] for r in reservations if r.allotment_id is not None)
