"""Give back a part or all of a payment (E5): what administrators do after a sale."""

from collections.abc import Sequence
from dataclasses import dataclass

from feira.kernel.errors import Category, Refused
from feira.services.payments.application.ports import PaymentsUnitOfWork
from feira.services.payments.domain.order_payments import OrderPayments
from feira.services.payments.domain.payment import Payment
from feira.services.payments.domain.refund import Refund, request_refund

NOT_FOUND = Refused(Category.NOT_FOUND, "payment_not_found", "There is no such payment.")


@dataclass(frozen=True, slots=True)
class RequestRefund:
    """`amount_cents` None: all that is left."""

    payment_id: int
    amount_cents: int | None = None


async def request_refunds(
    commands: Sequence[RequestRefund], uow: PaymentsUnitOfWork
) -> list[Refund | Refused]:
    order_of = await uow.payments.order_ids(command.payment_id for command in commands)
    orders = await uow.payments.of_orders_for_update(order_of.values())
    outcomes: list[Refund | Refused] = []
    changed: list[Payment] = []
    for command in commands:
        payment = _find(command.payment_id, orders.get(order_of.get(command.payment_id, 0)))
        if payment is None:
            outcomes.append(NOT_FOUND)
            continue
        outcome = request_refund(payment, command.amount_cents, uow.ids.number, uow.now)
        outcomes.append(outcome)
        changed += [payment] if isinstance(outcome, Refund) else []
    refunds = [outcome for outcome in outcomes if isinstance(outcome, Refund)]
    uow.payments.save_many(changed)
    uow.refunds.add_many(refunds)
    uow.calls.refunds += refunds
    return outcomes


def _find(payment_id: int, order: OrderPayments | None) -> Payment | None:
    payments = order.attempts.values() if order else ()
    return next((payment for payment in payments if payment.id == payment_id), None)
