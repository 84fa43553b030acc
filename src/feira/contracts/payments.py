"""What `payments` tells the world. Topic `payments.events`, keyed by the order."""

from typing import ClassVar

from feira.contracts.message import Message
from feira.contracts.units import Ordinal

TOPIC = "payments.events"


class PaymentConfirmed(Message, frozen=True, kw_only=True):
    """The money of this attempt is captured."""

    TYPE: ClassVar[str] = "feira.payments.payment_confirmed.v1"
    TOPIC: ClassVar[str] = TOPIC
    KEY: ClassVar[str] = "order_id"

    order_id: int
    payment_id: int
    attempt: Ordinal
    amount_cents: int


class PaymentFailed(Message, frozen=True, kw_only=True):
    """This attempt took no money and will take none."""

    TYPE: ClassVar[str] = "feira.payments.payment_failed.v1"
    TOPIC: ClassVar[str] = TOPIC
    KEY: ClassVar[str] = "order_id"

    order_id: int
    payment_id: int
    attempt: Ordinal
    reason: str


class PaymentCanceled(Message, frozen=True, kw_only=True):
    """Nothing is kept for this order, and nothing will be taken.

    `captured_cents` was taken before, `refunded_cents` of it (all) has been given back.
    """

    TYPE: ClassVar[str] = "feira.payments.payment_canceled.v1"
    TOPIC: ClassVar[str] = TOPIC
    KEY: ClassVar[str] = "order_id"

    order_id: int
    captured_cents: int
    refunded_cents: int


class PaymentRefunded(Message, frozen=True, kw_only=True):
    """An administrator's refund has gone through. The order stays as it is.

    `amount_cents` is this refund's; `captured_cents` and `refunded_cents` are the payment's, after
    it. Of several the one with the highest `refunded_cents` is the latest.
    """

    TYPE: ClassVar[str] = "feira.payments.payment_refunded.v1"
    TOPIC: ClassVar[str] = TOPIC
    KEY: ClassVar[str] = "order_id"

    order_id: int
    payment_id: int
    refund_id: int
    amount_cents: int
    captured_cents: int
    refunded_cents: int
