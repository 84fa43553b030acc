"""The audit sees what it is there to see: each kind of damage to a story that was in order."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.audit import discrepancies
from tests.evidence import Evidence, OrderRow, StockRow

PAID, CANCELED, WAITING = 1, 2, 3
Damage = Callable[[Evidence], object]


def in_order() -> Evidence:
    """One order is paid, one canceled with its money returned, one waits; seven of ten are left."""
    paid = OrderRow(
        customer_id=7,
        status="paid",
        payment_status="approved",
        inventory_status="sold",
        total_cents=300,
        money=(300, 0),
        settled=True,
        lines={10: 3},
    )
    canceled = replace(
        paid,
        status="canceled",
        payment_status="refunded",
        inventory_status="released",
        money=(300, 300),
    )
    waiting = replace(
        paid,
        status="in_progress",
        payment_status="pending",
        inventory_status="reserved",
        money=(0, 0),
        settled=False,
    )
    money = {PAID: (300, 0), CANCELED: (300, 300)}
    return Evidence(
        orders={PAID: paid, CANCELED: canceled, WAITING: waiting},
        sagas={PAID: "completed", CANCELED: "canceled", WAITING: "awaiting_payment"},
        reservations={
            PAID: ("confirmed", {10: 3}),
            CANCELED: ("released", {10: 3}),
            WAITING: ("held", {10: 3}),
        },
        stock={10: StockRow(on_hand=7, ledger_on_hand=7, reserved=3, held=3)},
        payments=dict(money),
        ledger=dict(money),
        books=dict(money),
        dead_letters={"orders": []},
        unpublished={"orders": 0},
    )


def test_a_story_in_order_passes() -> None:
    assert discrepancies(in_order()) == []


def order(evidence: Evidence, order_id: int, **changes: object) -> None:
    evidence.orders[order_id] = replace(evidence.orders[order_id], **changes)  # type: ignore[arg-type]


def stock(evidence: Evidence, **changes: int) -> None:
    evidence.stock[10] = replace(evidence.stock[10], **changes)


DAMAGES: dict[str, Damage] = {
    "paid, and never captured": lambda e: e.books.pop(PAID),
    "captured twice": lambda e: e.books.update({PAID: (600, 0)}),
    "paid, and refunded": lambda e: e.books.update({PAID: (300, 300)}),
    "canceled, and the money kept": lambda e: e.books.update({CANCELED: (300, 0)}),
    "payments believes otherwise": lambda e: e.payments.update({PAID: (200, 0)}),
    "the double entry says otherwise": lambda e: e.ledger.pop(PAID),
    "money for an order nobody placed": lambda e: e.books.update({99: (100, 100)}),
    "stock for an order nobody placed": lambda e: e.reservations.update({99: ("held", {})}),
    "a saga for an order nobody placed": lambda e: e.sagas.update({99: "completed"}),
    "sold, and the stock only held": lambda e: e.reservations.update({PAID: ("held", {10: 3})}),
    "sold, and less taken": lambda e: e.reservations.update({PAID: ("confirmed", {10: 2})}),
    "canceled, and the stock held": lambda e: e.reservations.update({CANCELED: ("held", {10: 3})}),
    "canceled, and the stock sold": lambda e: e.reservations.update(
        {CANCELED: ("confirmed", {10: 3})}
    ),
    "an order without an end": lambda e: order(e, PAID, status="pending"),
    "canceled, and not settled": lambda e: order(e, CANCELED, settled=False),
    "a saga without an end": lambda e: e.sagas.update({PAID: "confirming"}),
    "waiting, and charged": lambda e: e.books.update({WAITING: (300, 0)}),
    "it shows another amount": lambda e: order(e, PAID, money=(299, 0)),
    "it shows no refund": lambda e: order(e, CANCELED, money=(300, 0)),
    "it shows its payment declined": lambda e: order(e, CANCELED, payment_status="declined"),
    "it shows its stock insufficient": lambda e: order(
        e, CANCELED, inventory_status="insufficient"
    ),
    "a unit came from nowhere": lambda e: stock(e, on_hand=8),
    "a unit stays reserved": lambda e: stock(e, reserved=4),
    "oversold": lambda e: stock(e, on_hand=2, ledger_on_hand=2),
    "a dead letter": lambda e: e.dead_letters.update({"orders": ["StockReserved: KeyError"]}),
    "an event that never went out": lambda e: e.unpublished.update({"orders": 1}),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_damage_is_seen(damage: Damage) -> None:
    evidence = in_order()
    damage(evidence)
    assert discrepancies(evidence) != []
