"""Start the saga of an order that was created."""

from collections.abc import Sequence

from feira.contracts.message import Message
from feira.contracts.orders import OrderCreated
from feira.services.orchestrator.application.ports import OrchestratorUnitOfWork
from feira.services.orchestrator.application.publishing import published
from feira.services.orchestrator.domain.messages import RecordProgress
from feira.services.orchestrator.domain.purchase_saga import (
    Line,
    Purchase,
    Saga,
    pending,
    start,
)


async def start_purchases(
    commands: Sequence[OrderCreated], uow: OrchestratorUnitOfWork
) -> list[None]:
    """An order that is told again has missed how its saga stands: it is told that again."""
    sagas = await uow.sagas.get_many(c.order_id for c in commands)
    announcements: list[list[Message]] = []
    for command in commands:
        if command.order_id in sagas:
            announcements.append([published(sagas[command.order_id], RecordProgress())])
            continue
        saga = _started(command, uow)
        uow.sagas.add_many([saga])
        announcements.append([published(saga, said) for said in pending(saga)])
    uow.outbox.announce(announcements)
    return [None] * len(commands)


def _started(command: OrderCreated, uow: OrchestratorUnitOfWork) -> Saga:
    payment = command.payment
    purchase = Purchase(
        order_id=command.order_id,
        lines=tuple(Line(line.product_id, line.quantity) for line in command.lines),
        total_cents=command.total_cents,
        pays_at_once=payment is not None,
        hold_until=command.hold_until or uow.now + uow.hold,
        started_at=uow.now,
        allotment_id=command.allotment_id,
    )
    return start(purchase, uow.now, (payment.method, payment.token) if payment else None)
