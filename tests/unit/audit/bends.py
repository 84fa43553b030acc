"""Each way in which the stores are bent, and the rule that must see it."""

from typing import Final

from feira.audit.evidence import (
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
from tests.unit.audit.bending import (
    STRANGER,
    Bend,
    books,
    both,
    cut,
    of_order,
    of_reservation,
    of_saga,
    of_stock,
    refund,
    swap,
)
from tests.unit.audit.drop_world import DROP_BENDS, bent
from tests.unit.audit.world import (
    DECLINED,
    PAID,
    REFUNDED,
    SHORT,
    SOAP,
    WAITING,
    saga,
)


def unmoved(evidence: Evidence) -> None:
    evidence.movements = [row for row in evidence.movements if row.kind != "restock"]
    of_stock(on_hand=0, reserved=0)(evidence)


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
