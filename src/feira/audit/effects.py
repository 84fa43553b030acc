"""What was asked for once happens once: at most one effect a key, and none for a refusal."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Final

from feira.audit.case import Case
from feira.audit.finding import SEEN_AT_ONCE, Finding, Rule, of_order
from feira.audit.intents import PLACING, STOCK_MOVE, Intent, customer_of, lines_of, placed_id

HISTORY: Final = "orders' rows against what clients asked for"

Asked = tuple[int, tuple[tuple[int, int], ...]]
"""Who an order is for, and its lines."""


def a_key_places_one_order(case: Case) -> Iterator[Finding]:
    placed: dict[int, Intent] = {}
    for intent in _placing(case):
        ids = {placed_id(call) for call in intent.granted}
        if len(ids) > 1:
            yield Finding(
                str(intent.first), "one order", f"orders {sorted(map(str, ids))}", "the answers"
            )
        for order_id in ids - {None}:
            assert order_id is not None
            if order_id in placed:
                yield of_order(
                    order_id, f"placed by {placed[order_id]}", f"also by {intent}", "the answers"
                )
            placed[order_id] = intent


def nobody_orders_what_was_not_asked(case: Case) -> Iterator[Finding]:
    """An order that nobody was told of is one of those whose client got no answer."""
    if case.evidence.history is None:
        return
    told = {placed_id(call) for call in case.history}
    unknown = Counter(_asked(intent) for intent in _placing(case) if intent.is_unknown)
    untold: dict[Asked, list[int]] = defaultdict(list)
    for row in case.orders.values():
        if row.id not in told and row.drop_id is None:
            untold[row.customer_id, tuple(sorted(row.lines.items()))].append(row.id)
    for asked, order_ids in untold.items():
        if len(order_ids) > unknown[asked]:
            yield of_order(
                order_ids[-1],
                f"at most {unknown[asked]} orders of {asked[0]} for {dict(asked[1])}, "
                "as so many were asked for without an answer",
                f"{len(order_ids)}: {order_ids}",
                HISTORY,
            )


def _placing(case: Case) -> Iterator[Intent]:
    return (intent for intent in case.intents if intent.request in PLACING)


def _asked(intent: Intent) -> Asked:
    return customer_of(intent.first), tuple(sorted(lines_of(intent.first).items()))


def a_key_moves_stock_once(case: Case) -> Iterator[Finding]:
    granted, unknown = Counter[tuple[int, str, int]](), Counter[tuple[int, str, int]]()
    for intent in case.intents:
        move = STOCK_MOVE.fullmatch(intent.request)
        if move is None:
            continue
        wanted = (int(move[1]), move[2], int(intent.first.body["quantity"]))
        granted[wanted] += bool(intent.granted)
        unknown[wanted] += intent.is_unknown
    moved = Counter(
        (row.product_id, row.kind, row.quantity)
        for rows in case.movements.values()
        for row in rows
        if row.reference is None or row.reference.startswith("user/")
    )
    for wanted in (granted + unknown).keys() | _audited(case, moved):
        least, most = granted[wanted], granted[wanted] + unknown[wanted]
        if not least <= moved[wanted] <= most:
            product_id, kind, quantity = wanted
            yield Finding(
                f"product {product_id}",
                f"{least} to {most} times {kind} of {quantity}, as asked",
                f"{moved[wanted]} times",
                "inventory's movements against what administrators asked for",
            )


def _audited(case: Case, moved: Counter[tuple[int, str, int]]) -> set[tuple[int, str, int]]:
    if case.evidence.history is None:
        return set()
    return {wanted for wanted in moved if wanted[1] in ("receipt", "adjustment")}


def a_payment_offered_once_is_one_attempt(case: Case) -> Iterator[Finding]:
    for order_id, calls in case.calls.items():
        row = case.orders.get(order_id)
        placing = next((call for call in calls if placed_id(call)), None)
        if row is None or placing is None:
            continue
        offers = case.offers.get(order_id, [])
        least = bool(placing.body.get("payment")) + sum(bool(offer.granted) for offer in offers)
        most = least + sum(offer.is_unknown for offer in offers)
        if not least <= row.payment_attempts <= most:
            yield of_order(
                order_id,
                f"{least} to {most} payments offered, as asked",
                f"{row.payment_attempts}",
                HISTORY,
            )


RULES: Final = (
    Rule("a key places one order", SEEN_AT_ONCE, a_key_places_one_order),
    Rule("every order was asked for", SEEN_AT_ONCE, nobody_orders_what_was_not_asked),
    Rule("a key moves stock once", SEEN_AT_ONCE, a_key_moves_stock_once),
    Rule("a payment offered is one attempt", SEEN_AT_ONCE, a_payment_offered_once_is_one_attempt),
)
