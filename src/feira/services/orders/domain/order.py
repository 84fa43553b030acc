"""The order and its transitions.

    pending ─► in_progress ─► paid ─► shipped ─► completed
       └────────────┴──► canceled

A customer's cancellation and the saga's confirmation race for the same row: whichever is decided
first wins, and the other is answered with what the order has become (O5).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from feira.kernel.errors import Category, FieldError, Refused

LINES_MAX: Final = 100
QUANTITY_MAX: Final = 10_000
TOTAL_CENTS_MAX: Final = 10**12
PAYMENT_ATTEMPTS_MAX: Final = 20


class OrderStatus(StrEnum):
    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    PAID = "paid"
    SHIPPED = "shipped"
    COMPLETED = "completed"
    CANCELED = "canceled"


class PaymentStatus(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    DECLINED = "declined"
    EXPIRED = "expired"
    REFUNDED = "refunded"


class InventoryStatus(StrEnum):
    PENDING = "pending"
    RESERVED = "reserved"
    INSUFFICIENT = "insufficient"
    RELEASED = "released"
    SOLD = "sold"


OPEN: Final = frozenset({OrderStatus.PENDING, OrderStatus.IN_PROGRESS})


@dataclass(frozen=True, slots=True)
class Line:
    product_id: int
    quantity: int
    unit_price_cents: int


@dataclass(frozen=True, slots=True)
class Payment:
    """How the customer pays: a method and a provider's token."""

    method: str
    token: str


@dataclass(slots=True)
class Order:
    id: int
    customer_id: int
    lines: tuple[Line, ...]
    total_cents: int
    delivery: bytes | None
    """The address as accepted, as JSON; orders does not read it."""
    created_at: datetime
    status: OrderStatus = OrderStatus.PENDING
    payment: Payment | None = None
    payment_attempts: int = 0
    pays_at_once: bool = False
    """The payment came with the order, which goes through by itself or is canceled."""
    payment_status: PaymentStatus = PaymentStatus.PENDING
    inventory_status: InventoryStatus = InventoryStatus.PENDING
    captured_cents: int = 0
    refunded_cents: int = 0
    step: int = 0
    """The saga's step that was recorded last: an earlier one changes nothing."""
    settled: bool = False
    """Nothing more happens to its stock and money by itself."""
    reason: str | None = None
    tracking: str | None = None
    version: int = 0
    allotment_id: int | None = None
    """Of a flash sale: what its stock is drawn from."""
    hold_until: datetime | None = None
    """Of a flash sale: how long it is held for its payment."""

    @property
    def is_settled_sale(self) -> bool:
        """Whether it is of a flash sale, which is to be told what became of it."""
        return self.allotment_id is not None and self.settled


@dataclass(frozen=True, slots=True)
class WantedLine:
    """`expected_price_cents` is what the client believes; it is checked, never trusted (I1)."""

    product_id: int
    quantity: int
    expected_price_cents: int | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """What a customer wants to order."""

    customer_id: int
    lines: Sequence[WantedLine]
    delivery: bytes | None = None
    payment: Payment | None = None


def place(
    wish: Wish, prices_cents: Mapping[int, int], order_id: int, now: datetime
) -> Order | Refused:
    """Accept an order at the catalog's prices; the saga checks stock before payment (I4)."""
    errors = _wrong_lines(wish.lines, prices_cents)
    if errors:
        return Refused(Category.INVALID, "unknown_product", "Some products are not sold.", errors)
    changed = _changed_prices(wish.lines, prices_cents)
    if changed:
        return Refused(Category.CONFLICT, "price_changed", "Some prices have changed.", changed)
    lines = _merged(wish.lines, prices_cents)
    total_cents = sum(line.quantity * line.unit_price_cents for line in lines)
    if total_cents > TOTAL_CENTS_MAX or any(line.quantity > QUANTITY_MAX for line in lines):
        return Refused(Category.INVALID, "order_too_large", "The order is too large.")
    return Order(
        id=order_id,
        customer_id=wish.customer_id,
        lines=lines,
        total_cents=total_cents,
        delivery=wish.delivery,
        created_at=now,
        payment=wish.payment,
        payment_attempts=1 if wish.payment else 0,
        pays_at_once=wish.payment is not None,
    )


@dataclass(frozen=True, slots=True)
class SaleWish:
    """What a flash sale promised a customer: a unit at its price, to be paid in time."""

    order_id: int
    customer_id: int
    product_id: int
    price_cents: int
    allotment_id: int
    hold_until: datetime
    delivery: bytes | None = None
    payment: Payment | None = None


def place_for_sale(wish: SaleWish, now: datetime) -> Order:
    """Accept what was promised, whatever the catalog says now."""
    return Order(
        id=wish.order_id,
        customer_id=wish.customer_id,
        lines=(Line(wish.product_id, 1, wish.price_cents),),
        total_cents=wish.price_cents,
        delivery=wish.delivery,
        created_at=now,
        payment=wish.payment,
        payment_attempts=1 if wish.payment else 0,
        pays_at_once=wish.payment is not None,
        allotment_id=wish.allotment_id,
        hold_until=wish.hold_until,
    )


def _wrong_lines(
    lines: Sequence[WantedLine], prices_cents: Mapping[int, int]
) -> tuple[FieldError, ...]:
    return tuple(
        FieldError(f"/items/{at}", f"product {line.product_id} is not sold")
        for at, line in enumerate(lines)
        if line.product_id not in prices_cents
    )


def _changed_prices(
    lines: Sequence[WantedLine], prices_cents: Mapping[int, int]
) -> tuple[FieldError, ...]:
    return tuple(
        FieldError(f"/items/{at}/price", f"is now {prices_cents[line.product_id] / 100:.2f}")
        for at, line in enumerate(lines)
        if line.expected_price_cents not in (None, prices_cents[line.product_id])
    )


def _merged(lines: Sequence[WantedLine], prices_cents: Mapping[int, int]) -> tuple[Line, ...]:
    """One line a product: two lines of one order must not compete for the same stock."""
    quantities: dict[int, int] = {}
    for line in lines:
        quantities[line.product_id] = quantities.get(line.product_id, 0) + line.quantity
    return tuple(
        Line(product_id, quantity, prices_cents[product_id])
        for product_id, quantity in quantities.items()
    )


def submit_payment(order: Order, payment: Payment) -> Refused | None:
    """Offer a (further) means of payment for an order that waits for one (B4)."""
    if order.status not in OPEN:
        return Refused(Category.CONFLICT, "order_not_payable", f"The order is {order.status}.")
    if order.payment is not None and order.payment_status is PaymentStatus.PENDING:
        return Refused(
            Category.CONFLICT, "payment_in_progress", "A payment of this order is in progress."
        )
    if order.payment_attempts >= PAYMENT_ATTEMPTS_MAX:
        return Refused(Category.CONFLICT, "too_many_payments", "Too many payments were tried.")
    order.payment = payment
    order.payment_attempts += 1
    order.payment_status = PaymentStatus.PENDING
    return None


def cancel(order: Order, reason: str) -> Refused | None:
    """Cancel before payment is confirmed (O5). Canceling what is canceled changes nothing."""
    if order.status is OrderStatus.CANCELED:
        return None
    if order.status not in OPEN:
        return Refused(
            Category.CONFLICT, "order_already_paid", f"The order is {order.status} already."
        )
    order.status = OrderStatus.CANCELED
    order.reason = reason
    return None


def confirm(order: Order, captured_cents: int) -> bool:
    """Stock is sold and money captured. False: it was canceled meanwhile."""
    if order.status is OrderStatus.CANCELED:
        return False
    if order.status in OPEN:
        order.status = OrderStatus.PAID
        order.payment_status = PaymentStatus.APPROVED
        order.inventory_status = InventoryStatus.SOLD
        order.settled = True
        give_back(order, captured_cents, order.refunded_cents)
    return True


def give_back(order: Order, captured_cents: int, refunded_cents: int) -> None:
    """So much was given back by now of what was captured; what is said late changes nothing."""
    _count_money(order, captured_cents, refunded_cents)
    if 0 < order.captured_cents <= order.refunded_cents:
        order.payment_status = PaymentStatus.REFUNDED


def _count_money(order: Order, captured_cents: int, refunded_cents: int) -> None:
    """Both only ever rise: whoever says less said it earlier."""
    order.captured_cents = max(order.captured_cents, captured_cents)
    order.refunded_cents = max(order.refunded_cents, refunded_cents)


def give_up(order: Order, reason: str, inventory: InventoryStatus, payment: PaymentStatus) -> bool:
    """The saga could not serve it and has undone everything. False: it is paid already.

    It is settled when the saga records so, with what was captured and refunded.
    """
    refused = cancel(order, reason)
    if refused is not None:
        return False
    order.inventory_status, order.payment_status = inventory, payment
    return True


@dataclass(frozen=True, slots=True)
class Progress:
    step: int
    inventory: InventoryStatus
    payment: PaymentStatus
    captured_cents: int
    refunded_cents: int
    settled: bool


def record(order: Order, progress: Progress) -> bool:
    """Show how the saga stands. False: something later is known already."""
    paid = order.status not in OPEN and order.status is not OrderStatus.CANCELED
    if paid or progress.step <= order.step:
        return False
    order.step = progress.step
    order.inventory_status, order.payment_status = progress.inventory, progress.payment
    _count_money(order, progress.captured_cents, progress.refunded_cents)
    order.settled = progress.settled
    if order.status is OrderStatus.PENDING and progress.inventory is InventoryStatus.RESERVED:
        order.status = OrderStatus.IN_PROGRESS
    return True


_NEXT: Final = {OrderStatus.SHIPPED: OrderStatus.PAID, OrderStatus.COMPLETED: OrderStatus.SHIPPED}


def advance(order: Order, to: OrderStatus, tracking: str | None) -> Refused | None:
    """Ship or complete (E4): only the legal next step; saying the same again changes nothing."""
    if order.status is to:
        return None
    if _NEXT.get(to) is not order.status:
        return Refused(
            Category.CONFLICT,
            "illegal_transition",
            f"An order cannot go from {order.status} to {to}.",
        )
    order.status = to
    order.tracking = tracking or order.tracking
    return None
