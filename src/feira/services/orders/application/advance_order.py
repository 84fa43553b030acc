"""Ship or complete an order (E4): what administrators do after it is paid."""

from collections.abc import Sequence
from dataclasses import dataclass

from feira.contracts.message import Message
from feira.kernel.errors import Refused
from feira.services.orders.application.cancel_order import NOT_FOUND
from feira.services.orders.application.ports import OrdersUnitOfWork
from feira.services.orders.application.publishing import order_completed, order_shipped
from feira.services.orders.domain.order import Order, OrderStatus, advance


@dataclass(frozen=True, slots=True)
class AdvanceOrder:
    order_id: int
    to: OrderStatus
    tracking: str | None = None


async def advance_orders(
    commands: Sequence[AdvanceOrder], uow: OrdersUnitOfWork
) -> list[Order | Refused]:
    orders = await uow.orders.get_many(c.order_id for c in commands)
    outcomes: list[Order | Refused] = []
    announcements: list[list[Message]] = []
    for command in commands:
        order = orders.get(command.order_id)
        if order is None:
            outcomes.append(NOT_FOUND)
            announcements.append([])
            continue
        before = order.status
        outcomes.append(advance(order, command.to, command.tracking) or order)
        announcements.append([_news(order)] if order.status is not before else [])
    uow.orders.save_many(order for order in outcomes if isinstance(order, Order))
    uow.outbox.announce(announcements)
    return outcomes


def _news(order: Order) -> Message:
    return order_shipped(order) if order.status is OrderStatus.SHIPPED else order_completed(order)
