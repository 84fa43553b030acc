"""Ways to bend a story in order."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, NamedTuple

from feira.audit.evidence import (
    Call,
    Evidence,
    Money,
    RefundRow,
)
from feira.audit.finding import Moment
from tests.unit.audit.world import (
    PAID,
    SOAP,
    call,
    placing,
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


def replayed(status: int, answer: Any) -> Call:
    return replace(placing(f"key-{PAID}", id=PAID), status=status, answer=answer)


def cut(evidence: Evidence, order_id: int, at: int) -> None:
    timeline = list(evidence.sagas[order_id].timeline)
    del timeline[at]
    of_saga(order_id, timeline=timeline)(evidence)


def swap(evidence: Evidence, order_id: int) -> None:
    timeline = list(evidence.sagas[order_id].timeline)
    timeline[1] = replace(timeline[1], elapsed_ms=timeline[2].elapsed_ms + 1)
    of_saga(order_id, timeline=timeline)(evidence)
