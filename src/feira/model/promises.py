"""What must hold in every world, and what must have become of a purchase that is at rest.

Written from the requirements (B7, I3, I4, O5), and not from how the services go about it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from feira.model.provider import ProviderBooks
from feira.model.scope import PRICE_CENTS, PRODUCT_ID
from feira.services.inventory.adapters.memory import MemoryInventory
from feira.services.inventory.domain.reservation import Reservation, ReservationStatus
from feira.services.orchestrator.domain.purchase_saga import Saga, State
from feira.services.orders.domain.order import OPEN, Order, OrderStatus
from feira.services.payments.adapters.memory import MemoryPayments
from feira.services.payments.domain.payment import UNRESOLVED
from feira.services.payments.domain.payment import State as PaymentState


@dataclass(frozen=True, slots=True)
class Standing:
    """How one purchase stands everywhere."""

    order: Order
    saga: Saga | None
    payments: MemoryPayments
    books: ProviderBooks
    reservation: Reservation | None
    progress_is_told: bool

    @property
    def is_paid(self) -> bool:
        return self.order.status not in OPEN and self.order.status is not OrderStatus.CANCELED

    @property
    def is_sold(self) -> bool:
        found = self.reservation
        return found is not None and found.status is ReservationStatus.CONFIRMED

    @property
    def at_rest(self) -> bool:
        under_way = (*UNRESOLVED, PaymentState.REFUNDING)
        return (
            self.saga is not None
            and not self.saga.open
            and (self.order.settled or not self.progress_is_told)
            and not any(p.state in under_way for p in self.payments.payments.values())
        )


def stock_fault(inventory: MemoryInventory, units: int) -> str | None:
    """Never sold twice (B7), and every unit is accounted for."""
    item = inventory.stock[PRODUCT_ID]
    found = inventory.reservations.values()
    held = _units(found, ReservationStatus.HELD)
    sold = _units(found, ReservationStatus.CONFIRMED)
    if held + sold > units:
        return f"oversold: {held} held and {sold} sold of {units}"
    if (item.on_hand, item.reserved) != (units - sold, held):
        return (
            f"the books of the stock are wrong: on_hand {item.on_hand}, reserved {item.reserved} "
            f"with {held} held and {sold} sold of {units}"
        )
    return None


def _units(reservations: Iterable[Reservation], status: ReservationStatus) -> int:
    of_status = (found for found in reservations if found.status is status)
    return sum(line.quantity for found in of_status for line in found.lines)


def never_captured_twice(standing: Standing) -> str | None:
    if standing.books.kept_cents > PRICE_CENTS:
        return f"captured twice: the provider keeps {standing.books.kept_cents} of {PRICE_CENTS}"
    return None


def never_refunded_twice(standing: Standing) -> str | None:
    if standing.books.kept_cents < 0:
        return f"refunded twice: the provider has given back {-standing.books.kept_cents} too much"
    return None


def paid_means_sold(standing: Standing) -> str | None:
    if standing.is_paid and not standing.is_sold:
        return "the order is paid, and its stock is not sold"
    return None


def paid_means_captured(standing: Standing) -> str | None:
    if standing.is_paid and standing.books.kept_cents != PRICE_CENTS:
        return f"the order is paid, and the provider keeps {standing.books.kept_cents}"
    return None


def stock_before_money(standing: Standing) -> str | None:
    """The stock is checked before the payment (I4)."""
    found = standing.reservation
    if standing.books.captured_cents and not (found and found.lines):
        return "money was taken, and nothing was ever held"
    return None


def completed_means_paid(standing: Standing) -> str | None:
    if standing.saga and standing.saga.state is State.COMPLETED and not standing.is_paid:
        return f"the purchase is completed, and its order is {standing.order.status}"
    return None


def consistent_at_rest(standing: Standing) -> str | None:
    """Either paid, sold and captured once; or canceled with nothing kept of anything."""
    if not standing.at_rest or standing.is_paid:
        return None  # what a paid order means is promised at all times
    if standing.order.status is not OrderStatus.CANCELED:
        return f"at rest, and the order is {standing.order.status}"
    if standing.reservation and standing.reservation.promises:
        return f"canceled, at rest, and its stock is {standing.reservation.status}"
    if standing.books.kept_cents:
        return f"canceled, at rest, and the provider keeps {standing.books.kept_cents}"
    return None


def ledger_agrees_at_rest(standing: Standing) -> str | None:
    """Money in = captured − refunded, in our books as in the provider's."""
    paid = standing.payments.payments.values()
    ours = sum(p.captured_cents - p.refunded_cents for p in paid)
    entries = standing.payments.ledger.values()
    booked = sum(e.amount_cents if e.debit == "provider" else -e.amount_cents for e in entries)
    if booked != ours:
        return f"the ledger holds {booked}, the payments {ours}"
    if standing.at_rest and ours != standing.books.kept_cents:
        return (
            f"at rest, and we know of {ours} where the provider keeps {standing.books.kept_cents}"
        )
    return None


PROMISES: Final[tuple[Callable[[Standing], str | None], ...]] = (
    never_captured_twice,
    never_refunded_twice,
    paid_means_sold,
    paid_means_captured,
    stock_before_money,
    completed_means_paid,
    consistent_at_rest,
    ledger_agrees_at_rest,
)


def contradiction(before: Order, after: Order) -> str | None:
    """What a customer was told stays true: paid is paid, canceled is canceled (O5)."""
    if before.status not in OPEN and after.status is not before.status:
        return f"the order was {before.status}, and is {after.status} now"
    return None
