"""What payments tells the world: from a decision's news to its contract."""

from feira.contracts.message import Message
from feira.contracts.payments import (
    PaymentCanceled,
    PaymentConfirmed,
    PaymentFailed,
    PaymentRefunded,
)
from feira.services.payments.domain.order_payments import News, OrderPayments
from feira.services.payments.domain.payment import Payment
from feira.services.payments.domain.refund import Refund

_GIVEN_BACK = "refunded"


def told(
    news: News, order: OrderPayments, payment: Payment | None, refund: Refund | None = None
) -> list[Message]:
    """The messages of `news`; `payment` (and `refund`) are what it is about."""
    if news is News.NOTHING:
        return []
    if news is News.CANCELED:
        return [payment_canceled(order)]
    assert payment is not None
    if news is News.REFUNDED:
        assert refund is not None
        return [payment_refunded(payment, refund)]
    return [payment_confirmed(payment) if news is News.CONFIRMED else payment_failed(payment)]


def payment_confirmed(payment: Payment) -> PaymentConfirmed:
    return PaymentConfirmed(
        order_id=payment.order_id,
        payment_id=payment.id,
        attempt=payment.attempt,
        amount_cents=payment.captured_cents,
    )


def payment_failed(payment: Payment) -> PaymentFailed:
    return PaymentFailed(
        order_id=payment.order_id,
        payment_id=payment.id,
        attempt=payment.attempt,
        reason=payment.reason or _GIVEN_BACK,
    )


def payment_canceled(order: OrderPayments) -> PaymentCanceled:
    return PaymentCanceled(
        order_id=order.order_id,
        captured_cents=order.captured_cents,
        refunded_cents=order.refunded_cents,
    )


def payment_refunded(payment: Payment, refund: Refund) -> PaymentRefunded:
    return PaymentRefunded(
        order_id=payment.order_id,
        payment_id=payment.id,
        refund_id=refund.id,
        amount_cents=refund.amount_cents,
        captured_cents=payment.captured_cents,
        refunded_cents=payment.refunded_cents,
    )
