"""A refund: money on its way back.

One key gives money back at most once. A try that the provider refuses for good is followed, after
a while, by another one under a key of its own; that goes on until the money is back.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from feira.kernel.errors import Category, Refused
from feira.services.payments.domain.payment import CHECK_SECONDS_MIN, Payment, State, next_check

REFUND_PREFIX: Final = "feira-refund-"
TRY_MARK: Final = "~"

BY_ADMIN: Final = "requested_by_admin"

NOT_CAPTURED: Final = Refused(
    Category.CONFLICT, "payment_not_captured", "No money of this payment is kept."
)
TOO_MUCH: Final = Refused(
    Category.CONFLICT, "refund_exceeds_captured", "That is more than is kept of this payment."
)


class RefundState(StrEnum):
    REQUESTED = "requested"
    SUCCEEDED = "succeeded"


@dataclass(slots=True)
class Refund:
    """`order_id` and `attempt` name the payment it belongs to."""

    id: int
    payment_id: int
    order_id: int
    attempt: int
    key: str
    charge_id: str
    amount_cents: int
    reason: str
    requested_at: datetime
    state: RefundState = RefundState.REQUESTED
    failures: int = 0
    """How many tries the provider has refused for good."""
    failure_reason: str | None = None
    next_check_at: datetime | None = None

    @property
    def try_key(self) -> str:
        """The idempotency key of the present try."""
        return f"{self.key}{TRY_MARK}{self.failures}" if self.failures else self.key

    def postpone_check(self, now: datetime) -> None:
        self.next_check_at = next_check(self.requested_at, now)


class RefundReport(NamedTuple):
    """What the provider says became of a try, by that try's key."""

    key: str
    succeeded: bool
    reason: str | None = None


def refund_key(try_key: str) -> str:
    """The key of the refund that a try belongs to."""
    return try_key.partition(TRY_MARK)[0]


def give_back(
    payment: Payment, reason: str, new_id: Callable[[], int], now: datetime
) -> Refund | None:
    """Give back all that is kept of a payment, once. None: nothing is left that has to be asked."""
    rest_cents = payment.kept_cents
    all_is_back = payment.refunded_cents == payment.captured_cents
    payment.settle(State.REFUNDED if all_is_back else State.REFUNDING)
    payment.reason = payment.reason or reason
    if not rest_cents:
        return None
    return _refund(payment, f"{REFUND_PREFIX}{payment.id}", rest_cents, reason, new_id(), now)


def request_refund(
    payment: Payment, amount_cents: int | None, new_id: Callable[[], int], now: datetime
) -> Refund | Refused:
    """Give back a part of what is kept, or (`amount_cents` None) all that is left."""
    if payment.state is not State.CAPTURED:
        return NOT_CAPTURED
    if amount_cents is None:
        amount_cents = payment.kept_cents
    if not 0 < amount_cents <= payment.kept_cents:
        return TOO_MUCH
    refund_id = new_id()
    key = f"{REFUND_PREFIX}{payment.id}-{refund_id}"
    return _refund(payment, key, amount_cents, BY_ADMIN, refund_id, now)


def _refund(
    payment: Payment, key: str, amount_cents: int, reason: str, refund_id: int, now: datetime
) -> Refund:
    assert payment.charge_id is not None, f"payment {payment.id} has money and no charge"
    payment.refunding_cents += amount_cents
    return Refund(
        id=refund_id,
        payment_id=payment.id,
        order_id=payment.order_id,
        attempt=payment.attempt,
        key=key,
        charge_id=payment.charge_id,
        amount_cents=amount_cents,
        reason=reason,
        requested_at=now,
        next_check_at=now + timedelta(seconds=CHECK_SECONDS_MIN),
    )
