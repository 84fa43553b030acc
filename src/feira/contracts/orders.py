"""What `orders` tells the world. Topic `orders.events`, keyed by the order."""

from datetime import datetime
from typing import ClassVar

import msgspec

from feira.contracts.message import Message
from feira.contracts.units import Ordinal, Pieces

TOPIC = "orders.events"
SALES_TOPIC = "orders.sales"


class OrderLine(msgspec.Struct, frozen=True, kw_only=True):
    product_id: int
    quantity: Pieces
    unit_price_cents: int


class PaymentMethod(msgspec.Struct, frozen=True, kw_only=True):
    """How the customer pays: a provider's token, never a card number."""

    method: str
    token: str


class OrderCreated(Message, frozen=True, kw_only=True):
    """An order was accepted. With `payment` it goes through by itself; without, it waits.

    One of a flash sale draws from its allotment, and is held for its payment until `hold_until`.
    """

    TYPE: ClassVar[str] = "feira.orders.order_created.v1"
    TOPIC: ClassVar[str] = TOPIC
    KEY: ClassVar[str] = "order_id"

    order_id: int
    customer_id: int
    lines: tuple[OrderLine, ...]
    total_cents: int
    payment: PaymentMethod | None = None
    allotment_id: int | None = None
    hold_until: datetime | None = None


class OrderPaymentSubmitted(Message, frozen=True, kw_only=True):
    """The customer offers a (further) means of payment; `attempt` counts them from 1."""

    TYPE: ClassVar[str] = "feira.orders.order_payment_submitted.v1"
    TOPIC: ClassVar[str] = TOPIC
    KEY: ClassVar[str] = "order_id"

    order_id: int
    attempt: Ordinal
    payment: PaymentMethod


class OrderConfirmed(Message, frozen=True, kw_only=True):
    """Stock sold and payment captured: the order is paid, for good."""

    TYPE: ClassVar[str] = "feira.orders.order_confirmed.v1"
    TOPIC: ClassVar[str] = TOPIC
    KEY: ClassVar[str] = "order_id"

    order_id: int
    customer_id: int
    total_cents: int


class OrderCanceled(Message, frozen=True, kw_only=True):
    """The order will not be served. Also the answer to a confirmation that comes too late."""

    TYPE: ClassVar[str] = "feira.orders.order_canceled.v1"
    TOPIC: ClassVar[str] = TOPIC
    KEY: ClassVar[str] = "order_id"

    order_id: int
    customer_id: int
    reason: str


class OrderShipped(Message, frozen=True, kw_only=True):
    """The parcel is on its way; `tracking` finds it."""

    TYPE: ClassVar[str] = "feira.orders.order_shipped.v1"
    TOPIC: ClassVar[str] = TOPIC
    KEY: ClassVar[str] = "order_id"

    order_id: int
    customer_id: int
    tracking: str | None = None


class OrderCompleted(Message, frozen=True, kw_only=True):
    """The customer has the goods: nothing more follows."""

    TYPE: ClassVar[str] = "feira.orders.order_completed.v1"
    TOPIC: ClassVar[str] = TOPIC
    KEY: ClassVar[str] = "order_id"

    order_id: int
    customer_id: int


class SaleOrderSettled(Message, frozen=True, kw_only=True):
    """An order of a flash sale has come to rest: it is sold, or its unit can be had by another.

    Told also in answer to a request for an order that has come to rest already.
    """

    TYPE: ClassVar[str] = "feira.orders.sale_order_settled.v1"
    TOPIC: ClassVar[str] = SALES_TOPIC
    KEY: ClassVar[str] = "order_id"

    order_id: int
    allotment_id: int
    is_sold: bool


class ProductsWanted(Message, frozen=True, kw_only=True):
    """Orders makes its price book anew: it wants the next products after `after_id`.

    Answered by ProductsRepeated.
    """

    TYPE: ClassVar[str] = "feira.orders.products_wanted.v1"
    TOPIC: ClassVar[str] = "orders.wishes"
    KEY: ClassVar[str] = "request_id"

    request_id: str
    after_id: int
