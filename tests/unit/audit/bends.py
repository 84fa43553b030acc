"""Each way in which a story in order is bent, and the rule that must see it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, NamedTuple

from feira.audit.evidence import (
    Call,
    DeadLetter,
    Evidence,
    LedgerRow,
    Money,
    MovementRow,
    PaymentRow,
    RefundRow,
    ReservationRow,
)
from feira.audit.finding import Moment
from tests.unit.audit.drop_world import DROP_BENDS, bent, with_a_drop, with_an_open_drop
from tests.unit.audit.world import (
    ANA,
    BIA,
    DECLINED,
    LINES,
    PAID,
    REFUNDED,
    SHORT,
    SOAP,
    UNTOLD,
    WAITING,
    call,
    moving,
    order,
    placing,
    saga,
)

STRANGER: Final = 99


class Bend(NamedTuple):
    """`rule` must find what `change` has done, and a story in order has nothing for it to find."""

    rule: str
    what: str
    change: Callable[[Evidence], object]
    moment: Moment = Moment.AT_REST


def of_order(order_id: int, **changes: Any) -> Callable[[Evidence], object]:
    return lambda e: e.orders.update({order_id: replace(e.orders[order_id], **changes)})


def of_stock(**changes: int) -> Callable[[Evidence], object]:
    return lambda e: e.stock.update({SOAP: replace(e.stock[SOAP], **changes)})


def of_reservation(order_id: int, **changes: Any) -> Callable[[Evidence], object]:
    return lambda e: e.reservations.update({order_id: replace(e.reservations[order_id], **changes)})


def of_saga(order_id: int, **changes: Any) -> Callable[[Evidence], object]:
    return lambda e: e.sagas.update({order_id: replace(e.sagas[order_id], **changes)})


def books(order_id: int, captured: int, refunded: int = 0) -> Callable[[Evidence], object]:
    return lambda e: e.books.update({order_id: Money(captured, refunded)})


def refund(state: str, reason: str = "") -> Callable[[Evidence], object]:
    """One of 100 centavos, of a sale."""
    row = RefundRow(order_id=PAID, amount_cents=100, state=state, reason=reason)
    return lambda e: e.refunds.append(row)


def both(*changes: Callable[[Evidence], object]) -> Callable[[Evidence], object]:
    return lambda e: [change(e) for change in changes]


def told(*calls: Call) -> Callable[[Evidence], object]:
    """Calls a minute after all others, a second apart."""

    def tell(evidence: Evidence) -> None:
        assert evidence.history is not None
        evidence.history.extend(
            replace(one, sent_at=60.0 + at, answered_at=60.5 + at if one.status else None)
            for at, one in enumerate(calls)
        )

    return tell


def shown(order_id: int, status: str) -> Call:
    return call("GET", f"/orders/{order_id}", 200, {"id": order_id, "status": status})


def unmoved(evidence: Evidence) -> None:
    evidence.movements = [row for row in evidence.movements if row.kind != "restock"]
    of_stock(on_hand=0, reserved=0)(evidence)


def replayed(status: int, answer: Any) -> Call:
    return replace(placing(f"key-{PAID}", id=PAID), status=status, answer=answer)


def unplaced(evidence: Evidence) -> None:
    assert evidence.history is not None
    evidence.history = [one for one in evidence.history if one.who != BIA]


def refused(evidence: Evidence) -> None:
    """BIA was told no, and was sold to."""
    assert evidence.history is not None
    evidence.history = [
        replace(one, status=409, answer={"code": "price_changed"}) if one.key == "key-6" else one
        for one in evidence.history
    ]


BENDS: Final = [
    *(Bend(*bend) for bend in DROP_BENDS),
    Bend("every drop ends", "it is still open", bent(lambda _: None), Moment.FINAL),
    Bend("stock = received ± adjusted - sold", "a unit came from nowhere", of_stock(on_hand=4)),
    Bend("reserved = held for orders", "a unit stays reserved", of_stock(reserved=2)),
    Bend("stock is never oversold", "more is promised than there is", of_stock(on_hand=2)),
    Bend("stock is never oversold", "less than nothing is promised", of_stock(reserved=-1)),
    Bend("only known products are promised", "no stock item", lambda e: e.stock.clear()),
    Bend("an undone sale is put back once", "it never was", unmoved),
    Bend(
        "an undone sale is put back once",
        "it was twice",
        lambda e: e.movements.append(e.movements[-1]),
    ),
    Bend(
        "an undone sale is put back once",
        "it was put back without having been sold",
        lambda e: e.movements.append(
            MovementRow(product_id=SOAP, kind="restock", quantity=3, reference=f"order/{DECLINED}")
        ),
    ),
    Bend(
        "an undone sale is put back once",
        "it was put back, and is still sold",
        lambda e: e.movements.append(
            MovementRow(product_id=SOAP, kind="restock", quantity=3, reference=f"order/{PAID}")
        ),
    ),
    Bend("never more is given back than was taken", "it was", books(REFUNDED, 300, 301)),
    Bend("never more is given back than was taken", "a negative refund", books(PAID, 300, -1)),
    Bend("an order's money is taken once", "it was taken twice", books(PAID, 600)),
    Bend("an order's money is taken once", "it was taken short", books(PAID, 299)),
    Bend(
        "payments believes only what happened",
        "it believes in money",
        books(PAID, 0),
        Moment.AT_ONCE,
    ),
    Bend(
        "payments believes only what happened",
        "it believes in a refund",
        books(REFUNDED, 300, 0),
        Moment.AT_ONCE,
    ),
    Bend("payments knows all that happened", "it never heard of it", books(DECLINED, 300)),
    Bend("payments knows all that happened", "nor of the order", books(SHORT, 300, 300)),
    Bend("the double entry says what payments say", "an entry too few", lambda e: e.ledger.pop()),
    Bend(
        "the double entry says what payments say",
        "an entry of nothing",
        lambda e: e.ledger.append(LedgerRow(order_id=SHORT, kind="capture", amount_cents=300)),
    ),
    Bend(
        "the double entry says what payments say",
        "a payment without an entry",
        lambda e: e.ledger.pop(0),
    ),
    Bend(
        "refunds add up",
        "a refund done twice",
        lambda e: e.refunds.append(e.refunds[0]),
    ),
    Bend("refunds add up", "a refund done, and none there", lambda e: e.refunds.clear()),
    Bend(
        "refunds add up",
        "a refund under way, and none there",
        lambda e: e.payments.append(
            PaymentRow(
                order_id=PAID, attempt=2, state="refunding", money=Money(), refunding_cents=5
            )
        ),
    ),
    Bend(
        "a wrong amount is given back",
        "a part of it is kept",
        lambda e: e.mistakes.update({DECLINED: Money(301, 300)}),
    ),
    Bend(
        "refunds end",
        "one is still asked for",
        lambda e: e.refunds.append(RefundRow(order_id=PAID, amount_cents=5, state="requested")),
    ),
    Bend("an order's total is that of its lines", "it is not", of_order(PAID, lines_cents=301)),
    Bend(
        "what is reserved is what was ordered",
        "less was",
        of_reservation(PAID, lines={SOAP: 2}),
    ),
    Bend(
        "what is reserved is what was ordered",
        "nothing was, and it is held",
        of_reservation(WAITING, lines={}),
    ),
    Bend(
        "what is reserved is what was ordered",
        "something was, and it was released",
        of_reservation(DECLINED, lines={SOAP: 2}),
    ),
    Bend("paid only with money taken and stock sold", "no money", books(PAID, 0)),
    Bend(
        "paid only with money taken and stock sold",
        "no stock",
        of_reservation(PAID, status="held"),
    ),
    Bend("a sale keeps its money", "it was given back", books(PAID, 300, 300)),
    Bend(
        "a sale keeps its money",
        "more was given back than administrators asked",
        both(refund("succeeded", "requested_by_admin"), books(PAID, 300, 300)),
    ),
    Bend(
        "a sale keeps its money",
        "administrators asked, and it is not done",
        both(refund("requested", "requested_by_admin"), books(PAID, 300, 100)),
    ),
    Bend(
        "a sale keeps its money",
        "the shop gave it back by itself",
        both(refund("succeeded"), books(PAID, 300, 100)),
    ),
    Bend("sold only for its money", "it was sold for nothing", books(REFUNDED, 0)),
    Bend("money is taken for held stock only", "there was too little", books(SHORT, 300, 300)),
    Bend(
        "money is taken for held stock only",
        "none was asked for",
        lambda e: e.reservations.pop(PAID),
    ),
    Bend("canceled keeps nothing", "money", books(REFUNDED, 300, 299)),
    Bend("canceled keeps nothing", "stock", of_reservation(DECLINED, status="held")),
    Bend("canceled keeps nothing", "a sale", of_reservation(DECLINED, status="confirmed")),
    Bend("canceled keeps nothing", "its saga", of_saga(DECLINED, state="undoing_order")),
    Bend("a sale's saga is completed", "it is not", of_saga(PAID, state="confirming")),
    Bend("a sale's saga is completed", "there is none", lambda e: e.sagas.pop(PAID)),
    Bend(
        "an open order waits for its customer alone",
        "canceled, and not settled",
        of_order(DECLINED, settled=False),
    ),
    Bend(
        "an open order waits for its customer alone",
        "paid, and not settled",
        of_order(PAID, settled=False),
    ),
    Bend(
        "an open order waits for its customer alone",
        "it waits for the saga",
        of_saga(WAITING, state="reserving"),
    ),
    Bend(
        "an open order waits for its customer alone",
        "its hold has ended",
        of_reservation(WAITING, status="expired"),
    ),
    Bend("an open order waits for its customer alone", "it is paid", books(WAITING, 300)),
    Bend("every accepted order ends", "one still waits", lambda _: None, Moment.FINAL),
    Bend("an order shows what happened", "another sum", of_order(PAID, money=Money(299))),
    Bend("an order shows what happened", "no payment", of_order(PAID, payment_status="pending")),
    Bend("an order shows what happened", "no sale", of_order(PAID, inventory_status="reserved")),
    Bend(
        "an order shows what happened",
        "no refund",
        of_order(REFUNDED, payment_status="declined"),
    ),
    Bend("an order shows what happened", "a refund", of_order(SHORT, payment_status="refunded")),
    Bend("an order shows what happened", "an approval", of_order(SHORT, payment_status="approved")),
    Bend(
        "an order shows what happened",
        "stock given back that never was held",
        of_order(SHORT, inventory_status="released"),
    ),
    Bend(
        "an order shows what happened",
        "too little stock, where there was enough",
        of_order(DECLINED, inventory_status="insufficient"),
    ),
    Bend("an order shows what happened", "money kept", of_order(REFUNDED, money=Money(300))),
    Bend("the timeline is complete", "it is empty", of_saga(PAID, timeline=[])),
    Bend("the timeline is complete", "its begin is missing", lambda e: cut(e, PAID, 0)),
    Bend("the timeline is complete", "a step is missing", lambda e: cut(e, PAID, 2)),
    Bend("the timeline is complete", "its end is missing", lambda e: cut(e, PAID, -1)),
    Bend(
        "the timeline is complete",
        "a state that nobody knows",
        lambda e: e.sagas.update({PAID: saga(PAID, "reserving", "dreaming", "completed")}),
    ),
    Bend("the timeline is ordered", "an effect before its cause", lambda e: swap(e, PAID)),
    Bend("a saga is closed when it has ended", "not closed", of_saga(PAID, is_open=True)),
    Bend("a saga is closed when it has ended", "closed early", of_saga(WAITING, is_open=False)),
    Bend("nobody knows an order that nobody placed", "money", books(STRANGER, 100, 100)),
    Bend(
        "nobody knows an order that nobody placed",
        "a payment",
        lambda e: e.payments.append(
            PaymentRow(order_id=STRANGER, attempt=1, state="failed", money=Money())
        ),
    ),
    Bend(
        "nobody knows an order that nobody placed",
        "a refund",
        lambda e: e.refunds.append(RefundRow(order_id=STRANGER, amount_cents=1, state="succeeded")),
    ),
    Bend(
        "nobody knows an order that nobody placed",
        "an entry",
        lambda e: e.ledger.append(LedgerRow(order_id=STRANGER, kind="capture", amount_cents=1)),
    ),
    Bend(
        "nobody knows an order that nobody placed",
        "stock",
        lambda e: e.reservations.update(
            {STRANGER: ReservationRow(order_id=STRANGER, status="refused", lines={})}
        ),
    ),
    Bend(
        "nobody knows an order that nobody placed",
        "a saga",
        lambda e: e.sagas.update({STRANGER: saga(STRANGER, "reserving")}),
    ),
    Bend("the saga leads", "stock without one", lambda e: e.sagas.pop(SHORT)),
    Bend(
        "the saga leads",
        "a payment without one",
        lambda e: (e.sagas.pop(PAID), e.reservations.pop(PAID)),
    ),
    Bend("an accepted order exists as it was accepted", "none", lambda e: e.orders.pop(SHORT)),
    Bend(
        "an accepted order exists as it was accepted",
        "it is somebody else's",
        of_order(SHORT, customer_id=BIA),
    ),
    Bend(
        "an accepted order exists as it was accepted",
        "it is of something else",
        of_order(SHORT, lines={SOAP: 2}),
    ),
    Bend(
        "an accepted order exists as it was accepted",
        "an administrator ordered for BIA",
        told(
            replace(
                placing("k", id=PAID),
                body={"customerId": BIA, "itens": [{"id": SOAP, "quantity": 3}]},
            )
        ),
    ),
    Bend(
        "an accepted order exists as it was accepted",
        "it came by the other door",
        told(
            call(
                "POST",
                "/api/orders",
                200,
                {"order_id": "77"},
                body={"customer_id": ANA, "products": [{"product_id": SOAP, "quantity": 1}]},
            )
        ),
    ),
    Bend(
        "a cancellation, or its refusal, stands",
        "canceled, and paid",
        told(call("DELETE", f"/orders/{PAID}", 200, {"id": PAID, "status": "canceled"})),
    ),
    Bend(
        "a cancellation, or its refusal, stands",
        "too late to cancel, and canceled",
        told(call("POST", f"/orders/{SHORT}/cancel", 409, {"code": "order_already_paid"})),
    ),
    Bend("what was shown is not taken back", "paid, then pending", told(shown(PAID, "pending"))),
    Bend(
        "what was shown is not taken back",
        "paid, then canceled",
        told(shown(PAID, "paid"), shown(PAID, "canceled")),
    ),
    Bend(
        "what was shown is not taken back",
        "canceled, then in progress",
        told(shown(REFUNDED, "in_progress")),
    ),
    Bend(
        "what was shown is not taken back",
        "shown as shipped, and the store says paid",
        told(shown(PAID, "shipped")),
    ),
    Bend(
        "an accepted order is found",
        "it is not",
        told(call("GET", f"/orders/{PAID}", 404, {"code": "order_not_found"})),
    ),
    Bend("a key has one answer", "another order", told(replayed(201, {"id": 44, "status": "x"}))),
    Bend("a key has one answer", "a refusal", told(replayed(409, {"code": "price_changed"}))),
    Bend(
        "nobody answers with a fault",
        "500",
        told(call("GET", "/products", 500, {"code": "internal"})),
    ),
    Bend(
        "an accepted order has an id",
        "it has none",
        told(placing("k", id=None)),
    ),
    Bend(
        "a key places one order",
        "it placed two",
        told(replayed(201, {"id": SHORT, "status": "pending"})),
    ),
    Bend("a key places one order", "two keys placed one", told(placing("other", id=PAID))),
    Bend("every order was asked for", "nobody asked for it", unplaced),
    Bend("every order was asked for", "it was refused", refused),
    Bend(
        "every order was asked for",
        "once was asked, and twice was served",
        lambda e: e.orders.update({STRANGER: replace(e.orders[UNTOLD], id=STRANGER)}),
    ),
    Bend(
        "every order was asked for",
        "something else was asked for",
        of_order(UNTOLD, lines={SOAP: 1}),
    ),
    Bend(
        "a key moves stock once",
        "it moved twice",
        lambda e: e.movements.append(e.movements[0]),
    ),
    Bend("a key moves stock once", "it did not move", lambda e: e.movements.pop(0)),
    Bend(
        "a key moves stock once",
        "nobody asked for it",
        lambda e: e.movements.append(
            MovementRow(product_id=SOAP, kind="receipt", quantity=4, reference="user/3")
        ),
    ),
    Bend(
        "a key moves stock once",
        "it was refused, and moved",
        both(
            told(replace(moving("receipt", 5, "m-3"), status=409, answer={"code": "x"})),
            lambda e: e.movements.append(MovementRow(product_id=SOAP, kind="receipt", quantity=5)),
        ),
    ),
    Bend(
        "a payment offered is one attempt",
        "a second attempt by itself",
        of_order(PAID, payment_attempts=2),
    ),
    Bend(
        "a payment offered is one attempt",
        "an accepted payment is lost",
        of_order(WAITING, payment_attempts=0),
    ),
    Bend(
        "no honest message is buried",
        "one is",
        lambda e: e.dead_letters.append(DeadLetter(service="orders", what="KeyError")),
    ),
    Bend(
        "what nobody can read is buried",
        "it is lost",
        lambda e: setattr(e, "plants", frozenset({"p1"})),
    ),
    Bend("everything went out", "an envelope waits", lambda e: e.unpublished.update({"orders": 1})),
]


def cut(evidence: Evidence, order_id: int, at: int) -> None:
    timeline = list(evidence.sagas[order_id].timeline)
    del timeline[at]
    of_saga(order_id, timeline=timeline)(evidence)


def swap(evidence: Evidence, order_id: int) -> None:
    timeline = list(evidence.sagas[order_id].timeline)
    timeline[1] = replace(timeline[1], elapsed_ms=timeline[2].elapsed_ms + 1)
    of_saga(order_id, timeline=timeline)(evidence)


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


def with_jumping_clocks(evidence: Evidence) -> None:
    evidence.clock_error_max_ms = 5_000
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


def shipped(evidence: Evidence) -> None:
    of_order(PAID, status="shipped")(evidence)
    told(shown(PAID, "paid"), shown(PAID, "shipped"))(evidence)


def canceled_before_its_stock(evidence: Evidence) -> None:
    """It was canceled at once: what is remembered is a release of nothing."""
    evidence.reservations[SHORT] = replace(evidence.reservations[SHORT], status="released")
    of_order(SHORT, inventory_status="released")(evidence)


def administered(evidence: Evidence) -> None:
    """The stock's first receipt comes with its product, and a count corrects it by nothing."""
    for kind, quantity, reference in (("receipt", 2, "product/1"), ("count", -2, "user/9")):
        evidence.movements.append(
            MovementRow(product_id=SOAP, kind=kind, quantity=quantity, reference=reference)
        )


def unread(evidence: Evidence) -> None:
    """A look that came too early, before its order was placed."""
    early = call("GET", f"/orders/{PAID}", 404, {"code": "order_not_found"})
    assert evidence.history is not None
    evidence.history.insert(0, replace(early, sent_at=-2.0, answered_at=-1.0))


def with_wrong_amount(e: Evidence) -> None:
    """The provider took a centavo too much for the order that was declined, and gave it back."""
    wrong = Money(301, 301)
    e.books[DECLINED] = e.mistakes[DECLINED] = wrong
    e.payments = [p for p in e.payments if p.order_id != DECLINED]
    e.payments.append(PaymentRow(order_id=DECLINED, attempt=1, state="refunded", money=wrong))
    e.refunds.append(RefundRow(order_id=DECLINED, amount_cents=301, state="succeeded"))
    for kind in ("capture", "refund"):
        e.ledger.append(LedgerRow(order_id=DECLINED, kind=kind, amount_cents=301))


def canceled_before_its_refusal(e: Evidence) -> None:
    """Its stock was given back before anybody had said that there is none."""
    states = ("reserving", "undoing_stock", "canceled")
    e.sagas[SHORT] = saga(SHORT, *states)
    of_order(SHORT, inventory_status="released")(e)


VARIANTS: Final = [
    with_a_drop,
    with_an_open_drop,
    canceled_before_its_refusal,
    with_wrong_amount,
    with_planted_letter,
    with_admins_refund,
    with_jumping_clocks,
    without_history,
    with_full_timeline,
    with_repeated_notes,
    with_unknown_requests,
    with_overlapping_views,
    shipped,
    canceled_before_its_stock,
    administered,
    unread,
]
"""Other stories in which all is well."""

__all__ = ["BENDS", "LINES", "VARIANTS", "Bend", "order"]
