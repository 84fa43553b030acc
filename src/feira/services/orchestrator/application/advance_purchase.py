"""Take in what the other services answer, and go on."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from feira.contracts import inventory, orders, payments
from feira.contracts.message import Message
from feira.services.orchestrator.application.ports import OrchestratorUnitOfWork
from feira.services.orchestrator.application.publishing import published
from feira.services.orchestrator.domain import messages as m
from feira.services.orchestrator.domain.purchase_saga import advance


def _always(heard: m.Heard) -> Callable[[Any], m.Heard]:
    """It carries nothing, so one is enough for all."""
    return lambda _: heard


HEARD: Final[dict[type[Message], Callable[[Any], m.Heard]]] = {
    inventory.StockReserved: _always(m.StockReserved()),
    inventory.StockInsufficient: _always(m.StockInsufficient()),
    inventory.ReservationConfirmed: _always(m.ReservationConfirmed()),
    inventory.ReservationReleased: _always(m.ReservationReleased()),
    payments.PaymentConfirmed: lambda c: m.PaymentConfirmed(c.attempt, c.amount_cents),
    payments.PaymentFailed: lambda c: m.PaymentFailed(c.attempt, c.reason),
    payments.PaymentCanceled: lambda c: m.PaymentCanceled(c.captured_cents, c.refunded_cents),
    orders.OrderPaymentSubmitted: lambda c: m.PaymentSubmitted(
        c.attempt, c.payment.method, c.payment.token
    ),
    orders.OrderConfirmed: _always(m.OrderConfirmed()),
    orders.OrderCanceled: lambda c: m.OrderCanceled(c.reason),
}


async def advance_purchases(commands: Sequence[Any], uow: OrchestratorUnitOfWork) -> list[None]:
    """Messages about orders without a saga change nothing: the order will be told again."""
    sagas = await uow.sagas.get_many(c.order_id for c in commands)
    announcements: list[list[Message]] = []
    for command in commands:
        saga = sagas.get(command.order_id)
        if saga is None:
            announcements.append([])
            continue
        said = advance(saga, HEARD[type(command)](command), uow.now)
        announcements.append([published(saga, wish) for wish in said])
    uow.sagas.save_many(sagas[c.order_id] for c in commands if c.order_id in sagas)
    uow.outbox.announce(announcements)
    return [None] * len(commands)
