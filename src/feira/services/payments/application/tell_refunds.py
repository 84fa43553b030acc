"""Tell again what administrators gave back: the broker is a hint, this database is the truth."""

from collections.abc import Sequence
from dataclasses import dataclass

from feira.services.payments.application.ports import PaymentsUnitOfWork
from feira.services.payments.application.publishing import payment_refunded


@dataclass(frozen=True, slots=True)
class TellRefunds:
    """The newest `refunds_max` that went through."""

    refunds_max: int = 10_000


async def tell_refunds(commands: Sequence[TellRefunds], uow: PaymentsUnitOfWork) -> list[int]:
    """Returns how many were told again, a command. Who knows them already changes nothing."""
    counts = []
    for command in commands:
        refunds = await uow.refunds.given_by_admins(command.refunds_max)
        orders = await uow.payments.of_orders_for_update(refund.order_id for refund in refunds)
        uow.outbox.tell(
            payment_refunded(orders[refund.order_id].attempts[refund.attempt], refund)
            for refund in refunds
        )
        counts.append(len(refunds))
    return counts
