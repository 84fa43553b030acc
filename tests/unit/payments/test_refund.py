"""Refunds: never more than is kept, each under a key of its own."""

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feira.contracts.payments import PaymentRefunded
from feira.kernel.errors import Refused
from feira.services.payments.application.publishing import told
from feira.services.payments.domain.order_payments import News, cancel, record_refund
from feira.services.payments.domain.payment import State, attempt_of_key
from feira.services.payments.domain.refund import (
    NOT_CAPTURED,
    TOO_MUCH,
    Refund,
    RefundReport,
    refund_key,
    request_refund,
)
from tests.unit.payments.test_order_payments import order_with, payment_in
from tests.unit.payments.world import AMOUNT_CENTS, START


@given(amounts=st.lists(st.integers(-1, AMOUNT_CENTS + 1), max_size=12))
def test_never_more_is_given_back_than_was_taken(amounts: list[int]) -> None:
    payment, numbers = payment_in(State.CAPTURED), count(100)
    order, given_cents = order_with(payment), 0
    for amount_cents in amounts:
        outcome = request_refund(payment, amount_cents, lambda: next(numbers), START)
        allowed = 0 < amount_cents <= AMOUNT_CENTS - given_cents
        assert isinstance(outcome, Refund) == allowed or payment.state is State.REFUNDED
        if isinstance(outcome, Refund):
            given_cents += amount_cents
            record_refund(order, outcome, RefundReport(outcome.key, True), START)
        assert payment.refunded_cents == given_cents <= AMOUNT_CENTS
    assert (payment.state is State.REFUNDED) == (given_cents == AMOUNT_CENTS)


def test_without_an_amount_all_that_is_left_goes_back() -> None:
    payment, numbers = payment_in(State.CAPTURED), count(100)
    first = request_refund(payment, 3_00, lambda: next(numbers), START)
    rest = request_refund(payment, None, lambda: next(numbers), START)
    assert isinstance(first, Refund)
    assert isinstance(rest, Refund)
    assert (first.key, rest.key) == ("feira-refund-7-100", "feira-refund-7-101")
    assert (first.amount_cents, rest.amount_cents) == (3_00, AMOUNT_CENTS - 3_00)
    assert request_refund(payment, None, lambda: next(numbers), START) == TOO_MUCH


@pytest.mark.parametrize("state", sorted(set(State) - {State.CAPTURED}))
def test_only_kept_money_can_be_given_back(state: State) -> None:
    outcome = request_refund(payment_in(state), 1_00, lambda: 100, START)
    assert isinstance(outcome, Refused)
    assert outcome == NOT_CAPTURED


def test_a_cancellation_gives_back_what_no_refund_has() -> None:
    payment, numbers = payment_in(State.CAPTURED), count(100)
    order = order_with(payment)
    part = request_refund(payment, 3_00, lambda: next(numbers), START)
    _, (rest,) = cancel(order, lambda: next(numbers), START)
    assert isinstance(part, Refund)
    assert rest.amount_cents == AMOUNT_CENTS - 3_00
    assert record_refund(order, rest, RefundReport(rest.key, True), START).news is News.NOTHING
    assert not order.at_rest
    assert record_refund(order, part, RefundReport(part.key, True), START).news is News.CANCELED
    assert order.at_rest


@pytest.mark.parametrize(
    ("amount_cents", "state"), [(None, State.REFUNDED), (3_00, State.CAPTURED)]
)
def test_a_refund_by_a_person_is_told_to_those_who_show_it(
    amount_cents: int | None, state: State
) -> None:
    payment = payment_in(State.CAPTURED)
    refund = request_refund(payment, amount_cents, lambda: 100, START)
    assert isinstance(refund, Refund)
    report = RefundReport(refund.key, succeeded=True)
    effect = record_refund(order_with(payment), refund, report, START)
    assert (payment.state, effect.news) == (state, News.REFUNDED)
    [message] = told(effect.news, order_with(payment), payment, refund)
    assert isinstance(message, PaymentRefunded)
    assert (message.refund_id, message.amount_cents) == (100, payment.refunded_cents)
    assert (message.captured_cents, message.refunded_cents) == (AMOUNT_CENTS, refund.amount_cents)


def test_a_try_names_its_refund() -> None:
    assert refund_key("feira-refund-7~12") == refund_key("feira-refund-7") == "feira-refund-7"


@given(order_id=st.integers(1, 2**53 - 1), attempt=st.integers(1, 32_767))
def test_a_charge_key_names_its_attempt(order_id: int, attempt: int) -> None:
    payment = payment_in(State.REQUESTED, order_id=order_id, attempt=attempt)
    assert attempt_of_key(payment.key) == (order_id, attempt)


@given(key=st.text() | st.sampled_from(["feira-1", "feira-1-", "feira--1", "feira-9" * 9 + "-1"]))
def test_other_keys_are_not_ours(key: str) -> None:
    assert attempt_of_key(f"other-{key}") is None
    place = attempt_of_key(key)
    assert place is None or key == f"feira-{place[0]}-{place[1]}"


@pytest.mark.parametrize(
    "key", ["feira-refund-1", "feira-1-2-3", f"feira-{2**53}-1", "feira-1-32768", "feira-01-1"]
)
def test_keys_that_look_like_ours(key: str) -> None:
    assert attempt_of_key(key) is None
