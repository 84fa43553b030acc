"""Orders: each ends; paid means taken once and sold, canceled means that nothing is kept."""

from collections.abc import Iterator
from typing import Final

from feira.audit.case import CANCELED, PROMISING, SOLD, Case
from feira.audit.evidence import Money, OrderRow
from feira.audit.finding import ALWAYS, ENDED, RESTING, SEEN_AT_ONCE, Finding, Rule, of_order

ORDERS: Final = "orders' row"
ALL: Final = "orders, inventory, the saga and the provider's books"
WAITING: Final = ("awaiting_payment", "held", 0)
"""Saga, stock and money kept, of an order that waits for its customer."""


def adds_up(case: Case) -> Iterator[Finding]:
    for order in case.orders.values():
        if order.total_cents != order.lines_cents:
            yield of_order(
                order.id, f"{order.lines_cents}, as its lines say", f"{order.total_cents}", ORDERS
            )


def reserved_as_ordered(case: Case) -> Iterator[Finding]:
    for order_id, row in case.evidence.reservations.items():
        order = case.orders.get(order_id)
        if order is None or row.lines == order.lines:
            continue
        if row.lines or row.status in PROMISING:
            yield of_order(
                order_id, f"{dict(order.lines)} reserved", f"{dict(row.lines)}", "inventory's row"
            )


def paid_only_for_money_and_stock(case: Case) -> Iterator[Finding]:
    for order in case.orders.values():
        if order.status not in SOLD:
            continue
        taken = case.meant_of(order.id).captured_cents
        if (case.stock_of(order.id), taken) != ("confirmed", order.total_cents):
            yield of_order(
                order.id,
                f"{order.status}: stock confirmed, {order.total_cents} taken",
                f"stock {case.stock_of(order.id)}, {taken} taken",
                ALL,
            )


def a_sale_keeps_its_money(case: Case) -> Iterator[Finding]:
    for order in case.orders.values():
        if order.status in SOLD:
            back = case.meant_of(order.id).refunded_cents
            given = case.given_by_admins_cents(order.id)
            if back != given:
                yield of_order(
                    order.id,
                    f"{order.status}: {given} given back, as administrators asked",
                    f"{back} given back",
                    ALL,
                )


def sold_only_for_money(case: Case) -> Iterator[Finding]:
    for order_id, row in case.evidence.reservations.items():
        order = case.orders.get(order_id)
        taken = case.meant_of(order_id).captured_cents
        if order is not None and row.was_sold and taken != order.total_cents:
            yield of_order(
                order_id, f"sold for {order.total_cents}", f"{taken} taken", "inventory, the books"
            )


def taken_only_for_held_stock(case: Case) -> Iterator[Finding]:
    for order_id, money in case.evidence.books.items():
        stock = case.stock_of(order_id)
        if money.captured_cents and stock in ("none", "refused"):
            yield of_order(
                order_id, "money is taken once stock is held", f"{money}, stock {stock}", ALL
            )


def canceled_keeps_nothing(case: Case) -> Iterator[Finding]:
    for order in case.orders.values():
        if order.status != CANCELED:
            continue
        kept = case.books_of(order.id).kept_cents
        stock, saga = case.stock_of(order.id), case.saga_of(order.id)
        if kept or stock in PROMISING or saga != "canceled":
            yield of_order(
                order.id,
                "canceled: no money kept, no stock promised, the saga canceled",
                f"{kept} kept, stock {stock}, saga {saga}",
                ALL,
            )


def a_sale_is_finished(case: Case) -> Iterator[Finding]:
    for order in case.orders.values():
        if order.status in SOLD and case.saga_of(order.id) != "completed":
            yield of_order(
                order.id, "the saga completed", f"saga {case.saga_of(order.id)}", "the saga's row"
            )


def nobody_is_forgotten(case: Case) -> Iterator[Finding]:
    """What is open waits for its customer, and for nothing else."""
    for order in case.orders.values():
        if order.status in SOLD or order.status == CANCELED:
            if not order.settled:
                yield of_order(order.id, f"{order.status} and settled", "not settled", ORDERS)
            continue
        kept = case.books_of(order.id).kept_cents
        seen = (case.saga_of(order.id), case.stock_of(order.id), kept)
        if seen != WAITING:
            yield of_order(
                order.id,
                f"{order.status}: saga awaiting_payment, stock held, nothing taken",
                f"saga {seen[0]}, stock {seen[1]}, {seen[2]} kept",
                ALL,
            )


def everybody_ends(case: Case) -> Iterator[Finding]:
    for order in case.orders.values():
        if order.status not in SOLD and order.status != CANCELED:
            yield of_order(order.id, "paid or canceled by now", order.status, ORDERS)


def shows_what_happened(case: Case) -> Iterator[Finding]:
    """Customers read the order's row: it must say what the books and the reservation say."""
    for order in case.orders.values():
        expected = _shown(case, order)
        seen = (order.money, order.payment_status, order.inventory_status)
        if expected is not None and not any(_is_shown(one, seen) for one in expected):
            yield of_order(order.id, _said(*expected[0]), _said(*seen), ORDERS)


Shown = tuple[Money, str, str]


def _shown(case: Case, order: OrderRow) -> list[Shown] | None:
    """Money, payment and stock as an order that has ended may show them.

    A wrong amount that was given back need not be shown.
    """
    books, meant = case.books_of(order.id), case.meant_of(order.id)
    if order.status in SOLD:
        is_back = 0 < meant.captured_cents <= meant.refunded_cents
        return [(meant, "refunded" if is_back else "approved", "sold")]
    if order.status != CANCELED:
        return None
    stock = "insufficient" if _was_refused(case, order.id) else "released"
    return [
        (money, "refunded" if money.captured_cents else "unpaid", stock) for money in (books, meant)
    ]


def _was_refused(case: Case, order_id: int) -> bool:
    """For want of stock; where it was canceled before that was known, it shows a release."""
    is_undone = case.has_been(order_id, "undoing_stock")
    return case.stock_of(order_id) == "refused" and not is_undone


def _is_shown(expected: Shown, seen: Shown) -> bool:
    (money, payment, stock), (shown_money, shown_payment, shown_stock) = expected, seen
    unpaid = payment == "unpaid" and shown_payment in ("pending", "declined", "expired")
    return (money, stock) == (shown_money, shown_stock) and (unpaid or payment == shown_payment)


def _said(money: Money, payment: str, stock: str) -> str:
    return f"{money}, payment {payment}, stock {stock}"


RULES: Final = (
    Rule("an order's total is that of its lines", ALWAYS, adds_up),
    Rule("what is reserved is what was ordered", ALWAYS, reserved_as_ordered),
    Rule("paid only with money taken and stock sold", SEEN_AT_ONCE, paid_only_for_money_and_stock),
    Rule("a sale keeps its money", RESTING, a_sale_keeps_its_money),
    Rule("sold only for its money", SEEN_AT_ONCE, sold_only_for_money),
    Rule("money is taken for held stock only", SEEN_AT_ONCE, taken_only_for_held_stock),
    Rule("canceled keeps nothing", RESTING, canceled_keeps_nothing),
    Rule("a sale's saga is completed", RESTING, a_sale_is_finished),
    Rule("an open order waits for its customer alone", RESTING, nobody_is_forgotten),
    Rule("every accepted order ends", ENDED, everybody_ends),
    Rule("an order shows what happened", RESTING, shows_what_happened),
)
