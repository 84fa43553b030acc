"""Do what the purchase saga asks: show its progress, confirm, give up."""

from collections.abc import Sequence

from feira.contracts.message import Message
from feira.contracts.orchestrator import CancelOrder, ConfirmOrder, RecordProgress
from feira.services.orders.application.ports import OrdersUnitOfWork
from feira.services.orders.application.publishing import (
    order_canceled,
    order_confirmed,
    sale_order_settled,
)
from feira.services.orders.domain.order import (
    InventoryStatus,
    Order,
    PaymentStatus,
    Progress,
    confirm,
    give_up,
    record,
)

SagaCommand = RecordProgress | ConfirmOrder | CancelOrder


async def follow_saga(commands: Sequence[SagaCommand], uow: OrdersUnitOfWork) -> list[None]:
    """Every command is answered with what the order now is, also when it comes again.

    An order that is not known was never accepted: such a command is a bug, and raises KeyError.
    """
    orders = await uow.orders.get_many(c.order_id for c in commands)
    uow.outbox.announce([_followed(orders[command.order_id], command) for command in commands])
    uow.orders.save_many(orders[command.order_id] for command in commands)
    return [None] * len(commands)


def _followed(order: Order, command: SagaCommand) -> list[Message]:
    """What it leads to; a flash sale is told of an order of its own when that comes to rest."""
    was_settled = order.settled
    messages = _follow(order, command)
    if order.is_settled_sale and not was_settled:
        messages.append(sale_order_settled(order))
    return messages


def _follow(order: Order, command: SagaCommand) -> list[Message]:
    match command:
        case RecordProgress():
            record(order, _progress(command))
            return []
        case ConfirmOrder():
            confirmed = confirm(order, command.captured_cents)
            return [order_confirmed(order) if confirmed else order_canceled(order)]
        case CancelOrder():
            canceled = give_up(
                order,
                command.reason,
                InventoryStatus(command.inventory_status),
                PaymentStatus(command.payment_status),
            )
            return [order_canceled(order) if canceled else order_confirmed(order)]


def _progress(command: RecordProgress) -> Progress:
    return Progress(
        step=command.step,
        inventory=InventoryStatus(command.inventory_status),
        payment=PaymentStatus(command.payment_status),
        captured_cents=command.captured_cents,
        refunded_cents=command.refunded_cents,
        settled=command.settled,
    )
