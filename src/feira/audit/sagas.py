"""Sagas: the timeline tells the whole story, in order; and nobody knows an order nobody placed."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Final

from feira.audit.case import Case
from feira.audit.evidence import SagaRow
from feira.audit.finding import ALWAYS, SEEN_AT_ONCE, Finding, Rule, of_order

TIMELINE: Final = "the saga's timeline"
ENDS: Final = frozenset({"completed", "canceled"})
FOLLOWS: Final[Mapping[str, frozenset[str]]] = {
    "reserving": frozenset({"awaiting_payment", "paying", "undoing_stock", "undoing_order"}),
    "awaiting_payment": frozenset({"paying", "selling", "undoing_stock", "undoing_order"}),
    "paying": frozenset(
        {"awaiting_payment", "selling", "undoing_payment", "undoing_stock", "undoing_order"}
    ),
    "selling": frozenset({"confirming", "undoing_payment"}),
    "confirming": frozenset({"completed", "undoing_payment"}),
    "undoing_payment": frozenset({"undoing_stock", "undoing_order", "canceled"}),
    "undoing_stock": frozenset({"undoing_order", "undoing_payment", "canceled"}),
    "undoing_order": frozenset({"undoing_payment", "canceled"}),
    "completed": frozenset(),
    "canceled": frozenset({"undoing_payment"}),
}
"""Which state may come after which, in the story of a purchase (and any after itself)."""


def the_timeline_is_complete(case: Case) -> Iterator[Finding]:
    for order_id, saga in case.evidence.sagas.items():
        states = [entry.state for entry in saga.timeline]
        for expected, seen in _gaps(states, saga, case.evidence.timeline_entries_max):
            yield of_order(order_id, expected, seen, TIMELINE)


def _gaps(states: list[str], saga: SagaRow, entries_max: int) -> Iterator[tuple[str, str]]:
    if not states or states[0] != "reserving":
        yield "a story that begins with reserving", f"{states[:1]}"
        return
    for before, after in pairwise(states):
        if after != before and after not in FOLLOWS.get(before, ()):
            yield f"after {before} one of {sorted(FOLLOWS.get(before, ()))}", after
    if len(states) < entries_max and states[-1] != saga.state:
        yield f"a story that ends with {saga.state}, as the saga stands", states[-1]


def the_timeline_is_ordered(case: Case) -> Iterator[Finding]:
    allowed_ms = case.evidence.clock_error_max_ms
    for order_id, saga in case.evidence.sagas.items():
        for before, after in pairwise(saga.timeline):
            if after.elapsed_ms < before.elapsed_ms - allowed_ms:
                yield of_order(
                    order_id,
                    f"{after.happened} after {before.happened} at {before.elapsed_ms} ms",
                    f"at {after.elapsed_ms} ms",
                    TIMELINE,
                )


def only_what_has_ended_is_closed(case: Case) -> Iterator[Finding]:
    for order_id, saga in case.evidence.sagas.items():
        if saga.is_open == (saga.state in ENDS):
            yield of_order(
                order_id,
                f"{saga.state} and {'closed' if saga.is_open else 'open'}",
                "open" if saga.is_open else "closed",
                "the saga's row",
            )


def nobody_knows_a_stranger(case: Case) -> Iterator[Finding]:
    """An order is accepted before anybody else can hear of it."""
    evidence = case.evidence
    parties: dict[str, Iterable[int]] = {
        "the provider's books": evidence.books,
        "payments' rows": case.payments.keys() | case.refunds.keys() | case.ledger.keys(),
        "inventory's rows": evidence.reservations,
        "the sagas' rows": evidence.sagas,
    }
    for who, knows in parties.items():
        for order_id in set(knows) - case.orders.keys():
            yield of_order(order_id, "an order that somebody placed", "no such order", who)


def the_saga_leads(case: Case) -> Iterator[Finding]:
    """Stock and money are asked for by a saga, and by nobody else."""
    evidence = case.evidence
    for order_id in (evidence.reservations.keys() | case.payments.keys()) - evidence.sagas.keys():
        yield of_order(order_id, "a saga", "stock or payments without one", "the sagas' rows")


RULES: Final = (
    Rule("the timeline is complete", ALWAYS, the_timeline_is_complete),
    Rule("the timeline is ordered", ALWAYS, the_timeline_is_ordered),
    Rule("a saga is closed when it has ended", ALWAYS, only_what_has_ended_is_closed),
    Rule("nobody knows an order that nobody placed", ALWAYS, nobody_knows_a_stranger),
    Rule("the saga leads", SEEN_AT_ONCE, the_saga_leads),
)
