"""The reservation: the units that one order was promised.

    held ─► confirmed ─► released (restocked)        refused: some lines were short, nothing is held
      └────► released
      └────► expired

Whichever of confirmation, release and expiry is decided first wins; every later command is answered
with what the reservation is. An order has one reservation, for good: what was decided about it is
remembered also when nothing is held, so that the answer to a repeat never changes.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import starmap
from typing import Final, NamedTuple

from feira.services.inventory.domain.allotment import Allotment, draw, put_back
from feira.services.inventory.domain.stock import StockItem

NO_ALLOTMENTS: Final[Mapping[int, Allotment]] = {}


class ReservationStatus(StrEnum):
    HELD = "held"
    CONFIRMED = "confirmed"
    RELEASED = "released"
    EXPIRED = "expired"
    REFUSED = "refused"


class Line(NamedTuple):
    product_id: int
    quantity: int


class Shortage(NamedTuple):
    """A line that could not be held."""

    product_id: int
    requested: int
    available: int


@dataclass(slots=True)
class Reservation:
    order_id: int
    status: ReservationStatus
    lines: tuple[Line, ...] = ()
    missing: tuple[Shortage, ...] = ()
    expires_at: datetime | None = None
    """When the hold ends by itself; None if nothing was ever held."""
    confirmed_at: datetime | None = None
    """When it was sold; stays when it is restocked later."""
    version: int = 0
    allotment_id: int | None = None
    """What its units were drawn from; None: everybody's stock."""

    @property
    def promises(self) -> bool:
        """Whether units are held or sold for the order."""
        return self.status in (ReservationStatus.HELD, ReservationStatus.CONFIRMED)


def merged(lines: Iterable[tuple[int, int]]) -> tuple[Line, ...]:
    """One line a product, of (product id, quantity): lines of an order do not compete for stock."""
    quantities: dict[int, int] = {}
    for product_id, quantity in lines:
        assert quantity > 0, f"a line of {quantity} units"
        quantities[product_id] = quantities.get(product_id, 0) + quantity
    return tuple(starmap(Line, quantities.items()))


def hold(
    order_id: int,
    lines: tuple[Line, ...],
    stock: Mapping[int, StockItem],
    expires_at: datetime,
) -> Reservation:
    """Hold all lines, or none. A product that is not known has nothing available."""
    missing = _missing(lines, stock)
    if missing:
        return Reservation(order_id, ReservationStatus.REFUSED, missing=missing)
    for product_id, quantity in lines:
        stock[product_id].reserved += quantity
    return Reservation(order_id, ReservationStatus.HELD, lines, expires_at=expires_at)


def hold_from(
    allotment_id: int,
    allotment: Allotment | None,
    order_id: int,
    lines: tuple[Line, ...],
    stock: Mapping[int, StockItem],
    expires_at: datetime,
) -> Reservation:
    """As `hold`, but from what was set aside: an allotment that is not known or closed has none."""
    missing = tuple(_missing_in(allotment, lines))
    if missing:
        return Reservation(order_id, ReservationStatus.REFUSED, missing=missing)
    assert allotment is not None
    for product_id, quantity in lines:
        draw(allotment, stock[product_id], quantity)
    held = Reservation(order_id, ReservationStatus.HELD, lines, expires_at=expires_at)
    held.allotment_id = allotment_id
    return held


def confirm(reservation: Reservation, stock: Mapping[int, StockItem], now: datetime) -> bool:
    """Sell what is held. False: it was decided before, and stays as it is."""
    if reservation.status is not ReservationStatus.HELD:
        return False
    for product_id, quantity in reservation.lines:
        item = stock[product_id]
        item.on_hand -= quantity
        item.reserved -= quantity
    reservation.status = ReservationStatus.CONFIRMED
    reservation.confirmed_at = now
    return True


def release(
    reservation: Reservation,
    stock: Mapping[int, StockItem],
    allotments: Mapping[int, Allotment] = NO_ALLOTMENTS,
) -> bool:
    """Give back what is held or was sold. False: there was nothing to give back.

    Either goes back to what it was drawn from: a flash sale counts a sale that is undone as a unit
    to be claimed again.
    """
    if reservation.status is ReservationStatus.HELD:
        _free(reservation, stock, allotments)
    elif reservation.status is ReservationStatus.CONFIRMED:
        for product_id, quantity in reservation.lines:
            stock[product_id].on_hand += quantity
        _put_back(reservation, stock, allotments)
    else:
        return False
    reservation.status = ReservationStatus.RELEASED
    return True


def expire(
    reservation: Reservation,
    stock: Mapping[int, StockItem],
    allotments: Mapping[int, Allotment] = NO_ALLOTMENTS,
) -> bool:
    """End a hold that nobody confirmed in time. False: it was decided before."""
    if reservation.status is not ReservationStatus.HELD:
        return False
    _free(reservation, stock, allotments)
    reservation.status = ReservationStatus.EXPIRED
    return True


def tombstone(order_id: int) -> Reservation:
    """For an order given up before it was reserved: it will hold nothing, whatever comes later."""
    return Reservation(order_id, ReservationStatus.RELEASED)


def _missing(lines: Iterable[Line], stock: Mapping[int, StockItem]) -> tuple[Shortage, ...]:
    missing = []
    for product_id, quantity in lines:
        item = stock.get(product_id)
        available = item.available if item else 0
        if available < quantity:
            missing.append(Shortage(product_id, quantity, available))
    return tuple(missing)


def _missing_in(allotment: Allotment | None, lines: Iterable[Line]) -> Iterator[Shortage]:
    for product_id, quantity in lines:
        is_its = allotment is not None and allotment.product_id == product_id
        left = allotment.left if allotment is not None and is_its else 0
        if left < quantity:
            yield Shortage(product_id, quantity, left)


def _free(
    reservation: Reservation,
    stock: Mapping[int, StockItem],
    allotments: Mapping[int, Allotment],
) -> None:
    for product_id, quantity in reservation.lines:
        stock[product_id].reserved -= quantity
    _put_back(reservation, stock, allotments)


def _put_back(
    reservation: Reservation,
    stock: Mapping[int, StockItem],
    allotments: Mapping[int, Allotment],
) -> None:
    if reservation.allotment_id is not None:
        allotment = allotments[reservation.allotment_id]
        for product_id, quantity in reservation.lines:
            put_back(allotment, stock[product_id], quantity)
