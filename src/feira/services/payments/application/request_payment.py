"""Take the money of an order: intent first, the provider is called once that is durable."""

from collections.abc import Sequence

from feira.contracts.orchestrator import RequestPayment
from feira.services.payments.application.ports import PaymentsUnitOfWork
from feira.services.payments.application.publishing import told
from feira.services.payments.domain.order_payments import (
    OrderPayments,
    answer_to,
    begin,
    may_begin,
)
from feira.services.payments.domain.payment import Payment, State


async def request_payments(
    commands: Sequence[RequestPayment], uow: PaymentsUnitOfWork
) -> list[None]:
    """A repeat is answered with what became of the attempt, or not yet while that is open."""
    orders = await uow.payments.of_orders_for_update(c.order_id for c in commands)
    begun: list[Payment] = []
    messages = []
    for command, origin in zip(commands, uow.outbox.origins, strict=True):
        order = orders[command.order_id]
        if may_begin(order, command.attempt):
            begun.append(_begin(order, command, origin.correlation_id, uow))
        news, payment = answer_to(order, command.attempt)
        messages.append(told(news, order, payment))
    uow.payments.add_many(begun)
    uow.calls.charges += [payment for payment in begun if payment.state is State.REQUESTED]
    uow.outbox.announce(messages)
    return [None] * len(commands)


def _begin(
    order: OrderPayments, command: RequestPayment, correlation_id: str, uow: PaymentsUnitOfWork
) -> Payment:
    payment = Payment(
        id=uow.ids.number(),
        order_id=command.order_id,
        attempt=command.attempt,
        amount_cents=command.amount_cents,
        method=command.method,
        token=command.token,
        requested_at=uow.now,
        correlation_id=correlation_id,
    )
    begin(order, payment, uow.now)
    return payment
