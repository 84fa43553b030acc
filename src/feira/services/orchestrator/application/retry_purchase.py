"""An administrator makes a saga ask again at once (B8)."""

from collections.abc import Sequence
from dataclasses import dataclass

from feira.contracts.message import Message
from feira.kernel.errors import Category, Refused
from feira.services.orchestrator.application.ports import OrchestratorUnitOfWork
from feira.services.orchestrator.application.publishing import published
from feira.services.orchestrator.domain.purchase_saga import Saga, pending

NOT_FOUND = Refused(Category.NOT_FOUND, "saga_not_found", "There is no saga for this order.")
AT_REST = Refused(Category.CONFLICT, "saga_at_rest", "The purchase has come to rest.")


@dataclass(frozen=True, slots=True)
class RetryPurchase:
    order_id: int


async def retry_purchases(
    commands: Sequence[RetryPurchase], uow: OrchestratorUnitOfWork
) -> list[Saga | Refused]:
    sagas = await uow.sagas.get_many(c.order_id for c in commands)
    outcomes = [_outcome(sagas.get(command.order_id)) for command in commands]
    uow.outbox.announce(_asked(outcome) for outcome in outcomes)
    return outcomes


def _outcome(saga: Saga | None) -> Saga | Refused:
    if saga is None:
        return NOT_FOUND
    return saga if saga.open else AT_REST


def _asked(outcome: Saga | Refused) -> list[Message]:
    if isinstance(outcome, Refused):
        return []
    return [published(outcome, wish) for wish in pending(outcome)]
