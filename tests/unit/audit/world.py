"""A small shop in which everything agrees, to be bent."""

from dataclasses import replace
from typing import Any

from feira.audit.evidence import (
    Call,
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

PAID, REFUNDED, DECLINED, SHORT, WAITING, UNTOLD = 1, 2, 3, 4, 5, 6
ANA, BIA, ADMIN = 71, 72, 9
SOAP = 10
LINES = {SOAP: 3}
FORWARD = ("reserving", "paying", "selling", "confirming", "completed")
BACK = {
    REFUNDED: ("reserving", "paying", "undoing_payment", "undoing_stock", "canceled"),
    DECLINED: ("reserving", "paying", "undoing_stock", "undoing_order", "canceled"),
    SHORT: ("reserving", "undoing_order", "canceled"),
    WAITING: ("reserving", "awaiting_payment", "paying", "awaiting_payment"),
}


def order(order_id: int, status: str, *shown: str, money: Money, **more: Any) -> OrderRow:
    return OrderRow(
        id=order_id,
        customer_id=more.pop("customer_id", ANA),
        status=status,
        payment_status=shown[0],
        inventory_status=shown[1],
        lines=LINES,
        total_cents=300,
        lines_cents=300,
        money=money,
        settled=status in ("paid", "canceled"),
        payment_attempts=more.pop("payment_attempts", 1),
    )


def saga(order_id: int, *states: str) -> SagaRow:
    return SagaRow(
        order_id=order_id,
        state=states[-1],
        is_open=states[-1] not in ("completed", "canceled"),
        timeline=[TimelineEntry(10 * at, f"Heard{at}", state) for at, state in enumerate(states)],
    )


def in_order() -> Evidence:
    """Ten bars received, one adjusted away; three sold twice (one sale whose customer never heard
    of it), three held for an order that waits; the others were canceled, one after it was paid."""
    back = Money(300, 300)
    return Evidence(
        orders={
            row.id: row
            for row in (
                order(PAID, "paid", "approved", "sold", money=Money(300)),
                order(REFUNDED, "canceled", "refunded", "released", money=back),
                order(DECLINED, "canceled", "declined", "released", money=Money()),
                order(SHORT, "canceled", "pending", "insufficient", money=Money()),
                order(
                    WAITING,
                    "in_progress",
                    "declined",
                    "reserved",
                    money=Money(),
                    payment_attempts=1,
                ),
                order(UNTOLD, "paid", "approved", "sold", money=Money(300), customer_id=BIA),
            )
        },
        sagas={
            PAID: saga(PAID, *FORWARD),
            UNTOLD: saga(UNTOLD, *FORWARD),
            **{order_id: saga(order_id, *states) for order_id, states in BACK.items()},
        },
        reservations={
            PAID: ReservationRow(order_id=PAID, status="confirmed", lines=LINES, was_sold=True),
            UNTOLD: ReservationRow(order_id=UNTOLD, status="confirmed", lines=LINES, was_sold=True),
            REFUNDED: ReservationRow(
                order_id=REFUNDED, status="released", lines=LINES, was_sold=True
            ),
            DECLINED: ReservationRow(order_id=DECLINED, status="released", lines=LINES),
            SHORT: ReservationRow(order_id=SHORT, status="refused", lines={}),
            WAITING: ReservationRow(order_id=WAITING, status="held", lines=LINES),
        },
        stock={SOAP: StockRow(product_id=SOAP, on_hand=3, reserved=3)},
        movements=[
            MovementRow(product_id=SOAP, kind="receipt", quantity=10, reference=f"user/{ADMIN}"),
            MovementRow(product_id=SOAP, kind="adjustment", quantity=-1, reference=f"user/{ADMIN}"),
            MovementRow(product_id=SOAP, kind="restock", quantity=3, reference=f"order/{REFUNDED}"),
        ],
        payments=[
            PaymentRow(order_id=PAID, attempt=1, state="captured", money=Money(300)),
            PaymentRow(order_id=UNTOLD, attempt=1, state="captured", money=Money(300)),
            PaymentRow(order_id=REFUNDED, attempt=1, state="refunded", money=back),
            PaymentRow(order_id=DECLINED, attempt=1, state="failed", money=Money()),
        ],
        refunds=[RefundRow(order_id=REFUNDED, amount_cents=300, state="succeeded")],
        ledger=[
            LedgerRow(order_id=PAID, kind="capture", amount_cents=300),
            LedgerRow(order_id=UNTOLD, kind="capture", amount_cents=300),
            LedgerRow(order_id=REFUNDED, kind="capture", amount_cents=300),
            LedgerRow(order_id=REFUNDED, kind="refund", amount_cents=300),
        ],
        books={PAID: Money(300), REFUNDED: back, UNTOLD: Money(300)},
        unpublished={"orders": 0},
        history=history(),
    )


def history() -> list[Call]:
    """Everything is asked a second after the last thing, and answered at once; but BIA's order."""
    accepted = [placing(f"key-{number}", id=number) for number in (PAID, REFUNDED, DECLINED, SHORT)]
    told = [
        *accepted,
        placing(f"key-{PAID}", id=PAID),  # asked again, and answered the same
        placing(f"key-{WAITING}", id=WAITING, payment=None),
        call("POST", f"/orders/{WAITING}/payment", 202, {"id": WAITING, "status": "pending"}, "w"),
        call("GET", f"/orders/{PAID}", 200, {"id": PAID, "status": "pending"}),
        call("GET", f"/orders/{PAID}", 200, {"id": PAID, "status": "paid"}),
        call("DELETE", f"/orders/{REFUNDED}", 200, {"id": REFUNDED, "status": "canceled"}),
        call("DELETE", f"/orders/{PAID}", 409, {"code": "order_already_paid"}),
        moving("receipt", 10, "m-1"),
        moving("adjustment", -1, "m-2"),
        replace(placing("key-6", id=None), who=BIA, status=None, answer=None),
        replace(placing("key-7", id=None), who=BIA, status=429, answer={"code": "too_many"}),
    ]
    return [
        replace(one, sent_at=at + 0.0, answered_at=at + 0.5 if one.status else None)
        for at, one in enumerate(told)
    ]


def call(
    method: str, path: str, status: int, answer: Any, key: str | None = None, body: Any = None
) -> Call:
    return Call(
        who=ANA,
        method=method,
        path=path,
        body=body,
        key=key,
        sent_at=0.0,
        status=status,
        answer=answer,
    )


def placing(key: str, *, id: int | None, payment: Any = ("card",)) -> Call:  # noqa: A002
    body = {"itens": [{"id": SOAP, "quantity": 2}, {"id": SOAP, "quantity": 1}], "payment": payment}
    return call("POST", "/orders", 201, {"id": id, "status": "pending"}, key, body)


def moving(kind: str, quantity: int, key: str) -> Call:
    path = f"/inventory/{SOAP}/{kind}s"
    made = call("POST", path, 201, {"product_id": SOAP}, key, {"quantity": quantity})
    return replace(made, who=ADMIN, is_admin=True)
