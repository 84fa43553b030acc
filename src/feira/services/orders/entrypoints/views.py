"""What the orders API answers (O2, I1)."""

from typing import Final

import msgspec

from feira.chassis.http.answers import amount, json_answer
from feira.chassis.http.problems import problem_answer
from feira.chassis.work import Answer
from feira.kernel.errors import Refused
from feira.services.orders.application.ports import ListedOrder
from feira.services.orders.domain.order import Order

RECEIVED: Final = "received"
RECEIVED_MESSAGE: Final = "Order successfully placed."


class PlacedView(msgspec.Struct):
    id: int
    status: str


class ApiPlacedView(msgspec.Struct):
    order_id: str
    status: str = RECEIVED
    message: str = RECEIVED_MESSAGE


class ItemView(msgspec.Struct):
    id: int
    quantity: int


class PricedItemView(msgspec.Struct):
    id: int
    quantity: int
    price: float


class PaymentView(msgspec.Struct):
    status: str
    method: str | None
    captured: float
    refunded: float


class InventoryView(msgspec.Struct):
    status: str


class OrderView(msgspec.Struct):
    id: int
    status: str
    customerId: int  # noqa: N815 - the document's own spelling
    itens: list[ItemView]
    items: list[PricedItemView]
    total: float
    payment: PaymentView
    inventory: InventoryView
    delivery: msgspec.Raw | None
    created_at: str
    reason: str | None
    tracking: str | None


class ListedOrderView(msgspec.Struct):
    id: int
    status: str
    customerId: int  # noqa: N815 - the document's own spelling
    total: float
    created_at: str


def placed_answer(outcome: Order | Refused, path: str) -> Answer:
    if isinstance(outcome, Refused):
        return problem_answer(outcome, path)
    return json_answer(201, PlacedView(outcome.id, outcome.status))


def api_placed_answer(outcome: Order | Refused, path: str) -> Answer:
    if isinstance(outcome, Refused):
        return problem_answer(outcome, path)
    return json_answer(200, ApiPlacedView(str(outcome.id)))


def status_answer(outcome: Order | Refused, path: str) -> Answer:
    """What canceling, shipping and completing answer."""
    if isinstance(outcome, Refused):
        return problem_answer(outcome, path)
    return json_answer(200, PlacedView(outcome.id, outcome.status))


def payment_answer(outcome: Order | Refused, path: str) -> Answer:
    """202: the payment was taken in, and goes on by itself."""
    if isinstance(outcome, Refused):
        return problem_answer(outcome, path)
    return json_answer(202, PlacedView(outcome.id, outcome.payment_status))


def order_view(order: Order) -> OrderView:
    return OrderView(
        id=order.id,
        status=order.status,
        customerId=order.customer_id,
        itens=[ItemView(line.product_id, line.quantity) for line in order.lines],
        items=[
            PricedItemView(line.product_id, line.quantity, amount(line.unit_price_cents))
            for line in order.lines
        ],
        total=amount(order.total_cents),
        payment=PaymentView(
            order.payment_status,
            order.payment.method if order.payment else None,
            amount(order.captured_cents),
            amount(order.refunded_cents),
        ),
        inventory=InventoryView(order.inventory_status),
        delivery=msgspec.Raw(order.delivery) if order.delivery else None,
        created_at=order.created_at.isoformat(),
        reason=order.reason,
        tracking=order.tracking,
    )


def listed_view(order: ListedOrder) -> ListedOrderView:
    return ListedOrderView(
        order.id,
        order.status,
        order.customer_id,
        amount(order.total_cents),
        order.created_at.isoformat(),
    )
