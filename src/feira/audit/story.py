"""An order's life as all records tell it, for whoever has to understand a violation."""

from collections.abc import Iterator
from typing import Final

from feira.audit.case import Case

CALLS_TOLD_MAX: Final = 20


def story_of(case: Case, order_id: int) -> tuple[str, ...]:
    return (*_calls(case, order_id), *_timeline(case, order_id), *_records(case, order_id))


def _calls(case: Case, order_id: int) -> Iterator[str]:
    for call in case.calls.get(order_id, [])[:CALLS_TOLD_MAX]:
        answered = "-" if call.answered_at is None else f"{call.answered_at:.3f}"
        yield f"{call.sent_at:.3f} to {answered} s: {call}"


def _timeline(case: Case, order_id: int) -> Iterator[str]:
    saga = case.evidence.sagas.get(order_id)
    for entry in saga.timeline if saga else ():
        yield f"saga at {entry.elapsed_ms} ms: {entry.happened}, {entry.state}"


def _records(case: Case, order_id: int) -> Iterator[str]:
    yield f"orders: {case.orders.get(order_id)}"
    yield f"inventory: {case.evidence.reservations.get(order_id)}"
    yield f"saga: {case.saga_of(order_id)}"
    for payment in case.payments.get(order_id, []):
        yield f"payments: {payment}"
    for refund in case.refunds.get(order_id, []):
        yield f"payments: {refund}"
    yield f"the provider's books: {case.books_of(order_id)}"
