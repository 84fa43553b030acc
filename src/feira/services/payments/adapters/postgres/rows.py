"""Between payments, refunds and their rows."""

from typing import Any, Final

from feira.services.payments.domain.payment import Payment, State
from feira.services.payments.domain.refund import Refund, RefundState

PAYMENT_COLUMNS: Final = """
id, order_id, attempt, amount_cents, method, token, requested_at, state, charge_id, reason,
captured_cents, refunded_cents, refunding_cents, correlation_id, next_check_at
"""
REFUND_COLUMNS: Final = """
id, payment_id, order_id, attempt, key, charge_id, amount_cents, reason, requested_at, state,
failures, failure_reason, next_check_at
"""
NO_MONEY_YET: Final = (0, 0, 0)
"""Captured, refunded, being refunded."""


def payment_from(row: Any) -> Payment:
    values = list(row)
    values[7] = State(values[7])
    return Payment(*values)


def inserted_payment(payment: Payment) -> tuple[Any, ...]:
    """A new row: a payment as it is begun, before any money."""
    return (
        payment.id,
        payment.order_id,
        payment.attempt,
        payment.amount_cents,
        payment.method,
        payment.token,
        payment.requested_at,
        payment.state,
        payment.reason,
        payment.next_check_at,
        payment.correlation_id,
        *NO_MONEY_YET,
    )


def updated_payment(payment: Payment) -> tuple[Any, ...]:
    """The columns of UPDATE, the id first. A token is never changed, only forgotten."""
    return (
        payment.id,
        payment.state,
        payment.charge_id,
        payment.reason,
        payment.captured_cents,
        payment.refunded_cents,
        payment.refunding_cents,
        payment.next_check_at,
    )


def refund_from(row: Any) -> Refund:
    values = list(row)
    values[9] = RefundState(values[9])
    return Refund(*values)


def inserted_refund(refund: Refund) -> tuple[Any, ...]:
    """The columns of INSERT: what never changes, then what `updated_refund` gives."""
    return (
        refund.payment_id,
        refund.order_id,
        refund.attempt,
        refund.key,
        refund.charge_id,
        refund.amount_cents,
        refund.reason,
        refund.requested_at,
        *updated_refund(refund),
    )


def updated_refund(refund: Refund) -> tuple[Any, ...]:
    """The columns of UPDATE, the id first."""
    return (
        refund.id,
        refund.state,
        refund.failures,
        refund.failure_reason,
        refund.next_check_at,
    )
