"""What inventory tells the world: from what stands in its books to the contract."""

from feira.contracts import inventory as contracts
from feira.services.inventory.domain.allotment import Allotment
from feira.services.inventory.domain.reservation import Reservation, ReservationStatus
from feira.services.inventory.domain.stock import StockItem

ReservationAnswer = (
    contracts.StockReserved
    | contracts.StockInsufficient
    | contracts.ReservationConfirmed
    | contracts.ReservationReleased
)


def reserved_or_not(reservation: Reservation) -> ReservationAnswer:
    """The answer to ReserveStock."""
    if reservation.promises:
        return contracts.StockReserved(order_id=reservation.order_id)
    if reservation.status is ReservationStatus.REFUSED:
        return stock_insufficient(reservation)
    return reservation_released(reservation)


def confirmed_or_not(reservation: Reservation) -> ReservationAnswer:
    """The answer to ConfirmReservation."""
    if reservation.status is ReservationStatus.CONFIRMED:
        return contracts.ReservationConfirmed(order_id=reservation.order_id)
    return reservation_released(reservation)


def stock_insufficient(reservation: Reservation) -> contracts.StockInsufficient:
    return contracts.StockInsufficient(
        order_id=reservation.order_id,
        missing=tuple(
            contracts.MissingStock(product_id=product_id, requested=requested, available=available)
            for product_id, requested, available in reservation.missing
        ),
    )


def reservation_released(reservation: Reservation) -> contracts.ReservationReleased:
    return contracts.ReservationReleased(
        order_id=reservation.order_id, expired=reservation.status is ReservationStatus.EXPIRED
    )


def stock_level_changed(item: StockItem) -> contracts.StockLevelChanged:
    return contracts.StockLevelChanged(
        product_id=item.product_id,
        on_hand=item.on_hand,
        reserved=item.reserved,
        available=item.available,
        version=item.version,
        allotted=item.allotted,
    )


def stock_set_aside(allotment: Allotment) -> contracts.StockSetAside:
    return contracts.StockSetAside(
        allotment_id=allotment.id,
        product_id=allotment.product_id or 0,
        quantity=allotment.units,
    )


def stock_given_back(allotment: Allotment) -> contracts.StockGivenBack:
    return contracts.StockGivenBack(allotment_id=allotment.id, quantity=allotment.given_back)
