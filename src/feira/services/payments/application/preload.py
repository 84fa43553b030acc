"""What a batch will touch, loaded by one statement however its commands are mixed."""

from collections.abc import Sequence
from typing import Any

from feira.contracts.orchestrator import CancelPayment, RequestPayment
from feira.services.payments.application.ports import PaymentsUnitOfWork
from feira.services.payments.domain.charge import ChargeReport

OF_ORDERS = (RequestPayment, CancelPayment, ChargeReport)


async def preload(commands: Sequence[Any], uow: PaymentsUnitOfWork) -> None:
    """Webhooks are left out: most say nothing new, and then nothing has to be locked for them."""
    order_ids = [command.order_id for command in commands if isinstance(command, OF_ORDERS)]
    if order_ids:
        await uow.payments.of_orders_for_update(order_ids)
