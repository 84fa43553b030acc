"""What `flashsale` tells the world, and what it asks of inventory and orders.

Topics `flashsale.events` and `flashsale.requests`, keyed by the drop. What many buyers lead to in
one moment is told in one message. Every request may come more than once: who receives it answers a
repeat with what was decided the first time.
"""

from datetime import datetime
from typing import ClassVar, Final

import msgspec

from feira.contracts.message import Message
from feira.contracts.orders import PaymentMethod
from feira.contracts.units import Pieces

TOPIC = "flashsale.events"
REQUESTS_TOPIC = "flashsale.requests"

WORKERS_OF_ORDERS: Final = range(16)
WORKERS_OF_FLASHSALE: Final = range(16, 32)
"""Both make order ids, in databases of their own: they share out the workers in an id
(`kernel/ids.py`), so that the two never make the same one."""


class SetAsideStock(Message, frozen=True, kw_only=True):
    """Set units of a product aside for a drop, or as many as there are.

    Answered by StockSetAside once the product is known. One that comes after its GiveBackStock
    sets nothing aside.
    """

    TYPE: ClassVar[str] = "feira.flashsale.set_aside_stock.v1"
    TOPIC: ClassVar[str] = REQUESTS_TOPIC
    KEY: ClassVar[str] = "allotment_id"

    allotment_id: int
    """The drop's id."""
    product_id: int
    quantity: Pieces


class GiveBackStock(Message, frozen=True, kw_only=True):
    """The drop is over: what nobody drew is for everybody again. Answered by StockGivenBack."""

    TYPE: ClassVar[str] = "feira.flashsale.give_back_stock.v1"
    TOPIC: ClassVar[str] = REQUESTS_TOPIC
    KEY: ClassVar[str] = "allotment_id"

    allotment_id: int


class RequestedOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One unit for one customer, held until `pay_until`; `delivery` is the address as JSON."""

    order_id: int
    customer_id: int
    pay_until: datetime
    delivery: str | None = None
    payment: PaymentMethod | None = None


class OrdersRequested(Message, frozen=True, kw_only=True):
    """Make these orders, of one unit each, at the sale's price, from the drop's allotment.

    An order that exists stays as it is; SaleOrderSettled tells of one that has come to rest.
    """

    TYPE: ClassVar[str] = "feira.flashsale.orders_requested.v1"
    TOPIC: ClassVar[str] = REQUESTS_TOPIC
    KEY: ClassVar[str] = "drop_id"

    drop_id: int
    product_id: int
    price_cents: int
    orders: tuple[RequestedOrder, ...]


class WonClaim(msgspec.Struct, frozen=True, kw_only=True):
    customer_id: int
    order_id: int
    pay_until: datetime


class ClaimsWon(Message, frozen=True, kw_only=True):
    """These customers got a unit each, in this order, at once or from the queue."""

    TYPE: ClassVar[str] = "feira.flashsale.claims_won.v1"
    TOPIC: ClassVar[str] = TOPIC
    KEY: ClassVar[str] = "drop_id"

    drop_id: int
    product_id: int
    price_cents: int
    claims: tuple[WonClaim, ...]


class LapsedClaim(msgspec.Struct, frozen=True, kw_only=True):
    customer_id: int
    order_id: int


class ClaimsLapsed(Message, frozen=True, kw_only=True):
    """These orders were not paid, or were canceled: their units go to the next in the queue."""

    TYPE: ClassVar[str] = "feira.flashsale.claims_lapsed.v1"
    TOPIC: ClassVar[str] = TOPIC
    KEY: ClassVar[str] = "drop_id"

    drop_id: int
    claims: tuple[LapsedClaim, ...]


class DropOpened(Message, frozen=True, kw_only=True):
    """Its units can be claimed."""

    TYPE: ClassVar[str] = "feira.flashsale.drop_opened.v1"
    TOPIC: ClassVar[str] = TOPIC
    KEY: ClassVar[str] = "drop_id"

    drop_id: int
    campaign_id: int
    product_id: int
    price_cents: int
    units: Pieces
    """As many as could be set aside."""
    ends_at: datetime


class DropClosed(Message, frozen=True, kw_only=True):
    """The drop is over and settled: set_aside = sold + given_back."""

    TYPE: ClassVar[str] = "feira.flashsale.drop_closed.v1"
    TOPIC: ClassVar[str] = TOPIC
    KEY: ClassVar[str] = "drop_id"

    drop_id: int
    campaign_id: int
    product_id: int
    set_aside: Pieces
    sold: Pieces
    given_back: Pieces
