"""Cancel an order before its payment is confirmed (O5)."""

from collections.abc import Sequence
from dataclasses import dataclass

from feira.contracts.message import Message
from feira.kernel.errors import Category, Refused
from feira.services.orders.application.ports import OrdersUnitOfWork
from feira.services.orders.application.publishing import order_canceled
from feira.services.orders.domain.order import Order, OrderStatus, cancel

NOT_FOUND = Refused(Category.NOT_FOUND, "order_not_found", "There is no such order.")


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """`customer_id` None: an administrator, who may cancel anybody's."""

    order_id: int
    customer_id: int | None
    reason: str = "canceled_by_customer"


async def cancel_orders(
    commands: Sequence[CancelOrder], uow: OrdersUnitOfWork
) -> list[Order | Refused]:
    orders = await uow.orders.get_many(c.order_id for c in commands)
    outcomes: list[Order | Refused] = []
    announcements: list[list[Message]] = []
    for command in commands:
        order = orders.get(command.order_id)
        if order is None or command.customer_id not in (None, order.customer_id):
            outcomes.append(NOT_FOUND)
            announcements.append([])
            continue
        news = order.status is not OrderStatus.CANCELED
        refused = cancel(order, command.reason)
        outcomes.append(refused or order)
        announcements.append([order_canceled(order)] if news and not refused else [])
    uow.orders.save_many(order for order in outcomes if isinstance(order, Order))
    uow.outbox.announce(announcements)
    return outcomes
