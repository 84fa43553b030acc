"""What the orchestrator says: from the saga's wishes to their contracts."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from feira.contracts import orchestrator as contracts
from feira.contracts.message import Message
from feira.services.orchestrator.domain import messages as m
from feira.services.orchestrator.domain.purchase_saga import Saga, State

HOLD_MARGIN: Final = timedelta(minutes=5)
"""Inventory's own hold outlasts the saga's, which normally ends it."""


def published(saga: Saga, said: m.Said) -> Message:
    return PUBLISH[type(said)](saga)


def _reserve_stock(saga: Saga) -> contracts.ReserveStock:
    purchase = saga.purchase
    hold = max(purchase.hold_until - purchase.started_at, timedelta(0)) + HOLD_MARGIN
    return contracts.ReserveStock(
        order_id=purchase.order_id,
        lines=tuple(
            contracts.StockLine(product_id=line.product_id, quantity=line.quantity)
            for line in purchase.lines
        ),
        hold_seconds=int(hold.total_seconds()),
        allotment_id=purchase.allotment_id,
    )


def _request_payment(saga: Saga) -> contracts.RequestPayment:
    return contracts.RequestPayment(
        order_id=saga.purchase.order_id,
        attempt=saga.attempt,
        amount_cents=saga.purchase.total_cents,
        method=saga.method,
        token=saga.token,
    )


def _confirm_order(saga: Saga) -> contracts.ConfirmOrder:
    return contracts.ConfirmOrder(
        order_id=saga.purchase.order_id, captured_cents=saga.captured_cents
    )


def _cancel_order(saga: Saga) -> contracts.CancelOrder:
    return contracts.CancelOrder(
        order_id=saga.purchase.order_id,
        reason=saga.reason,
        inventory_status=saga.inventory_status,
        payment_status=saga.payment_status,
    )


def _record_progress(saga: Saga) -> contracts.RecordProgress:
    return contracts.RecordProgress(
        order_id=saga.purchase.order_id,
        step=saga.step,
        inventory_status=saga.inventory_status,
        payment_status=saga.payment_status,
        captured_cents=saga.captured_cents,
        refunded_cents=saga.refunded_cents,
        settled=not saga.open,
    )


def _finished(saga: Saga) -> contracts.SagaFinished:
    completed = saga.state is State.COMPLETED
    return contracts.SagaFinished(
        order_id=saga.purchase.order_id, outcome="completed" if completed else "canceled"
    )


def _about_the_order(kind: Callable[..., Message]) -> Callable[[Saga], Message]:
    return lambda saga: kind(order_id=saga.purchase.order_id)


PUBLISH: Final[dict[type[m.Said], Callable[[Saga], Message]]] = {
    m.ReserveStock: _reserve_stock,
    m.ConfirmReservation: _about_the_order(contracts.ConfirmReservation),
    m.ReleaseStock: _about_the_order(contracts.ReleaseStock),
    m.RequestPayment: _request_payment,
    m.CancelPayment: _about_the_order(contracts.CancelPayment),
    m.ConfirmOrder: _confirm_order,
    m.CancelOrder: _cancel_order,
    m.RecordProgress: _record_progress,
    m.RecordSettlement: _record_progress,
    m.Finish: _finished,
}
"""Every wish and its contract; a test holds it to be complete."""
