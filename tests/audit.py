"""Do orders, stock and money agree? Asked from outside: HTTP answers, the provider's books, SQL.

Nothing here runs the shop's code: each rule is said again in an auditor's words.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from tests.eventually import eventually
from tests.evidence import Evidence, OrderRow, StockRow, evidence_of
from tests.shop_client import ShopClient

AGREE_TIMEOUT_SECONDS: Final = 10.0
SOLD: Final = frozenset({"paid", "shipped", "completed"})


async def all_agree(client: ShopClient) -> Evidence:
    """What every party says, once they agree; fails with what they disagree about."""

    async def agreeing() -> Evidence:
        evidence = await evidence_of(client)
        found = discrepancies(evidence)
        assert not found, "\n".join(found)
        return evidence

    return await eventually(agreeing, AGREE_TIMEOUT_SECONDS, "the books agree")


def discrepancies(found: Evidence) -> list[str]:
    """Everything that does not agree, in words; nothing when all is well."""
    return [
        *(
            f"order {order_id}: {what}"
            for order_id, order in found.orders.items()
            for what in _of_order(found, order_id, order)
        ),
        *_of_strangers(found),
        *(
            f"product {product_id}: {what}"
            for product_id, row in found.stock.items()
            for what in _of_product(row)
        ),
        *_of_messages(found),
    ]


def _of_order(found: Evidence, order_id: int, order: OrderRow) -> Iterator[str]:
    taken, returned = found.books.get(order_id, (0, 0))
    held, lines = found.reservations.get(order_id, ("none", order.lines))
    saga = found.sagas.get(order_id, "none")
    if lines != order.lines and (lines or held in ("held", "confirmed")):
        yield f"ordered {order.lines}, and {lines} were reserved"
    for who, says in (("payments", found.payments), ("its ledger", found.ledger)):
        if says.get(order_id, (0, 0)) != (taken, returned):
            yield f"{who} says {says.get(order_id)}, the provider's books say {(taken, returned)}"
    if order.status in SOLD:
        yield from _of_sold(order, taken, returned, held, saga)
    elif order.status == "canceled":
        yield from _of_canceled(order, taken, returned, held, saga)
    elif (saga, held, taken) != ("awaiting_payment", "held", 0):
        yield f"{order.status} has not ended: saga {saga}, stock {held}, captured {taken}"


def _of_sold(order: OrderRow, taken: int, returned: int, held: str, saga: str) -> Iterator[str]:
    if (taken, returned) != (order.total_cents, 0):
        yield f"sold for {order.total_cents}, and the books say {(taken, returned)}"
    if order.money != (taken, returned):
        yield f"it shows {order.money}, and the books say {(taken, returned)}"
    if (held, saga) != ("confirmed", "completed"):
        yield f"sold, and its stock is {held}, its saga {saga}"
    if (order.payment_status, order.inventory_status) != ("approved", "sold"):
        yield f"sold, and it shows {order.payment_status}, {order.inventory_status}"


def _of_canceled(order: OrderRow, taken: int, returned: int, held: str, saga: str) -> Iterator[str]:
    if taken != returned:
        yield f"canceled, and the provider keeps {taken - returned} centavos"
    if held not in ("released", "expired", "refused", "none") or saga != "canceled":
        yield f"canceled, and its stock is {held}, its saga {saga}"
    if not order.settled:
        yield "canceled, and not settled"
    if order.money != (taken, returned):
        yield f"it shows {order.money}, and the books say {(taken, returned)}"
    if (order.payment_status == "refunded") != (taken > 0):
        yield f"captured {taken}, and it shows its payment {order.payment_status}"
    if order.inventory_status != ("insufficient" if held == "refused" else "released"):
        yield f"its stock is {held}, and it shows {order.inventory_status}"


def _of_strangers(found: Evidence) -> Iterator[str]:
    parties: Mapping[str, Mapping[int, object]] = {
        "the provider": found.books,
        "payments": found.payments,
        "inventory": found.reservations,
        "the orchestrator": found.sagas,
    }
    for who, knows in parties.items():
        yield from (
            f"{who} knows an order {unknown} that nobody placed"
            for unknown in knows.keys() - found.orders.keys()
        )


def _of_product(row: StockRow) -> Iterator[str]:
    if row.on_hand != row.ledger_on_hand:
        yield f"{row.on_hand} on hand, and the movements and sales come to {row.ledger_on_hand}"
    if row.reserved != row.held:
        yield f"{row.reserved} reserved, and the holds come to {row.held}"
    if row.reserved < 0 or row.on_hand < row.reserved:
        yield f"{row.reserved} reserved of {row.on_hand} on hand"


def _of_messages(found: Evidence) -> Iterator[str]:
    for service, letters in found.dead_letters.items():
        yield from (f"{service} has a dead letter: {letter}" for letter in letters)
    for service, count in found.unpublished.items():
        if count:
            yield f"{service} has {count} envelopes that never went out"
