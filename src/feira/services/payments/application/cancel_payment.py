"""Take no money for an order, and give back what was taken, now or later."""

from collections.abc import Sequence

from feira.contracts.orchestrator import CancelPayment
from feira.services.payments.application.ports import PaymentsUnitOfWork
from feira.services.payments.application.publishing import told
from feira.services.payments.domain.order_payments import cancel, cancellation_news
from feira.services.payments.domain.payment import Payment, State
from feira.services.payments.domain.refund import Refund


async def cancel_payments(commands: Sequence[CancelPayment], uow: PaymentsUnitOfWork) -> list[None]:
    """Answered once nothing is kept and nothing can be taken; a repeat is answered again."""
    orders = await uow.payments.of_orders_for_update(c.order_id for c in commands)
    changed: list[Payment] = []
    refunds: list[Refund] = []
    newly_canceled: list[int] = []
    messages = []
    for command in commands:
        order = orders[command.order_id]
        if not order.canceled:
            newly_canceled.append(order.order_id)
        payments, new_refunds = cancel(order, uow.ids.number, uow.now)
        changed += payments
        refunds += new_refunds
        messages.append(told(cancellation_news(order), order, None))
    uow.payments.mark_canceled(newly_canceled)
    uow.payments.save_many(changed)
    uow.refunds.add_many(refunds)
    uow.calls.cancellations += [p for p in changed if p.state is State.CANCELING]
    uow.calls.refunds += refunds
    uow.outbox.announce(messages)
    return [None] * len(commands)
