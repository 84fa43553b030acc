"""Each way in which what clients were answered is bent, and the rule that must see it."""

from dataclasses import replace
from typing import Final

from feira.audit.evidence import (
    Evidence,
    MovementRow,
)
from tests.unit.audit.bending import STRANGER, Bend, both, of_order, replayed, shown, told
from tests.unit.audit.world import (
    ANA,
    BIA,
    PAID,
    REFUNDED,
    SHORT,
    SOAP,
    UNTOLD,
    WAITING,
    call,
    moving,
    placing,
)


def unfound(evidence: Evidence) -> None:
    missing = call("GET", f"/orders/{PAID}", 404, {"code": "order_not_found"})
    assert evidence.history is not None
    evidence.history.append(replace(missing, sent_at=0.5, answered_at=0.6))


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
        "a cancellation, or its refusal, stands",
        "canceled, and there is none",
        told(call("DELETE", f"/orders/{STRANGER}", 200, {"id": STRANGER, "status": "canceled"})),
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
    Bend("an accepted order is found", "it is not, from the first moment on", unfound),
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
    Bend(
        "a key places one order",
        "it placed another",
        told(replayed(201, {"id": 44, "status": "pending"})),
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
]
