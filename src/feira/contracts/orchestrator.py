"""What the purchase saga asks of the others, and what it tells when it ends.

Every command may come more than once (the saga asks again until it is answered): who receives it
answers a repeat with what was decided the first time.
"""

from typing import ClassVar

import msgspec

from feira.contracts.message import Message
from feira.contracts.units import Ordinal, Pieces

INVENTORY_COMMANDS = "inventory.commands"
PAYMENTS_COMMANDS = "payments.commands"
ORDERS_COMMANDS = "orders.commands"
TOPIC = "orchestrator.events"


class StockLine(msgspec.Struct, frozen=True, kw_only=True):
    product_id: int
    quantity: Pieces


class ReserveStock(Message, frozen=True, kw_only=True):
    """Hold all lines of an order, or none. Answered by StockReserved or StockInsufficient.

    The hold ends by itself after `hold_seconds`, should the saga never speak again. With an
    `allotment_id` the units are drawn from what was set aside.
    """

    TYPE: ClassVar[str] = "feira.orchestrator.reserve_stock.v1"
    TOPIC: ClassVar[str] = INVENTORY_COMMANDS
    KEY: ClassVar[str] = "order_id"

    order_id: int
    lines: tuple[StockLine, ...]
    hold_seconds: int
    allotment_id: int | None = None


class ConfirmReservation(Message, frozen=True, kw_only=True):
    """Turn the hold into a sale. Answered by ReservationConfirmed or ReservationReleased."""

    TYPE: ClassVar[str] = "feira.orchestrator.confirm_reservation.v1"
    TOPIC: ClassVar[str] = INVENTORY_COMMANDS
    KEY: ClassVar[str] = "order_id"

    order_id: int


class ReleaseStock(Message, frozen=True, kw_only=True):
    """Give back what the order holds or was sold. Answered by ReservationReleased.

    One that comes before its ReserveStock makes that one fail.
    """

    TYPE: ClassVar[str] = "feira.orchestrator.release_stock.v1"
    TOPIC: ClassVar[str] = INVENTORY_COMMANDS
    KEY: ClassVar[str] = "order_id"

    order_id: int


class RequestPayment(Message, frozen=True, kw_only=True):
    """Take the money. Answered by PaymentConfirmed or PaymentFailed with the same `attempt`."""

    TYPE: ClassVar[str] = "feira.orchestrator.request_payment.v1"
    TOPIC: ClassVar[str] = PAYMENTS_COMMANDS
    KEY: ClassVar[str] = "order_id"

    order_id: int
    attempt: Ordinal
    amount_cents: int
    method: str
    token: str


class CancelPayment(Message, frozen=True, kw_only=True):
    """Take no money for this order, and give back what was taken, now or later.

    Answered by PaymentCanceled (nothing is kept; `refunded_cents` tells what was given back).
    """

    TYPE: ClassVar[str] = "feira.orchestrator.cancel_payment.v1"
    TOPIC: ClassVar[str] = PAYMENTS_COMMANDS
    KEY: ClassVar[str] = "order_id"

    order_id: int


class RecordProgress(Message, frozen=True, kw_only=True):
    """How the order stands: shown to the customer. Not answered; later ones replace earlier ones.

    `step` rises with the saga, so that one that comes late is known as such. `settled` is true in
    the last one: nothing more will happen to this order's stock and money by itself.
    """

    TYPE: ClassVar[str] = "feira.orchestrator.record_progress.v1"
    TOPIC: ClassVar[str] = ORDERS_COMMANDS
    KEY: ClassVar[str] = "order_id"

    order_id: int
    step: Ordinal
    inventory_status: str
    payment_status: str
    captured_cents: int = 0
    refunded_cents: int = 0
    settled: bool = False


class ConfirmOrder(Message, frozen=True, kw_only=True):
    """Stock is sold and money captured. Answered by OrderConfirmed or OrderCanceled."""

    TYPE: ClassVar[str] = "feira.orchestrator.confirm_order.v1"
    TOPIC: ClassVar[str] = ORDERS_COMMANDS
    KEY: ClassVar[str] = "order_id"

    order_id: int
    captured_cents: int


class CancelOrder(Message, frozen=True, kw_only=True):
    """The purchase cannot go through. Answered by OrderCanceled (or OrderConfirmed, if it was)."""

    TYPE: ClassVar[str] = "feira.orchestrator.cancel_order.v1"
    TOPIC: ClassVar[str] = ORDERS_COMMANDS
    KEY: ClassVar[str] = "order_id"

    order_id: int
    reason: str
    inventory_status: str
    payment_status: str


class SagaFinished(Message, frozen=True, kw_only=True):
    """The purchase has come to rest: `completed` or `canceled`."""

    TYPE: ClassVar[str] = "feira.orchestrator.saga_finished.v1"
    TOPIC: ClassVar[str] = TOPIC
    KEY: ClassVar[str] = "order_id"

    order_id: int
    outcome: str
