"""Pay for an order that waits for its payment, or try another means after a refusal (B4)."""

from collections.abc import Sequence
from dataclasses import dataclass

from feira.kernel.errors import Refused
from feira.services.orders.application.cancel_order import NOT_FOUND
from feira.services.orders.application.ports import OrdersUnitOfWork
from feira.services.orders.application.publishing import payment_submitted
from feira.services.orders.domain.order import Order, Payment, submit_payment


@dataclass(frozen=True, slots=True)
class SubmitPayment:
    """`customer_id` None: an administrator."""

    order_id: int
    customer_id: int | None
    payment: Payment


async def submit_payments(
    commands: Sequence[SubmitPayment], uow: OrdersUnitOfWork
) -> list[Order | Refused]:
    orders = await uow.orders.get_many(c.order_id for c in commands)
    outcomes = [_submit(orders.get(c.order_id), c) for c in commands]
    uow.orders.save_many(order for order in outcomes if isinstance(order, Order))
    uow.outbox.announce(
        [payment_submitted(order)] if isinstance(order, Order) else [] for order in outcomes
    )
    return outcomes


def _submit(order: Order | None, command: SubmitPayment) -> Order | Refused:
    if order is None or command.customer_id not in (None, order.customer_id):
        return NOT_FOUND
    return submit_payment(order, command.payment) or order
