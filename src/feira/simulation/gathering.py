"""The evidence of a simulated shop: its stores at one instant, the bank's books, the history."""

from typing import Any

from feira.audit.evidence import (
    AllotmentRow,
    ClaimRow,
    DeadLetter,
    DropRow,
    Evidence,
    LedgerRow,
    Money,
    MovementRow,
    OrderRow,
    PaymentRow,
    RefundRow,
    ReservationRow,
    SagaRow,
    StockRow,
    TimelineEntry,
)
from feira.simulation.client import History
from feira.simulation.mishaps import CLOCK_ERROR_MAX_MS
from feira.simulation.shop import Shop


def evidence_of(shop: Shop, history: History) -> Evidence:
    sales = shop.tables("flashsale")
    inventory, payments = shop.tables("inventory"), shop.tables("payments")
    orders_of = {payment.id: payment.order_id for payment in payments.payments.values()}
    return Evidence(
        orders={key: _order(row) for key, row in shop.tables("orders").orders.items()},
        sagas={key: _saga(row) for key, row in shop.tables("orchestrator").sagas.items()},
        reservations={key: _reservation(row) for key, row in inventory.reservations.items()},
        stock={
            key: StockRow(
                product_id=key,
                on_hand=row.on_hand,
                reserved=row.reserved,
                allotted=row.allotted,
            )
            for key, row in inventory.stock.items()
        },
        allotments={key: _allotment(row) for key, row in inventory.allotments.items()},
        drops={key: _drop(row) for key, row in sales.drops.items()},
        claims=[
            ClaimRow(
                drop_id=row.drop_id,
                customer_id=row.customer_id,
                status=str(row.status),
                order_id=row.order_id,
            )
            for row in sales.claims.values()
        ],
        movements=[_movement(row) for row in inventory.movements],
        payments=[_payment(row) for row in payments.payments.values()],
        refunds=[_refund(row) for row in payments.refunds.values()],
        ledger=[
            LedgerRow(
                order_id=orders_of[row.payment_id],
                kind=str(row.kind),
                amount_cents=row.amount_cents,
            )
            for row in payments.ledger.values()
        ],
        books={key: Money(*cents) for key, cents in shop.bank.books().items()},
        mistakes={key: Money(*cents) for key, cents in shop.bank.mistakes().items()},
        dead_letters=[
            DeadLetter(service=name, what=f"{buried.letter.type}: {buried.letter.error}")
            for name, database in shop.databases.items()
            for buried in database.chassis.dead_letters.values()
        ],
        unpublished={
            name: len(database.chassis.outbox) for name, database in shop.databases.items()
        },
        history=history.calls,
        clock_error_max_ms=CLOCK_ERROR_MAX_MS,
    )


def _order(row: Any) -> OrderRow:
    return OrderRow(
        id=row.id,
        customer_id=row.customer_id,
        status=str(row.status),
        payment_status=str(row.payment_status),
        inventory_status=str(row.inventory_status),
        lines={line.product_id: line.quantity for line in row.lines},
        total_cents=row.total_cents,
        lines_cents=sum(line.quantity * line.unit_price_cents for line in row.lines),
        money=Money(row.captured_cents, row.refunded_cents),
        settled=row.settled,
        payment_attempts=row.payment_attempts,
        drop_id=row.allotment_id,
    )


def _saga(row: Any) -> SagaRow:
    return SagaRow(
        order_id=row.purchase.order_id,
        state=str(row.state),
        is_open=row.open,
        timeline=[TimelineEntry(*entry) for entry in row.timeline],
    )


def _reservation(row: Any) -> ReservationRow:
    return ReservationRow(
        order_id=row.order_id,
        status=str(row.status),
        lines={line.product_id: line.quantity for line in row.lines},
        was_sold=row.confirmed_at is not None,
        drop_id=row.allotment_id,
    )


def _allotment(row: Any) -> AllotmentRow:
    return AllotmentRow(
        id=row.id,
        product_id=row.product_id,
        units=row.units,
        left=row.left,
        given_back=row.given_back,
        is_open=row.is_open,
    )


def _drop(row: Any) -> DropRow:
    return DropRow(
        id=row.id,
        status=str(row.status),
        units=row.units,
        per_customer=row.per_customer,
        set_aside=row.set_aside,
        held=row.held,
        sold=row.sold,
        given_back=row.given_back,
    )


def _movement(row: Any) -> MovementRow:
    return MovementRow(
        product_id=row.product_id,
        kind=str(row.kind),
        quantity=row.quantity,
        reason=row.reason,
        reference=row.reference,
    )


def _payment(row: Any) -> PaymentRow:
    return PaymentRow(
        order_id=row.order_id,
        attempt=row.attempt,
        state=str(row.state),
        money=Money(row.captured_cents, row.refunded_cents),
        refunding_cents=row.refunding_cents,
    )


def _refund(row: Any) -> RefundRow:
    return RefundRow(
        order_id=row.order_id,
        amount_cents=row.amount_cents,
        state=str(row.state),
        reason=row.reason,
    )
