"""What is decided about an order's payments: every state meets everything that can happen to it."""

from datetime import timedelta
from itertools import count, product

import pytest

from feira.services.payments.domain.charge import ChargeReport, Verdict, is_news
from feira.services.payments.domain.ledger import Account, Kind, LedgerEntry
from feira.services.payments.domain.order_payments import (
    Effect,
    Finding,
    News,
    OrderPayments,
    answer_to,
    begin,
    cancel,
    cancellation_news,
    may_begin,
    record,
    record_refund,
)
from feira.services.payments.domain.payment import (
    CHECK_SECONDS_MAX,
    CHECK_SECONDS_MIN,
    EMPTY,
    TAKEN,
    UNRESOLVED,
    Payment,
    State,
)
from feira.services.payments.domain.refund import Refund, RefundReport, RefundState
from tests.unit.payments.world import AMOUNT_CENTS, START, captured, declined, voided

ORDER_ID = 41
PAYMENT_ID = 7
IN_CANCELED_ORDERS = {State.CANCELING, State.CANCELED}

REPORTS = {
    Verdict.CAPTURED: captured(ORDER_ID),
    Verdict.DECLINED: declined(ORDER_ID),
    Verdict.VOIDED: voided(ORDER_ID),
    Verdict.AUTHORIZED: ChargeReport(ORDER_ID, 1, Verdict.AUTHORIZED, "ch_41_1"),
    Verdict.UNKNOWN: ChargeReport(ORDER_ID, 1, Verdict.UNKNOWN),
}
CAPTURED_NOW = (Finding.RECORDED, State.CAPTURED, News.CONFIRMED)
FAILED_NOW = (Finding.RECORDED, State.FAILED, News.FAILED)
CANCELED_NOW = (Finding.RECORDED, State.CANCELED, News.CANCELED)
GIVING_BACK = (Finding.RECORDED, State.REFUNDING, News.NOTHING)

# What a report changes; every other pair changes nothing, or contradicts what is known.
CHANGES = {
    (State.REQUESTED, Verdict.CAPTURED): CAPTURED_NOW,
    (State.REQUESTED, Verdict.DECLINED): FAILED_NOW,
    (State.REQUESTED, Verdict.VOIDED): FAILED_NOW,
    (State.CANCELING, Verdict.CAPTURED): GIVING_BACK,
    (State.CANCELING, Verdict.DECLINED): CANCELED_NOW,
    (State.CANCELING, Verdict.VOIDED): CANCELED_NOW,
    (State.FAILED, Verdict.CAPTURED): GIVING_BACK,
    (State.CANCELED, Verdict.CAPTURED): GIVING_BACK,
}
CONTRADICTIONS = set(product(TAKEN, (Verdict.DECLINED, Verdict.VOIDED)))


def payment_in(state: State, **changes: object) -> Payment:
    payment = Payment(PAYMENT_ID, ORDER_ID, 1, AMOUNT_CENTS, "card", "tok_visa", START)
    if state in UNRESOLVED:
        payment.wait_for_provider(state, START)
    else:
        payment.settle(state)
    if state in TAKEN:
        payment.charge_id, payment.captured_cents = "ch_41_1", AMOUNT_CENTS
    if state is State.REFUNDING:
        payment.refunding_cents = AMOUNT_CENTS
    if state is State.REFUNDED:
        payment.refunded_cents = AMOUNT_CENTS
    for name, value in changes.items():
        setattr(payment, name, value)
    return payment


def order_with(*payments: Payment, canceled: bool = False) -> OrderPayments:
    canceled = canceled or any(p.state in IN_CANCELED_ORDERS for p in payments)
    return OrderPayments(ORDER_ID, canceled, {p.attempt: p for p in payments})


def take_in(order: OrderPayments, report: ChargeReport) -> Effect:
    return record(order, report, lambda: 100, START)


def test_every_state_is_classified_once() -> None:
    assert set(State) == UNRESOLVED | TAKEN | EMPTY
    assert not UNRESOLVED & TAKEN
    assert not UNRESOLVED & EMPTY
    assert {State.REFUNDED} == TAKEN & EMPTY


# --- what a provider says of a charge ------------------------------------------------------------


@pytest.mark.parametrize(("state", "verdict"), list(product(State, Verdict)))
def test_every_state_meets_every_verdict(state: State, verdict: Verdict) -> None:
    payment = payment_in(state)
    order = order_with(payment)
    effect = take_in(order, REPORTS[verdict])
    outcome = (effect.finding, payment.state, effect.news)
    if (state, verdict) in CHANGES:
        assert outcome == CHANGES[state, verdict]
    elif (state, verdict) in CONTRADICTIONS:
        assert outcome == (Finding.CONTRADICTION, state, News.NOTHING)
    else:
        assert outcome == (Finding.NOTHING_NEW, state, News.NOTHING)
    assert (effect.refund is not None) == (outcome == GIVING_BACK)


@pytest.mark.parametrize(("state", "verdict"), list(product(State, Verdict)))
def test_saying_it_again_changes_nothing(state: State, verdict: Verdict) -> None:
    order = order_with(payment_in(state))
    take_in(order, REPORTS[verdict])
    again = take_in(order, REPORTS[verdict])
    assert again.finding in (Finding.NOTHING_NEW, Finding.CONTRADICTION)
    assert (again.news, again.entry, again.refund) == (News.NOTHING, None, None)


@pytest.mark.parametrize(("state", "verdict"), list(product(State, Verdict)))
def test_what_is_news_can_be_told_without_deciding(state: State, verdict: Verdict) -> None:
    payment = payment_in(state)
    news = is_news(payment.standing, REPORTS[verdict])
    effect = take_in(order_with(payment), REPORTS[verdict])
    assert news == (effect.finding is not Finding.NOTHING_NEW)


def test_a_capture_is_booked_once_with_its_charge() -> None:
    payment = payment_in(State.REQUESTED)
    effect = take_in(order_with(payment), captured(ORDER_ID))
    assert effect.entry == LedgerEntry(
        PAYMENT_ID, 0, Kind.CAPTURE, Account.PROVIDER, Account.CUSTOMERS, AMOUNT_CENTS
    )
    assert (payment.charge_id, payment.captured_cents) == ("ch_41_1", AMOUNT_CENTS)
    assert (payment.token, payment.next_check_at) == (None, None)


@pytest.mark.parametrize("state", [State.CANCELING, State.CANCELED, State.FAILED])
def test_money_that_nobody_waits_for_goes_back_in_full(state: State) -> None:
    payment = payment_in(state)
    effect = take_in(order_with(payment), captured(ORDER_ID))
    assert effect.entry is not None
    assert effect.refund == Refund(
        id=100,
        payment_id=PAYMENT_ID,
        order_id=ORDER_ID,
        attempt=1,
        key=f"feira-refund-{PAYMENT_ID}",
        charge_id="ch_41_1",
        amount_cents=AMOUNT_CENTS,
        reason="late_capture" if state is State.FAILED else "canceled",
        requested_at=START,
        next_check_at=START + timedelta(seconds=CHECK_SECONDS_MIN),
    )
    assert (payment.refunding_cents, payment.kept_cents) == (AMOUNT_CENTS, 0)


def test_a_request_that_crossed_its_cancellation_in_another_process_is_not_kept() -> None:
    payment = payment_in(State.REQUESTED)
    effect = take_in(order_with(payment, canceled=True), captured(ORDER_ID))
    assert (payment.state, effect.news) == (State.REFUNDING, News.NOTHING)


@pytest.mark.parametrize("cents", [1, AMOUNT_CENTS - 1, AMOUNT_CENTS + 1])
def test_another_amount_than_asked_for_is_recorded_and_not_confirmed(cents: int) -> None:
    payment = payment_in(State.REQUESTED)
    order = order_with(payment)
    effect = take_in(order, captured(ORDER_ID, cents=cents))
    assert (payment.state, effect.news) == (State.REFUNDING, News.NOTHING)
    assert effect.entry is not None
    assert effect.refund is not None
    assert effect.entry.amount_cents == effect.refund.amount_cents == cents
    told = record_refund(order, effect.refund, RefundReport(effect.refund.key, True), START)
    assert (payment.state, told.news) == (State.REFUNDED, News.FAILED)
    assert payment.reason == "amount_mismatch"


def test_a_capture_of_nothing_is_a_mismatch_without_money() -> None:
    payment = payment_in(State.REQUESTED)
    effect = take_in(order_with(payment), captured(ORDER_ID, cents=0))
    assert (payment.state, effect.news) == (State.REFUNDED, News.FAILED)
    assert (effect.entry, effect.refund) == (None, None)


@pytest.mark.parametrize("state", sorted(TAKEN))
def test_a_second_charge_or_another_amount_contradicts(state: State) -> None:
    for report in (
        captured(ORDER_ID, cents=AMOUNT_CENTS + 1),
        captured(ORDER_ID)._replace(charge_id="ch_other"),
    ):
        payment = payment_in(state)
        assert is_news(payment.standing, report)
        assert take_in(order_with(payment), report).finding is Finding.CONTRADICTION
        assert payment.captured_cents == AMOUNT_CENTS


def test_a_charge_that_nobody_asked_for_is_said_so() -> None:
    assert take_in(order_with(), captured(ORDER_ID)).finding is Finding.UNKNOWN_PAYMENT


# --- requests ------------------------------------------------------------------------------------


ANSWERS = {
    State.REQUESTED: News.NOTHING,
    State.CANCELING: News.NOTHING,
    State.CAPTURED: News.CONFIRMED,
    State.FAILED: News.FAILED,
    State.CANCELED: News.CANCELED,
    State.REFUNDING: News.NOTHING,
    State.REFUNDED: News.FAILED,
}


@pytest.mark.parametrize("state", State)
def test_a_repeat_is_answered_with_what_became_of_it(state: State) -> None:
    order = order_with(payment_in(state))
    assert not may_begin(order, 1)
    assert answer_to(order, 1)[0] is ANSWERS[state]


@pytest.mark.parametrize("state", State)
def test_a_further_attempt_never_takes_money_twice(state: State) -> None:
    payment = payment_in(state)
    order = order_with(payment)
    assert may_begin(order, 2) == (state in (State.FAILED, State.REFUNDED))
    news, about = answer_to(order, 2)
    if state is State.CAPTURED:
        assert (news, about) == (News.CONFIRMED, payment)
    elif state is not State.CANCELED:
        assert news is News.NOTHING


@pytest.mark.parametrize("state", State)
def test_in_a_canceled_order_nothing_begins(state: State) -> None:
    order = order_with(payment_in(state), canceled=True)
    assert not may_begin(order, 1)
    assert not may_begin(order, 2)
    assert answer_to(order, 2)[0] is (News.CANCELED if state in EMPTY else News.NOTHING)


def new_payment(**changes: object) -> Payment:
    payment = Payment(PAYMENT_ID, ORDER_ID, 1, AMOUNT_CENTS, "card", "tok_visa", START)
    for name, value in changes.items():
        setattr(payment, name, value)
    return payment


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"method": "pix"}, "unsupported_method"),
        ({"token": ""}, "invalid_token"),
        ({"token": "x" * 201}, "invalid_token"),
    ],
)
def test_what_cannot_be_charged_fails_at_once(changes: dict[str, str], reason: str) -> None:
    order, payment = order_with(), new_payment(**changes)
    begin(order, payment, START)
    assert (payment.state, payment.reason) == (State.FAILED, reason)
    assert answer_to(order, 1) == (News.FAILED, payment)


def test_an_earlier_attempt_than_the_last_comes_too_late() -> None:
    order = order_with(payment_in(State.FAILED, attempt=2))
    payment = new_payment()
    assert may_begin(order, 1)
    begin(order, payment, START)
    assert (payment.state, payment.reason) == (State.FAILED, "superseded")


def test_nothing_to_pay_is_paid_without_a_provider() -> None:
    order, payment = order_with(), new_payment(amount_cents=0)
    begin(order, payment, START)
    assert answer_to(order, 1) == (News.CONFIRMED, payment)
    assert cancel(order, lambda: 100, START) == ([payment], [])
    assert cancellation_news(order) is News.CANCELED


def test_an_attempt_waits_for_its_answer_from_the_moment_it_is_noted() -> None:
    order, payment = order_with(), new_payment()
    begin(order, payment, START)
    assert payment.state is State.REQUESTED
    assert payment.next_check_at == START + timedelta(seconds=CHECK_SECONDS_MIN)


# --- cancellations -------------------------------------------------------------------------------


UNDONE = {State.REQUESTED: State.CANCELING, State.CAPTURED: State.REFUNDING}


@pytest.mark.parametrize("state", State)
def test_every_state_meets_a_cancellation(state: State) -> None:
    payment = payment_in(state)
    order = order_with(payment)
    changed, refunds = cancel(order, lambda: 100, START)
    assert order.canceled
    assert payment.state is UNDONE.get(state, state)
    assert changed == ([payment] if state in UNDONE else [])
    assert [refund.amount_cents for refund in refunds] == (
        [AMOUNT_CENTS] if state is State.CAPTURED else []
    )
    assert cancellation_news(order) is (News.CANCELED if state in EMPTY else News.NOTHING)
    assert cancel(order, lambda: 101, START) == ([], [])


def test_an_order_without_payments_is_canceled_for_good() -> None:
    order = order_with()
    assert cancel(order, lambda: 100, START) == ([], [])
    assert cancellation_news(order) is News.CANCELED
    assert not may_begin(order, 1)


def test_a_cancellation_is_told_when_the_last_money_is_back() -> None:
    late, paid = payment_in(State.FAILED), payment_in(State.CAPTURED, id=8, attempt=2)
    order = order_with(late, paid)
    numbers = count(100)
    effect = record(order, captured(ORDER_ID, 1), lambda: next(numbers), START)
    _, (refund,) = cancel(order, lambda: next(numbers), START)
    assert effect.refund is not None
    told = record_refund(order, refund, RefundReport(refund.key, True), START)
    assert told.news is News.NOTHING
    told = record_refund(order, effect.refund, RefundReport(effect.refund.key, True), START)
    assert told.news is News.CANCELED
    assert order.captured_cents == order.refunded_cents == 2 * AMOUNT_CENTS


# --- refunds -------------------------------------------------------------------------------------


def refunding() -> tuple[OrderPayments, Payment, Refund]:
    payment = payment_in(State.CAPTURED)
    order = order_with(payment)
    _, (refund,) = cancel(order, lambda: 100, START)
    return order, payment, refund


def test_money_that_is_back_is_booked_and_told() -> None:
    order, payment, refund = refunding()
    effect = record_refund(order, refund, RefundReport(refund.key, True), START)
    assert effect.news is News.CANCELED
    assert effect.entry == LedgerEntry(
        PAYMENT_ID, 100, Kind.REFUND, Account.CUSTOMERS, Account.PROVIDER, AMOUNT_CENTS
    )
    assert (payment.state, payment.refunded_cents, payment.refunding_cents) == (
        State.REFUNDED,
        AMOUNT_CENTS,
        0,
    )
    assert (refund.state, refund.next_check_at) == (RefundState.SUCCEEDED, None)
    again = record_refund(order, refund, RefundReport(refund.key, True), START)
    assert again.finding is Finding.NOTHING_NEW
    late_failure = record_refund(order, refund, RefundReport(refund.key, False), START)
    assert late_failure.finding is Finding.NOTHING_NEW


def test_a_refused_try_is_followed_by_another_under_its_own_key_ever_more_seldom() -> None:
    order, payment, refund = refunding()
    keys, now = [refund.try_key], START
    for _ in range(8):
        assert refund.next_check_at is not None
        now = refund.next_check_at
        failed = RefundReport(refund.try_key, False, "no_funds")
        effect = record_refund(order, refund, failed, now)
        assert (effect.finding, effect.news) == (Finding.RECORDED, News.NOTHING)
        assert record_refund(order, refund, failed, now).finding is Finding.NOTHING_NEW
        keys.append(refund.try_key)
    assert keys[:3] == ["feira-refund-7", "feira-refund-7~1", "feira-refund-7~2"]
    assert len(set(keys)) == len(keys)
    assert refund.next_check_at == now + timedelta(seconds=CHECK_SECONDS_MAX)
    assert (refund.failures, refund.failure_reason) == (8, "no_funds")
    assert payment.state is State.REFUNDING
    effect = record_refund(order, refund, RefundReport(refund.try_key, True), now)
    assert (effect.news, refund.failure_reason) == (News.CANCELED, None)


def test_an_earlier_try_that_went_through_after_all_counts() -> None:
    order, payment, refund = refunding()
    record_refund(order, refund, RefundReport(refund.key, False), START)
    record_refund(order, refund, RefundReport(refund.key, True), START)
    assert payment.state is State.REFUNDED
