"""Other stories in which all is well."""

from dataclasses import replace
from typing import Final

from feira.audit.evidence import (
    DeadLetter,
    Evidence,
    LedgerRow,
    Money,
    MovementRow,
    RefundRow,
    StockRow,
)
from tests.unit.audit.bending import (
    STRANGER,
    books,
    cut,
    of_order,
    of_reservation,
    of_stock,
    replayed,
    shown,
    swap,
    told,
)
from tests.unit.audit.drop_world import (
    with_a_drop,
    with_a_lapsed_claim,
    with_a_sold_out_drop,
    with_an_open_drop,
)
from tests.unit.audit.world import (
    BIA,
    DECLINED,
    FORWARD,
    PAID,
    REFUNDED,
    SHORT,
    SOAP,
    UNTOLD,
    WAITING,
    call,
    moving,
    saga,
)


def with_planted_letter(evidence: Evidence) -> None:
    evidence.plants = frozenset({"p1"})
    evidence.dead_letters.append(DeadLetter(service="orders", what="unreadable", plant="p1"))


def with_admins_refund(evidence: Evidence) -> None:
    """A part of a sale was given back, as an administrator asked."""
    evidence.refunds.append(
        RefundRow(order_id=PAID, amount_cents=100, state="succeeded", reason="requested_by_admin")
    )
    evidence.payments[0] = replace(evidence.payments[0], money=Money(300, 100))
    evidence.ledger.append(LedgerRow(order_id=PAID, kind="refund", amount_cents=100))
    books(PAID, 300, 100)(evidence)
    of_order(PAID, money=Money(300, 100))(evidence)


def with_all_given_back(evidence: Evidence) -> None:
    """An administrator gave a whole sale back; the goods stay sold."""
    evidence.refunds.append(
        RefundRow(order_id=PAID, amount_cents=300, state="succeeded", reason="requested_by_admin")
    )
    evidence.payments[0] = replace(evidence.payments[0], money=Money(300, 300))
    evidence.ledger.append(LedgerRow(order_id=PAID, kind="refund", amount_cents=300))
    books(PAID, 300, 300)(evidence)
    of_order(PAID, money=Money(300, 300), payment_status="refunded")(evidence)


def with_wrong_amount(evidence: Evidence) -> None:
    """The provider took a centavo too much for the order that was declined, and gave it back."""
    wrong = Money(301, 301)
    evidence.books[DECLINED] = evidence.mistakes[DECLINED] = wrong
    evidence.payments[3] = replace(evidence.payments[3], money=wrong)
    evidence.refunds.append(RefundRow(order_id=DECLINED, amount_cents=301, state="succeeded"))
    for kind in ("capture", "refund"):
        evidence.ledger.append(LedgerRow(order_id=DECLINED, kind=kind, amount_cents=301))


def with_a_gift(evidence: Evidence) -> None:
    """What costs nothing is sold without money."""
    of_order(PAID, total_cents=0, lines_cents=0, money=Money())(evidence)
    evidence.payments[0] = replace(evidence.payments[0], money=Money())
    evidence.ledger.pop(0)
    evidence.books.pop(PAID)


def with_jumping_clocks(evidence: Evidence) -> None:
    evidence.clock_error_max_ms = 1
    swap(evidence, PAID)


def without_history(evidence: Evidence) -> None:
    evidence.history = None


def with_full_timeline(evidence: Evidence) -> None:
    """A saga keeps no more than so many entries: the last ones are missing, rightly."""
    evidence.timeline_entries_max = 4
    for order_id in (PAID, UNTOLD):
        cut(evidence, order_id, -1)
    for order_id in (REFUNDED, DECLINED):
        cut(evidence, order_id, -1)


def with_repeated_notes(evidence: Evidence) -> None:
    """It asked again for its stock."""
    evidence.sagas[SHORT] = saga(SHORT, "reserving", "reserving", "undoing_order", "canceled")


def with_unknown_requests(evidence: Evidence) -> None:
    """Answers were lost of a payment that was offered and of a receipt; both had happened."""
    lost = call("POST", f"/orders/{PAID}/payment", 503, {"code": "unavailable"}, "p")
    receipt = replace(moving("receipt", 4, "m-9"), status=None)
    told(lost, receipt, replayed(429, {"code": "too_many"}), replayed(503, None))(evidence)
    of_order(PAID, payment_attempts=2)(evidence)
    evidence.movements.append(MovementRow(product_id=SOAP, kind="receipt", quantity=4))
    of_stock(on_hand=7)(evidence)


def with_overlapping_views(evidence: Evidence) -> None:
    """Two looks at once: each sees what it sees."""
    late = replace(shown(PAID, "pending"), sent_at=7.9, answered_at=70.0)
    assert evidence.history is not None
    evidence.history.append(late)


def completed(evidence: Evidence) -> None:
    """Answers that are given again say what was so once."""
    of_order(PAID, status="completed")(evidence)
    answer = {"id": PAID, "status": "shipped"}
    ships = replace(call("PUT", f"/orders/{PAID}", 200, answer, "s-1"), is_admin=True)
    told(shown(PAID, "paid"), ships, shown(PAID, "completed"), ships)(evidence)
    placed = {"id": PAID, "status": "pending"}
    told(replayed(201, placed))(evidence)


def refused_otherwise(evidence: Evidence) -> None:
    """A payment was refused since another is in progress: that says nothing of a cancellation."""
    told(call("POST", f"/orders/{WAITING}/payment", 409, {"code": "payment_in_progress"}, "w2"))(
        evidence
    )


def unanswered(evidence: Evidence) -> None:
    """Somebody looks at an order that nobody told them of, and at one that was never there."""
    told(
        replace(shown(UNTOLD, "paid"), who=BIA),
        call("GET", f"/orders/{STRANGER}", 404, {"code": "order_not_found", "status": 404}),
    )(evidence)


def sold_out(evidence: Evidence) -> None:
    evidence.stock[11] = StockRow(product_id=11, on_hand=0, reserved=0)


def canceled_before_its_stock(evidence: Evidence) -> None:
    """It was canceled at once: what is remembered is a release of nothing."""
    evidence.reservations[SHORT] = replace(evidence.reservations[SHORT], status="released")
    of_order(SHORT, inventory_status="released")(evidence)


def canceled_before_its_refusal(evidence: Evidence) -> None:
    """It was canceled while its stock was asked for; there would have been too little."""
    evidence.sagas[SHORT] = saga(SHORT, "reserving", "undoing_stock", "canceled")
    of_order(SHORT, inventory_status="released")(evidence)


def administered(evidence: Evidence) -> None:
    """The stock's first receipt comes with its product, and a count corrects it by nothing."""
    for kind, quantity, reference in (("receipt", 2, "product/1"), ("count", -2, "user/9")):
        evidence.movements.append(
            MovementRow(product_id=SOAP, kind=kind, quantity=quantity, reference=reference)
        )


def unread(evidence: Evidence) -> None:
    """Looks that came too early, before anybody was told of the order."""
    early = call("GET", f"/orders/{PAID}", 404, {"code": "order_not_found"})
    assert evidence.history is not None
    evidence.history.insert(0, replace(early, sent_at=-2.0, answered_at=-1.0))
    evidence.history.insert(0, replace(early, sent_at=0.1, answered_at=0.6))


VARIANTS: Final = [
    with_a_drop,
    with_a_lapsed_claim,
    with_a_sold_out_drop,
    with_an_open_drop,
    with_planted_letter,
    with_admins_refund,
    with_all_given_back,
    with_a_gift,
    with_wrong_amount,
    with_jumping_clocks,
    without_history,
    with_full_timeline,
    with_repeated_notes,
    with_unknown_requests,
    with_overlapping_views,
    completed,
    refused_otherwise,
    unanswered,
    sold_out,
    canceled_before_its_stock,
    canceled_before_its_refusal,
    administered,
    unread,
]
"""Other stories in which all is well."""


def ended(evidence: Evidence) -> None:
    """The one that waited was paid late."""
    evidence.orders[WAITING] = replace(evidence.orders[PAID], id=WAITING, payment_attempts=1)
    evidence.sagas[WAITING] = saga(WAITING, "reserving", "awaiting_payment", *FORWARD[1:])
    of_reservation(WAITING, status="confirmed", was_sold=True)(evidence)
    of_stock(on_hand=0, reserved=0)(evidence)
    evidence.payments.append(replace(evidence.payments[0], order_id=WAITING))
    evidence.ledger.append(replace(evidence.ledger[0], order_id=WAITING))
    books(WAITING, 300)(evidence)
