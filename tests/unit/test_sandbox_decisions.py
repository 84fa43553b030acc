"""What the payment sandbox decides, without books or network."""

from typing import get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import ValidationError, convert
from msgspec.structs import replace

from feira.sandbox.decisions import (
    BEHAVIOURS,
    Answer,
    RecordedCharge,
    Refusal,
    answer_again,
    behaviour_of,
    decide_canceled_charge,
    decide_capture,
    decide_charge,
    decide_refund,
    decide_void,
    recorded_token,
    refund_again,
)
from feira.sandbox.messages import (
    Charge,
    ChargeQuery,
    ChargeRequest,
    ChargeStatus,
    KeyMismatch,
    RefundRequest,
)

NOW = "2025-11-28T03:00:00.000Z"
STATUSES: tuple[ChargeStatus, ...] = get_args(ChargeStatus)


def charge_request(token: str = "tok_visa", *, capture: bool = True) -> ChargeRequest:
    return ChargeRequest(
        idempotency_key="payment-1",
        order_id=41,
        amount_cents=19_99,
        currency="BRL",
        token=token,
        capture=capture,
    )


def charge(token: str = "tok_visa", *, capture: bool = True) -> Charge:
    request = charge_request(token, capture=capture)
    return decide_charge(request, charge_id="ch_1", created_at=NOW)


def charge_in(status: ChargeStatus) -> Charge:
    match status:
        case "captured":
            return charge()
        case "authorized":
            return charge(capture=False)
        case "declined":
            return charge("tok_declined")
        case "voided":
            return decide_canceled_charge(charge_request(), charge_id="ch_1", created_at=NOW)


def refund_request(amount_cents: int = 19_99) -> RefundRequest:
    return RefundRequest(idempotency_key="r-1", charge_id="ch_1", amount_cents=amount_cents)


def recorded(a_charge: Charge, token: str = "tok_visa") -> RecordedCharge:
    return RecordedCharge(charge=a_charge, token=token, capture=True)


@pytest.mark.parametrize("token", sorted(BEHAVIOURS.keys() - {"tok_declined"}))
def test_a_good_token_captures_the_whole_amount(token: str) -> None:
    made = charge(token)
    assert (made.status, made.captured_cents, made.decline_reason) == ("captured", 19_99, None)


@pytest.mark.parametrize("token", sorted(BEHAVIOURS.keys() - {"tok_declined"}))
def test_a_good_token_without_capture_only_authorizes(token: str) -> None:
    made = charge(token, capture=False)
    assert (made.status, made.captured_cents) == ("authorized", 0)


@pytest.mark.parametrize(
    ("token", "reason"), [("tok_declined", "card_declined"), ("tok_gold", "unknown_token")]
)
def test_other_tokens_are_declined_with_a_reason(token: str, reason: str) -> None:
    made = charge(token)
    assert (made.status, made.captured_cents, made.decline_reason) == ("declined", 0, reason)


def test_only_tok_slow_is_decided_late_and_only_tok_timeout_never_answers() -> None:
    answers = {token: behaviour.answer for token, behaviour in BEHAVIOURS.items()}
    assert {t for t, answer in answers.items() if answer is Answer.LATE} == {"tok_slow"}
    assert {t for t, answer in answers.items() if answer is Answer.NEVER} == {"tok_timeout"}
    assert behaviour_of("tok_timeout").webhook_held


def test_a_strange_token_is_not_kept_since_it_may_be_a_card_number() -> None:
    assert recorded_token("4111111111111111") == "unknown"
    assert recorded_token("tok_visa") == "tok_visa"


def test_the_same_key_and_request_give_the_same_charge() -> None:
    first = charge()
    assert answer_again(recorded(first), charge_request()) is first


@pytest.mark.parametrize(
    "other",
    [
        {"order_id": 42},
        {"order_id": "41"},
        {"amount_cents": 20_00},
        {"currency": "USD"},
        {"token": "tok_declined"},
        {"capture": False},
    ],
)
def test_the_same_key_with_another_request_is_a_mismatch(other: dict[str, object]) -> None:
    request = replace(charge_request(), **other)
    assert answer_again(recorded(charge()), request) == KeyMismatch(idempotency_key="payment-1")


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_answers_a_capture(status: ChargeStatus) -> None:
    before = charge_in(status)
    after = decide_capture(before)
    match status:
        case "authorized":
            assert after == replace(before, status="captured", captured_cents=19_99)
        case "captured":
            assert after is before
        case "declined":
            assert after == Refusal(code="charge_declined", charge=before)
        case "voided":
            assert after == Refusal(code="charge_voided", charge=before)


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_answers_a_void(status: ChargeStatus) -> None:
    before = charge_in(status)
    after = decide_void(before)
    match status:
        case "authorized":
            assert after == replace(before, status="voided")
        case "voided":
            assert after is before
        case "captured":
            assert after == Refusal(code="charge_captured", charge=before)
        case "declined":
            assert after == Refusal(code="charge_declined", charge=before)


@pytest.mark.parametrize("status", STATUSES)
def test_only_captured_money_is_refunded(status: ChargeStatus) -> None:
    refund = decide_refund(refund_request(), charge_in(status), refund_id="re_1", created_at=NOW)
    if status == "captured":
        assert (refund.status, refund.failure_reason) == ("succeeded", None)
    else:
        assert (refund.status, refund.failure_reason) == ("failed", "charge_not_captured")


def test_a_refund_of_an_unknown_charge_is_refused() -> None:
    refund = decide_refund(refund_request(), None, refund_id="re_1", created_at=NOW)
    assert (refund.status, refund.failure_reason) == ("failed", "unknown_charge")


@example([19_99, 1])
@example([20_00])
@given(st.lists(st.integers(min_value=1, max_value=25_00), max_size=8))
def test_refunds_together_never_exceed_what_was_captured(amounts_cents: list[int]) -> None:
    a_charge = charge()
    for amount_cents in amounts_cents:
        refund = decide_refund(
            refund_request(amount_cents), a_charge, refund_id="re_1", created_at=NOW
        )
        fits = a_charge.refunded_cents + amount_cents <= a_charge.captured_cents
        assert refund.status == ("succeeded" if fits else "failed")
        if fits:
            refunded_cents = a_charge.refunded_cents + amount_cents
            a_charge = replace(a_charge, refunded_cents=refunded_cents)
    assert 0 <= a_charge.refunded_cents <= a_charge.captured_cents


def test_a_refunds_key_with_another_amount_is_a_mismatch() -> None:
    refund = decide_refund(refund_request(5_00), charge(), refund_id="re_1", created_at=NOW)
    assert refund_again(refund, refund_request(5_00)) is refund
    assert refund_again(refund, refund_request(6_00)) == KeyMismatch(idempotency_key="r-1")


@pytest.mark.parametrize(
    "wrong",
    [
        {"idempotency_key": "a\x00b"},
        {"idempotency_key": ""},
        {"idempotency_key": "k" * 201},
        {"order_id": "pedido-à"},
        {"order_id": 2**53},
        {"order_id": True},
        {"amount_cents": 0},
        {"amount_cents": 19.99},
        {"currency": "R$\n"},
    ],
)
def test_a_request_out_of_bounds_is_not_a_request(wrong: dict[str, object]) -> None:
    fields = {
        "idempotency_key": "payment-1",
        "order_id": 41,
        "amount_cents": 19_99,
        "currency": "BRL",
        "token": "tok_visa",
    }
    assert convert(fields, ChargeRequest) == charge_request()
    with pytest.raises(ValidationError):
        convert(fields | wrong, ChargeRequest)


def test_a_query_with_a_nul_in_a_key_is_not_a_query() -> None:
    with pytest.raises(ValidationError, match="printable ASCII"):
        convert({"idempotency_keys": ["fine", "not\x00fine"]}, ChargeQuery)
