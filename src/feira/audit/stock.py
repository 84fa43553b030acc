"""Stock: available + held + sold = received ± adjusted, and never less than nothing."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from feira.audit.case import Case
from feira.audit.finding import ALWAYS, RESTING, Finding, Rule

INVENTORY: Final = "inventory's rows"


def nothing_appears_or_vanishes(case: Case) -> Iterator[Finding]:
    for product_id, row in case.evidence.stock.items():
        moved = sum(movement.quantity for movement in case.movements.get(product_id, []))
        left = moved - case.sold[product_id]
        if row.on_hand != left:
            yield Finding(
                f"product {product_id}",
                f"{moved} received and adjusted - {case.sold[product_id]} sold = {left} on hand",
                f"{row.on_hand} on hand",
                INVENTORY,
            )


def what_is_reserved_is_held_for_somebody(case: Case) -> Iterator[Finding]:
    for product_id, row in case.evidence.stock.items():
        if row.reserved != case.held[product_id]:
            yield Finding(
                f"product {product_id}",
                f"{case.held[product_id]} reserved, as the reservations come to",
                f"{row.reserved} reserved",
                INVENTORY,
            )


def never_oversold(case: Case) -> Iterator[Finding]:
    for product_id, row in case.evidence.stock.items():
        if not 0 <= row.reserved <= row.on_hand:
            yield Finding(
                f"product {product_id}",
                "0 <= reserved <= on hand",
                f"{row.reserved} reserved of {row.on_hand} on hand",
                INVENTORY,
            )


def promises_are_of_known_products(case: Case) -> Iterator[Finding]:
    promised = (case.held + case.sold).keys() | case.movements.keys()
    for product_id in promised - case.evidence.stock.keys():
        yield Finding(
            f"product {product_id}", "a stock item", "promises or movements without it", INVENTORY
        )


def what_is_put_back_was_sold(case: Case) -> Iterator[Finding]:
    """A sale that is undone is put back once, and wholly."""
    for order_id, row in case.evidence.reservations.items():
        is_undone = row.was_sold and row.status != "confirmed"
        expected = dict(row.lines) if is_undone else {}
        put_back = dict(case.put_back.get(order_id, Counter()))
        if put_back != expected:
            yield Finding(
                f"order {order_id}",
                f"{expected} put back, its reservation being {row.status}",
                f"{put_back} put back",
                INVENTORY,
                order_id,
            )


RULES: Final = (
    Rule("stock = received ± adjusted - sold", ALWAYS, nothing_appears_or_vanishes),
    Rule("reserved = held for orders", ALWAYS, what_is_reserved_is_held_for_somebody),
    Rule("stock is never oversold", ALWAYS, never_oversold),
    Rule("only known products are promised", RESTING, promises_are_of_known_products),
    Rule("an undone sale is put back once", ALWAYS, what_is_put_back_was_sold),
)
