"""Try refunds again that have had no answer or were refused: for ever, ever more seldom."""

from collections.abc import Sequence
from dataclasses import dataclass

from feira.services.payments.application.ports import PaymentsUnitOfWork


@dataclass(frozen=True, slots=True)
class RetryRefunds:
    refunds_max: int = 500


async def retry_refunds(commands: Sequence[RetryRefunds], uow: PaymentsUnitOfWork) -> list[int]:
    """Returns how many refunds are tried again, a command."""
    counts = []
    for command in commands:
        due = await uow.refunds.due_for_update(command.refunds_max)
        for refund in due:
            refund.postpone_check(uow.now)
        uow.refunds.save_many(due)
        uow.calls.refunds += due
        counts.append(len(due))
    return counts
