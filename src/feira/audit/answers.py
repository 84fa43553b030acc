"""An answer given is never contradicted: not by the stores, and not by a later answer."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final

from feira.audit.case import CANCELED, SOLD, Case
from feira.audit.evidence import Call
from feira.audit.finding import SEEN_AT_ONCE, Finding, Rule, of_order
from feira.audit.intents import PLACING, customer_of, lines_of, placed_id

ANSWERS: Final = "what clients were answered"
STORES: Final = "orders' row against an answer"
NOBODY_KNOWS: Final = frozenset({502, 503, 504})
ALREADY_PAID: Final = "order_already_paid"
RANKS: Final = {
    "pending": 0,
    "in_progress": 1,
    "paid": 2,
    "shipped": 3,
    "completed": 4,
    CANCELED: 9,
}
"""How far an order has come; it never goes back, and from paid it is not canceled."""


def an_accepted_order_exists(case: Case) -> Iterator[Finding]:
    for call in case.history:
        order_id = placed_id(call)
        if order_id is None:
            continue
        row = case.orders.get(order_id)
        expected = (customer_of(call), dict(lines_of(call)))
        seen = (row.customer_id, dict(row.lines)) if row else None
        if seen != expected:
            yield of_order(
                order_id,
                f"of customer {expected[0]}, {expected[1]}, as accepted",
                f"of customer {seen[0]}, {seen[1]}" if seen else "no such order",
                STORES,
            )


def a_decided_cancellation_stands(case: Case) -> Iterator[Finding]:
    for order_id, calls in case.calls.items():
        row = case.orders.get(order_id)
        status = row.status if row else "no such order"
        for call in calls:
            if _says_canceled(call) and status != CANCELED:
                yield of_order(order_id, "canceled, as answered", status, STORES)
            if _says_paid_already(call) and status not in SOLD:
                yield of_order(order_id, "paid, as a cancellation was told", status, STORES)


def _says_canceled(call: Call) -> bool:
    return call.status == 200 and _part(call.answer, "status") == CANCELED


def _says_paid_already(call: Call) -> bool:
    return call.status == 409 and _part(call.answer, "code") == ALREADY_PAID


@dataclass(frozen=True, slots=True)
class _View:
    """What somebody was shown of an order, between two moments."""

    status: str
    sent_at: float
    answered_at: float


def what_was_shown_is_not_taken_back(case: Case) -> Iterator[Finding]:
    for order_id, calls in case.calls.items():
        views = [view for call in calls for view in _views(call)]
        row = case.orders.get(order_id)
        if row is not None:
            views.append(_View(row.status, float("inf"), float("inf")))
        yield from (
            of_order(order_id, f"after {before}, that or a later status", after, ANSWERS)
            for before, after in _taken_back(views)
        )


def _views(call: Call) -> Iterator[_View]:
    """A keyed answer may be an old one, given again; what can be read is what is so now."""
    status = _part(call.answer, "status")
    is_read = call.method == "GET" and call.status == 200
    if call.answered_at is None or not (is_read or _says_canceled(call)):
        return
    if status in RANKS:
        yield _View(status, call.sent_at, call.answered_at)


def _taken_back(views: list[_View]) -> Iterator[tuple[str, str]]:
    """Pairs of views, the second asked for after the first was answered, that contradict."""
    answered = sorted(views, key=lambda view: view.answered_at)
    moments = [view.answered_at for view in answered]
    furthest = list(accumulate((view.status for view in answered), _further, initial="pending"))
    for view in views:
        shown = furthest[bisect_right(moments, view.sent_at)]
        sold_then_canceled = shown in SOLD and view.status == CANCELED
        if RANKS[view.status] < RANKS[shown] or sold_then_canceled:
            yield shown, view.status


def _further(one: str, other: str) -> str:
    return max(one, other, key=RANKS.__getitem__)


def an_accepted_order_is_found(case: Case) -> Iterator[Finding]:
    """Its customer, who was told its id, is not told later that there is no such order."""
    for order_id, calls in case.calls.items():
        told_at = min((call.answered_at or 0.0 for call in calls if placed_id(call)), default=None)
        if told_at is None:
            continue
        for call in calls:
            if call.status == 404 and call.sent_at >= told_at:
                yield of_order(order_id, "found, as it was accepted", str(call), ANSWERS)


def the_same_question_has_the_same_answer(case: Case) -> Iterator[Finding]:
    for intent in case.intents:
        decided = intent.decided
        for call in decided[1:]:
            if (call.status, call.answer) != (decided[0].status, decided[0].answer):
                yield Finding(f"key {call.key} of {call.who}", str(decided[0]), str(call), ANSWERS)


def nobody_fails(case: Case) -> Iterator[Finding]:
    """Trouble is 502, 503 or 504 and asks to come back; anything else above 499 is a bug."""
    for call in case.history:
        if call.status is not None and call.status >= 500 and call.status not in NOBODY_KNOWS:
            yield Finding(call.request, "no 5xx but 502, 503, 504", str(call), ANSWERS)


def a_yes_names_its_order(case: Case) -> Iterator[Finding]:
    for call in case.history:
        if call.request in PLACING and call.status in (200, 201) and placed_id(call) is None:
            yield Finding(call.request, "an answer with an order's id", str(call), ANSWERS)


def _part(answer: Any, name: str) -> Any:
    return answer.get(name) if isinstance(answer, dict) else None


RULES: Final = (
    Rule("an accepted order exists as it was accepted", SEEN_AT_ONCE, an_accepted_order_exists),
    Rule("a cancellation, or its refusal, stands", SEEN_AT_ONCE, a_decided_cancellation_stands),
    Rule("what was shown is not taken back", SEEN_AT_ONCE, what_was_shown_is_not_taken_back),
    Rule("an accepted order is found", SEEN_AT_ONCE, an_accepted_order_is_found),
    Rule("a key has one answer", SEEN_AT_ONCE, the_same_question_has_the_same_answer),
    Rule("nobody answers with a fault", SEEN_AT_ONCE, nobody_fails),
    Rule("an accepted order has an id", SEEN_AT_ONCE, a_yes_names_its_order),
)
