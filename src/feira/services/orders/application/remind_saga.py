"""Say again what the saga may have missed: the broker is a hint, this database is the truth."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from feira.contracts.message import Message
from feira.services.orders.application.ports import OrdersUnitOfWork
from feira.services.orders.application.publishing import (
    order_canceled,
    order_created,
    payment_submitted,
)
from feira.services.orders.domain.order import Order, OrderStatus, PaymentStatus

QUIET_SECONDS = 30


@dataclass(frozen=True, slots=True)
class RemindSaga:
    """Sweep up to `orders_max` orders that the saga has been silent about for `quiet_seconds`."""

    quiet_seconds: int = QUIET_SECONDS
    orders_max: int = 500


async def remind_saga(commands: Sequence[RemindSaga], uow: OrdersUnitOfWork) -> list[int]:
    """Returns how many orders were spoken of, a command."""
    counts = []
    for command in commands:
        quiet_for = timedelta(seconds=command.quiet_seconds)
        orders = await uow.orders.find_unsettled(quiet_for, command.orders_max)
        uow.orders.save_many(orders)
        uow.outbox.tell(message for order in orders for message in _reminders(order))
        counts.append(len(orders))
    return counts


def _reminders(order: Order) -> list[Message]:
    messages: list[Message] = [order_created(order)]
    waits_for_payment = order.payment_status is PaymentStatus.PENDING
    if order.payment and not order.pays_at_once and waits_for_payment:
        messages.append(payment_submitted(order))
    if order.status is OrderStatus.CANCELED:
        messages.append(order_canceled(order))
    return messages
