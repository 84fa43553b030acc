"""Ask the provider about payments that have had no answer: after a timeout, or a crash."""

from collections.abc import Sequence
from dataclasses import dataclass

from feira.services.payments.application.ports import PaymentsUnitOfWork
from feira.services.payments.domain.order_payments import OrderPayments
from feira.services.payments.domain.payment import Payment


@dataclass(frozen=True, slots=True)
class CheckPayments:
    """Take up to `orders_max` orders whose time has come; each waits longer the next time."""

    orders_max: int = 500


async def check_payments(commands: Sequence[CheckPayments], uow: PaymentsUnitOfWork) -> list[int]:
    """Returns how many payments are asked about, a command."""
    counts = []
    for command in commands:
        due = await _due(command, uow)
        for order, payment in due:
            payment.postpone_check(uow.now)
            calls = uow.calls.cancellations if order.canceled else uow.calls.questions
            calls.append(payment)
        uow.payments.save_many(payment for _, payment in due)
        counts.append(len(due))
    return counts


async def _due(
    command: CheckPayments, uow: PaymentsUnitOfWork
) -> list[tuple[OrderPayments, Payment]]:
    """Found without a lock, and looked at again with it: another process may have been faster."""
    order_ids = await uow.payments.due_orders(command.orders_max)
    orders = await uow.payments.of_orders_for_update(order_ids)
    return [
        (orders[order_id], payment)
        for order_id in order_ids
        for payment in orders[order_id].attempts.values()
        if payment.next_check_at and payment.next_check_at <= uow.now
    ]
