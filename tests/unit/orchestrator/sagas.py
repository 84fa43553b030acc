"""Sagas to start with, and everything they can hear."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from feira.services.orchestrator.domain import messages as m
from feira.services.orchestrator.domain.purchase_saga import Line, Purchase, Saga, start

START: Final = datetime(2025, 11, 28, 3, 0, tzinfo=UTC)
HOLD_UNTIL: Final = START + timedelta(minutes=15)
EARLY, LATE = START + timedelta(minutes=1), HOLD_UNTIL + timedelta(minutes=1)
TOTAL_CENTS: Final = 59_97
HEARD: Final[tuple[type[m.Heard], ...]] = m.Heard.__args__
SAID: Final[tuple[type[m.Said], ...]] = m.Said.__args__


def purchase(*, pays_at_once: bool = True, order_id: int = 1) -> Purchase:
    return Purchase(
        order_id=order_id,
        lines=(Line(7, 2), Line(8, 1)),
        total_cents=TOTAL_CENTS,
        pays_at_once=pays_at_once,
        hold_until=HOLD_UNTIL,
        started_at=START,
    )


def started(*, pays_at_once: bool = True) -> Saga:
    payment = ("card", "tok_visa") if pays_at_once else None
    return start(purchase(pays_at_once=pays_at_once), START, payment)


def everything_it_can_hear(saga: Saga) -> Iterator[m.Heard]:
    """Every type, with the attempts before, at and after the saga's, and with and without money."""
    for kind in (
        *(m.StockReserved, m.StockInsufficient, m.ReservationConfirmed, m.ReservationReleased),
        *(m.OrderConfirmed, m.Overdue),
    ):
        yield kind()
    yield m.OrderCanceled("canceled_by_customer")
    yield m.PaymentCanceled(0, 0)
    yield m.PaymentCanceled(TOTAL_CENTS, TOTAL_CENTS)
    for attempt in {max(1, saga.attempt - 1), max(1, saga.attempt)}:
        yield m.PaymentConfirmed(attempt, TOTAL_CENTS)
        yield m.PaymentFailed(attempt, "declined")
    for attempt in {max(1, saga.attempt), saga.attempt + 1}:
        yield m.PaymentSubmitted(attempt, "card", "tok_other")
