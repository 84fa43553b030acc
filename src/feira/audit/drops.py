"""Flash sales: never more than the drop, never too many a customer, and nothing gets lost."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from feira.audit.case import CANCELED, PROMISING, SOLD, Case
from feira.audit.evidence import DropRow
from feira.audit.finding import ALWAYS, ENDED, RESTING, SEEN_AT_ONCE, Finding, Rule, of_order

FLASHSALE: Final = "flashsale's rows"
INVENTORY: Final = "inventory's rows"
CLAIMING: Final = re.compile(r"POST /flash-sales/\d+/orders")
CLOSED: Final = "closed"


def _of_drop(drop: DropRow, expected: str, seen: str, records: str = FLASHSALE) -> Finding:
    return Finding(f"drop {drop.id}", expected, seen, records)


def units_add_up(case: Case) -> Iterator[Finding]:
    for drop in case.evidence.drops.values():
        count = Counter(claim.status for claim in case.evidence.claims if claim.drop_id == drop.id)
        if (drop.held, drop.sold) != (count["won"], count["sold"]):
            seen = f"{drop.held} held and {drop.sold} sold"
            yield _of_drop(drop, f"{count['won']} held and {count['sold']} sold, as claims", seen)
        gone = drop.held + drop.sold + drop.given_back
        set_aside = drop.set_aside or 0
        wrong = gone != set_aside if drop.status == CLOSED else gone > set_aside
        if wrong or set_aside > drop.units:
            yield _of_drop(
                drop,
                f"sold + held + left + given back = {set_aside} set aside, of {drop.units} wanted",
                f"{drop.sold} sold, {drop.held} held, {drop.given_back} given back, {drop.status}",
            )


def nobody_has_too_many(case: Case) -> Iterator[Finding]:
    claims = Counter((claim.drop_id, claim.customer_id) for claim in case.evidence.claims)
    for (drop_id, customer_id), count in claims.items():
        drop = case.evidence.drops[drop_id]
        if count > drop.per_customer:
            yield _of_drop(drop, f"{drop.per_customer} a customer", f"{customer_id} has {count}")


def never_more_than_the_drop(case: Case) -> Iterator[Finding]:
    live = Counter(
        row.drop_id for row in case.orders.values() if row.drop_id and row.status != CANCELED
    )
    for drop_id, count in live.items():
        assert drop_id is not None
        drop = case.evidence.drops.get(drop_id)
        if drop is None or count > (drop.set_aside or 0):
            of = "unknown" if drop is None else drop.set_aside
            yield Finding(f"drop {drop_id}", f"{of} units", f"{count} orders", "orders' rows")


def allotments_add_up(case: Case) -> Iterator[Finding]:
    """Of an open allotment, what is not left was drawn by somebody; of a closed one nothing is."""
    drawn = Counter[int]()
    for row in case.evidence.reservations.values():
        if row.drop_id is not None and (row.status in PROMISING):
            drawn[row.drop_id] += sum(row.lines.values())
    left_of = Counter[int]()
    for allotment in case.evidence.allotments.values():
        taken = drawn[allotment.id]
        left = allotment.units - taken if allotment.is_open else 0
        left_of[allotment.product_id or 0] += allotment.left
        if allotment.left != left or taken > allotment.units:
            yield Finding(
                f"allotment {allotment.id}",
                f"{left} left of {allotment.units}, as {taken} are drawn",
                f"{allotment.left} left",
                INVENTORY,
            )
    for product_id, stock in case.evidence.stock.items():
        if stock.allotted != left_of[product_id] or stock.reserved + stock.allotted > stock.on_hand:
            yield Finding(
                f"product {product_id}",
                f"{left_of[product_id]} set aside, and no more than is there",
                f"{stock.allotted} set aside and {stock.reserved} reserved of {stock.on_hand}",
                INVENTORY,
            )


def inventory_agrees(case: Case) -> Iterator[Finding]:
    for drop in case.evidence.drops.values():
        allotment = case.evidence.allotments.get(drop.id)
        if allotment is None:
            if drop.set_aside:
                yield _of_drop(drop, "nothing set aside", f"{drop.set_aside}", INVENTORY)
            continue
        is_closed = drop.status == CLOSED
        expected = (allotment.units, is_closed, allotment.given_back)
        seen = (drop.set_aside or 0, not allotment.is_open, drop.given_back)
        if drop.set_aside is not None and expected != seen:
            yield _of_drop(drop, f"{expected}: units, closed, given back", f"{seen}", INVENTORY)


def a_claim_ends_as_its_order(case: Case) -> Iterator[Finding]:
    for claim in case.evidence.claims:
        if claim.order_id is None:
            continue
        order = case.orders.get(claim.order_id)
        status = "none" if order is None else order.status
        expected = "sold" if status in SOLD else "lapsed" if status == CANCELED else "won"
        if claim.status != expected or status == "none":
            yield of_order(
                claim.order_id, f"{status}: the claim {expected}", claim.status, FLASHSALE
            )


def an_answered_claim_stands(case: Case) -> Iterator[Finding]:
    won = {claim.order_id: claim.customer_id for claim in case.evidence.claims}
    for call in case.history:
        if call.status == 201 and CLAIMING.fullmatch(call.request):
            order_id = int(call.answer["id"])
            if won.get(order_id) != call.who:
                yield of_order(order_id, f"a claim of {call.who}", "none", FLASHSALE)


def every_claim_was_asked_for(case: Case) -> Iterator[Finding]:
    if case.evidence.history is None:
        return
    asked = Counter(
        intent.first.who for intent in case.intents if CLAIMING.fullmatch(intent.request)
    )
    claims = Counter(claim.customer_id for claim in case.evidence.claims)
    for customer_id, count in claims.items():
        if count > asked[customer_id]:
            yield Finding(
                f"customer {customer_id}", f"{asked[customer_id]} claims", f"{count}", FLASHSALE
            )


def every_drop_ends(case: Case) -> Iterator[Finding]:
    for drop in case.evidence.drops.values():
        if drop.status != CLOSED:
            yield _of_drop(drop, "closed by now", drop.status)


RULES: Final = (
    Rule("a drop's units add up", ALWAYS, units_add_up),
    Rule("nobody has more claims than allowed", ALWAYS, nobody_has_too_many),
    Rule("never more orders than the drop", SEEN_AT_ONCE, never_more_than_the_drop),
    Rule("what is set aside adds up", ALWAYS, allotments_add_up),
    Rule("a drop and inventory agree", RESTING, inventory_agrees),
    Rule("a claim ends as its order does", RESTING, a_claim_ends_as_its_order),
    Rule("a claim that was answered stands", SEEN_AT_ONCE, an_answered_claim_stands),
    Rule("every claim was asked for", SEEN_AT_ONCE, every_claim_was_asked_for),
    Rule("every drop ends", ENDED, every_drop_ends),
)
