"""Show what was given back after a sale (E5): payments has it, the customer asks here."""

from collections.abc import Sequence

from feira.contracts.payments import PaymentRefunded
from feira.services.orders.application.ports import OrdersUnitOfWork
from feira.services.orders.domain.order import give_back


async def show_refunds(events: Sequence[PaymentRefunded], uow: OrdersUnitOfWork) -> list[None]:
    """A refund of an order that is not known is a bug, and raises KeyError."""
    orders = await uow.orders.get_many(event.order_id for event in events)
    for event in events:
        give_back(orders[event.order_id], event.captured_cents, event.refunded_cents)
    uow.orders.save_many(orders[event.order_id] for event in events)
    return [None] * len(events)
