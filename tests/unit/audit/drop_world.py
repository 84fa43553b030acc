"""A flash sale in which everything agrees, beside the small shop; and ways to bend it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from feira.audit.evidence import (
    AllotmentRow,
    ClaimRow,
    DropRow,
    Evidence,
    LedgerRow,
    Money,
    MovementRow,
    PaymentRow,
    ReservationRow,
    StockRow,
)
from tests.unit.audit.world import ANA, BACK, BIA, FORWARD, WAITING, call, order, saga

DROP, LAMP = 500, 20
SOLD_ONE, HELD_ONE = 21, 22
LATE = 79
UNIT = {LAMP: 1}
AT_ONE: dict[str, Any] = {"lines": UNIT, "total_cents": 100, "lines_cents": 100, "drop_id": DROP}


def with_an_open_drop(e: Evidence) -> None:
    """Three lamps are set aside: one is sold, one held for its payment, one left."""
    paid = order(SOLD_ONE, "paid", "approved", "sold", money=Money(100))
    waits = order(HELD_ONE, "in_progress", "pending", "reserved", money=Money(), customer_id=BIA)
    e.orders |= {row.id: replace(row, **AT_ONE) for row in (paid, waits)}
    e.sagas |= {SOLD_ONE: saga(SOLD_ONE, *FORWARD), HELD_ONE: saga(HELD_ONE, *BACK[WAITING])}
    for order_id, status in ((SOLD_ONE, "confirmed"), (HELD_ONE, "held")):
        e.reservations[order_id] = ReservationRow(
            order_id=order_id,
            status=status,
            lines=UNIT,
            was_sold=status == "confirmed",
            drop_id=DROP,
        )
    e.stock[LAMP] = StockRow(product_id=LAMP, on_hand=2, reserved=1, allotted=1)
    e.movements.append(
        MovementRow(product_id=LAMP, kind="receipt", quantity=3, reference=f"product/{LAMP}")
    )
    e.payments.append(PaymentRow(order_id=SOLD_ONE, attempt=1, state="captured", money=Money(100)))
    e.ledger.append(LedgerRow(order_id=SOLD_ONE, kind="capture", amount_cents=100))
    e.books[SOLD_ONE] = Money(100)
    e.allotments[DROP] = AllotmentRow(
        id=DROP, product_id=LAMP, units=3, left=1, given_back=0, is_open=True
    )
    e.drops[DROP] = DropRow(
        id=DROP,
        status="open",
        units=5,
        per_customer=1,
        set_aside=3,
        held=1,
        sold=1,
        given_back=0,
    )
    e.claims += [
        ClaimRow(drop_id=DROP, customer_id=ANA, status="sold", order_id=SOLD_ONE),
        ClaimRow(drop_id=DROP, customer_id=BIA, status="won", order_id=HELD_ONE),
    ]
    won = [
        replace(
            call("POST", f"/flash-sales/{DROP}/orders", 201, {"id": order_id}, f"claim-{order_id}"),
            who=who,
            sent_at=30.0,
            answered_at=30.5,
        )
        for who, order_id in ((ANA, SOLD_ONE), (BIA, HELD_ONE))
    ]
    assert e.history is not None
    e.history += won


def with_a_drop(e: Evidence) -> None:
    """It is over: one was sold, and the others given back, as one was not paid."""
    with_an_open_drop(e)
    canceled = order(HELD_ONE, "canceled", "expired", "released", money=Money(), customer_id=BIA)
    e.orders[HELD_ONE] = replace(canceled, **AT_ONE)
    states = ("reserving", "awaiting_payment", "undoing_stock", "undoing_order", "canceled")
    e.sagas[HELD_ONE] = saga(HELD_ONE, *states)
    e.reservations[HELD_ONE] = replace(e.reservations[HELD_ONE], status="released")
    e.stock[LAMP] = StockRow(product_id=LAMP, on_hand=2, reserved=0)
    e.allotments[DROP] = replace(e.allotments[DROP], left=0, given_back=2, is_open=False)
    e.drops[DROP] = replace(e.drops[DROP], status="closed", held=0, given_back=2)
    e.claims[-1] = replace(e.claims[-1], status="lapsed")


def with_a_sold_out_drop(e: Evidence) -> None:
    """Two were wanted, set aside, and promised; a third customer waits."""
    with_an_open_drop(e)
    of_lamps(allotted=0)(e)
    of_allotment(units=2, left=0)(e)
    of_drop(units=2, set_aside=2)(e)
    e.claims.append(ClaimRow(drop_id=DROP, customer_id=LATE, status="waiting"))
    waits = call("POST", f"/flash-sales/{DROP}/orders", 409, {"waiting": 1}, "claim-late")
    assert e.history is not None
    e.history.append(replace(waits, who=LATE, sent_at=31.0, answered_at=31.5))


def with_a_lapsed_claim(e: Evidence) -> None:
    """What was not paid is left for others; and the next drop is only planned."""
    with_a_drop(e)
    of_lamps(allotted=2)(e)
    of_allotment(left=2, given_back=0, is_open=True)(e)
    of_drop(status="open", given_back=0)(e)
    e.drops[DROP + 1] = replace(
        e.drops[DROP], id=DROP + 1, status="planned", set_aside=None, sold=0
    )


def overdrawn(e: Evidence) -> None:
    """More was sold than was ever set aside; nothing is left at its end."""
    of_allotment(units=0, given_back=0)(e)


def bent(
    change: Callable[[Evidence], object], story: Callable[[Evidence], None] = with_an_open_drop
) -> Callable[[Evidence], object]:
    def bend(e: Evidence) -> None:
        story(e)
        change(e)

    return bend


def of_drop(**changes: Any) -> Callable[[Evidence], object]:
    return lambda e: e.drops.update({DROP: replace(e.drops[DROP], **changes)})


def of_allotment(**changes: Any) -> Callable[[Evidence], object]:
    return lambda e: e.allotments.update({DROP: replace(e.allotments[DROP], **changes)})


def of_claim(at: int, **changes: Any) -> Callable[[Evidence], object]:
    return lambda e: e.claims.__setitem__(at, replace(e.claims[at], **changes))


def of_lamps(**changes: Any) -> Callable[[Evidence], object]:
    return lambda e: e.stock.update({LAMP: replace(e.stock[LAMP], **changes)})


def another_claim(e: Evidence) -> None:
    e.claims.append(ClaimRow(drop_id=DROP, customer_id=ANA, status="waiting"))


def without_drop_of_order(e: Evidence) -> None:
    e.drops.clear()
    e.claims.clear()


DROP_BENDS = [
    ("a drop's units add up", "one more is held", bent(of_drop(held=2))),
    ("a drop's units add up", "one more is sold", bent(of_drop(sold=2))),
    ("a drop's units add up", "more than are set aside", bent(of_drop(given_back=2))),
    ("a drop's units add up", "more set aside than wanted", bent(of_drop(units=2))),
    ("a drop's units add up", "one lost at its end", bent(of_drop(given_back=1), with_a_drop)),
    ("nobody has more claims than allowed", "two", bent(another_claim)),
    ("never more orders than the drop", "one more", bent(of_drop(set_aside=1))),
    ("never more orders than the drop", "of no drop", bent(without_drop_of_order)),
    ("what is set aside adds up", "one more is left", bent(of_allotment(left=2))),
    ("what is set aside adds up", "fewer were set aside", bent(of_allotment(units=1))),
    ("what is set aside adds up", "it is overdrawn", bent(overdrawn, with_a_drop)),
    ("what is set aside adds up", "the product's count", bent(of_lamps(allotted=0))),
    ("what is set aside adds up", "more than is there", bent(of_lamps(on_hand=1))),
    ("a drop and inventory agree", "other units", bent(of_drop(set_aside=4))),
    ("a drop and inventory agree", "one is still open", bent(of_drop(status="closed"))),
    ("a drop and inventory agree", "nobody set it aside", bent(lambda e: e.allotments.clear())),
    ("a claim ends as its order does", "won, and paid", bent(of_claim(0, status="won"))),
    ("a claim ends as its order does", "lapsed too early", bent(of_claim(1, status="lapsed"))),
    ("a claim ends as its order does", "sold unpaid", bent(of_claim(1, status="sold"))),
    ("a claim ends as its order does", "no order", bent(lambda e: e.orders.pop(HELD_ONE))),
    ("a claim that was answered stands", "another's", bent(of_claim(0, customer_id=BIA))),
    ("every claim was asked for", "a stranger's", bent(of_claim(1, customer_id=98))),
]
"""(rule, what is bent, how)"""
