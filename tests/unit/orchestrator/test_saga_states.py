"""All states that a saga can come to, whatever it hears and whenever: what always holds.

Breadth first, from both kinds of purchase; messages come before and after the end of the hold. A
state is what decides what follows: clocks and counters are left out of it.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

import pytest

from feira.services.orchestrator.adapters.memory import copied
from feira.services.orchestrator.domain import messages as m
from feira.services.orchestrator.domain.purchase_saga import (
    ASK_AGAIN_SECONDS_MAX,
    AT_REST,
    TIMELINE_ENTRIES_MAX,
    UNDOING,
    Saga,
    State,
    advance,
    pending,
)
from tests.unit.orchestrator.sagas import (
    EARLY,
    HOLD_UNTIL,
    LATE,
    TOTAL_CENTS,
    everything_it_can_hear,
    started,
)

ATTEMPTS_MAX = 3

FORWARD = (
    State.RESERVING,
    State.AWAITING_PAYMENT,
    State.PAYING,
    State.SELLING,
    State.CONFIRMING,
    State.COMPLETED,
)


@dataclass(frozen=True)
class Step:
    before: Saga
    heard: m.Heard
    now: datetime
    after: Saga
    said: list[m.Said]

    def __str__(self) -> str:
        return f"{self.before} heard {self.heard}, said {self.said}: {self.after}"


def essence(saga: Saga) -> Any:
    return (
        *(saga.purchase.pays_at_once, saga.state, saga.attempt, saga.method),
        *(saga.inventory_status, saga.payment_status, saga.captured_cents, saga.refunded_cents),
        *(saga.reason, saga.order_canceled),
    )


def steps_from(saga: Saga) -> Iterator[Step]:
    for now in (EARLY, LATE):
        for heard in everything_it_can_hear(saga):
            after = copied(saga)
            said = advance(after, heard, now)
            yield Step(saga, heard, now, after, said)


def explored(*, honestly: bool) -> list[Step]:
    """Every step from every state. `honestly`: no word that its speaker cannot have said."""
    seen: set[Any] = set()
    steps: list[Step] = []
    waiting = deque([started(pays_at_once=True), started(pays_at_once=False)])
    while waiting:
        saga = waiting.popleft()
        if essence(saga) in seen or saga.attempt > ATTEMPTS_MAX:
            continue
        seen.add(essence(saga))
        for step in steps_from(saga):
            if honestly and not could_be_said(step):
                continue
            steps.append(step)
            waiting.append(replace(step.after, step=0, asked=0, timeline=[]))
    return steps


def could_be_said(step: Step) -> bool:
    """Answers to what was never asked are left out; late, repeated and unasked-for news stay."""
    saga = step.before
    match step.heard:
        case m.ReservationConfirmed():
            return saga.state is State.SELLING or saga.inventory_status == "sold"
        case m.ReservationReleased():
            return saga.inventory_status not in ("pending", "sold") or saga.state in UNDOING
        case m.OrderConfirmed():
            return saga.state in (State.CONFIRMING, State.COMPLETED)
        case m.OrderCanceled():
            return saga.state is not State.COMPLETED
        case m.PaymentCanceled():
            return saga.state is State.UNDOING_PAYMENT or saga.refunded_cents > 0
        case m.PaymentConfirmed() | m.PaymentFailed():
            return saga.attempt > 0
        case _:
            return True


@cache
def all_steps() -> tuple[Step, ...]:
    return tuple(explored(honestly=False))


@cache
def honest_steps() -> tuple[Step, ...]:
    return tuple(explored(honestly=True))


def test_every_state_is_reached() -> None:
    assert {step.after.state for step in honest_steps()} == set(State)


def test_the_same_message_leads_to_the_same() -> None:
    for step in all_steps():
        again = copied(step.before)
        assert advance(again, step.heard, step.now) == step.said
        assert again == step.after


def test_what_changes_nothing_is_not_saved_differently() -> None:
    """A message without effect is not noted either."""
    for step in all_steps():
        if not step.said and step.after.state is step.before.state:
            assert step.after.timeline == step.before.timeline, step


def test_an_open_purchase_has_a_deadline_ahead() -> None:
    for step in all_steps():
        if step.after.open and step.after.state is not step.before.state:
            patience = (step.after.deadline - step.now).total_seconds()
            waits = step.after.state is State.AWAITING_PAYMENT
            assert waits or 0 < patience <= ASK_AGAIN_SECONDS_MAX, step
            assert not waits or step.after.deadline == HOLD_UNTIL, step


def test_being_overdue_leads_to_a_question_or_to_progress_and_to_a_later_deadline() -> None:
    for step in all_steps():
        if not isinstance(step.heard, m.Overdue) or not step.before.open:
            continue
        progress = step.after.state is not step.before.state
        waits = step.before.state is State.AWAITING_PAYMENT and step.now < HOLD_UNTIL
        assert progress or waits or step.said == pending(step.before) != [], step
        assert step.after.deadline > step.now, step


def test_asking_again_gets_slower_up_to_a_limit() -> None:
    saga, now = started(), EARLY
    waits = []
    for _ in range(50):
        advance(saga, m.Overdue(), now)
        waits.append((saga.deadline - now).total_seconds())
        now = saga.deadline
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (30, ASK_AGAIN_SECONDS_MAX)


def test_each_new_state_asks_its_question_at_once() -> None:
    for step in all_steps():
        if step.after.state is not step.before.state:
            assert set(pending(step.after)) <= set(step.said), step


def test_nobody_is_asked_what_another_state_would_ask() -> None:
    news = {m.RecordProgress(), m.RecordSettlement(), m.Finish()}
    for step in all_steps():
        assert set(step.said) <= set(pending(step.after)) | news, step


def test_a_purchase_goes_forward_or_back_and_never_forward_again() -> None:
    """Only a declined payment leads one step back, to another try."""
    for step in all_steps():
        before, after = step.before.state, step.after.state
        if before in (*UNDOING, State.CANCELED):
            assert after in (*UNDOING, State.CANCELED), step
        elif after in FORWARD:
            retry = (before, after) == (State.PAYING, State.AWAITING_PAYMENT)
            assert retry or FORWARD.index(after) >= FORWARD.index(before), step


def test_a_completed_purchase_stays_as_it_is() -> None:
    for step in all_steps():
        if step.before.state is State.COMPLETED:
            assert (step.said, step.after) == ([], step.before)


def test_completed_means_paid_in_full_and_sold() -> None:
    for step in honest_steps():
        saga = step.after
        if saga.state is State.COMPLETED:
            assert (saga.captured_cents, saga.refunded_cents) == (TOTAL_CENTS, 0), step
            assert (saga.inventory_status, saga.payment_status) == ("sold", "approved"), step


def test_canceled_means_that_nothing_is_owed() -> None:
    for step in honest_steps():
        saga = step.after
        if saga.state is State.CANCELED:
            assert saga.captured_cents == saga.refunded_cents, step
            assert saga.inventory_status in ("released", "insufficient"), step
            assert saga.order_canceled, step
            assert saga.reason, step


def test_money_is_undone_before_stock_and_stock_before_the_order() -> None:
    for step in honest_steps():
        saga, said = step.after, set(step.said)
        if m.ReleaseStock() in said or m.CancelOrder() in said:
            assert saga.captured_cents == saga.refunded_cents, step
        if m.CancelOrder() in said:
            assert saga.inventory_status in ("released", "insufficient"), step


def test_the_customer_is_told_when_it_is_settled_and_only_then() -> None:
    for step in all_steps():
        canceled = step.after.state is State.CANCELED and step.before.state is not State.CANCELED
        assert (m.RecordSettlement() in step.said) == canceled, step
        ended = step.after.state in AT_REST and step.before.state is not step.after.state
        assert (m.Finish() in step.said) == ended, step


def test_money_is_asked_for_only_while_stock_is_held() -> None:
    for step in honest_steps():
        if m.RequestPayment() in step.said:
            assert step.after.inventory_status == "reserved", step
            assert step.after.attempt > 0, step
            assert step.after.token, step


def test_a_token_is_not_kept_at_rest() -> None:
    for step in all_steps():
        if not step.after.open:
            assert step.after.token == "", step


def test_steps_rise_with_every_state() -> None:
    """What `RecordProgress` carries, so that orders knows old news as such."""
    for step in all_steps():
        moved = step.after.state is not step.before.state
        assert step.after.step == step.before.step + moved, step


@pytest.mark.parametrize("now", [EARLY, LATE])
def test_from_everywhere_patience_alone_leads_to_rest(now: datetime) -> None:
    """With every question answered in the kindest way for whoever gives up."""
    answers: dict[m.Said, m.Heard] = {
        m.ReserveStock(): m.StockReserved(),
        m.RequestPayment(): m.PaymentFailed(0, "declined"),
        m.ConfirmReservation(): m.ReservationConfirmed(),
        m.ConfirmOrder(): m.OrderConfirmed(),
        m.CancelPayment(): m.PaymentCanceled(TOTAL_CENTS, TOTAL_CENTS),
        m.ReleaseStock(): m.ReservationReleased(),
        m.CancelOrder(): m.OrderCanceled("given_up"),
    }
    for step in honest_steps():
        saga, at = copied(step.after), max(now, step.now)
        for _ in range(12):
            if not saga.open:
                break
            asked = pending(saga)
            at = max(at, saga.deadline)
            heard = answers[asked[0]] if asked else m.Overdue()
            if isinstance(heard, m.PaymentFailed):
                heard = m.PaymentFailed(saga.attempt, "declined")
            advance(saga, heard, at)
        assert not saga.open, step


def test_the_timeline_is_bounded() -> None:
    saga, now = started(), EARLY
    for _ in range(10 * TIMELINE_ENTRIES_MAX):
        now = saga.deadline
        advance(saga, m.Overdue(), now)
    assert len(saga.timeline) == TIMELINE_ENTRIES_MAX
    assert saga.timeline[0] == (0, "OrderCreated", "reserving")


def test_news_of_an_earlier_attempt_change_nothing() -> None:
    for step in all_steps():
        match step.heard:
            case m.PaymentFailed(attempt=attempt):
                is_old = attempt != step.before.attempt
            case m.PaymentSubmitted(attempt=attempt):
                is_old = attempt <= step.before.attempt
            case _:
                continue
        if is_old:
            assert (step.said, step.after) == ([], step.before), step
