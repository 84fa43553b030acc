"""What the payments API shows."""

import msgspec

from feira.chassis.http.answers import amount
from feira.services.payments.domain.payment import Payment
from feira.services.payments.domain.refund import Refund


class PaymentView(msgspec.Struct, kw_only=True):
    id: int
    order_id: int
    attempt: int
    method: str
    status: str
    amount: float
    captured: float
    refunded: float
    refunding: float
    reason: str | None
    requested_at: str


class PaymentList(msgspec.Struct, kw_only=True):
    items: list[PaymentView]
    total: int
    page: int
    limit: int


class RefundView(msgspec.Struct, kw_only=True):
    id: int
    payment_id: int
    order_id: int
    amount: float
    status: str


def payment_view(payment: Payment) -> PaymentView:
    return PaymentView(
        id=payment.id,
        order_id=payment.order_id,
        attempt=payment.attempt,
        method=payment.method,
        status=payment.state,
        amount=amount(payment.amount_cents),
        captured=amount(payment.captured_cents),
        refunded=amount(payment.refunded_cents),
        refunding=amount(payment.refunding_cents),
        reason=payment.reason,
        requested_at=payment.requested_at.isoformat(),
    )


def refund_view(refund: Refund) -> RefundView:
    return RefundView(
        id=refund.id,
        payment_id=refund.payment_id,
        order_id=refund.order_id,
        amount=amount(refund.amount_cents),
        status=refund.state,
    )
