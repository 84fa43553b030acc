"""What the saga hears and what it says, in its own words."""

from dataclasses import dataclass
from typing import TypeAlias

# --- heard ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StockReserved:
    pass


@dataclass(frozen=True, slots=True)
class StockInsufficient:
    pass


@dataclass(frozen=True, slots=True)
class ReservationConfirmed:
    pass


@dataclass(frozen=True, slots=True)
class ReservationReleased:
    pass


@dataclass(frozen=True, slots=True)
class PaymentSubmitted:
    attempt: int
    method: str
    token: str


@dataclass(frozen=True, slots=True)
class PaymentConfirmed:
    attempt: int
    amount_cents: int


@dataclass(frozen=True, slots=True)
class PaymentFailed:
    attempt: int
    reason: str


@dataclass(frozen=True, slots=True)
class PaymentCanceled:
    captured_cents: int
    refunded_cents: int


@dataclass(frozen=True, slots=True)
class OrderConfirmed:
    pass


@dataclass(frozen=True, slots=True)
class OrderCanceled:
    reason: str


@dataclass(frozen=True, slots=True)
class Overdue:
    """What was asked has not been answered by the saga's deadline."""


Heard: TypeAlias = (
    StockReserved
    | StockInsufficient
    | ReservationConfirmed
    | ReservationReleased
    | PaymentSubmitted
    | PaymentConfirmed
    | PaymentFailed
    | PaymentCanceled
    | OrderConfirmed
    | OrderCanceled
    | Overdue
)

# --- said ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReserveStock:
    pass


@dataclass(frozen=True, slots=True)
class ConfirmReservation:
    pass


@dataclass(frozen=True, slots=True)
class ReleaseStock:
    pass


@dataclass(frozen=True, slots=True)
class RequestPayment:
    pass


@dataclass(frozen=True, slots=True)
class CancelPayment:
    pass


@dataclass(frozen=True, slots=True)
class ConfirmOrder:
    pass


@dataclass(frozen=True, slots=True)
class CancelOrder:
    pass


@dataclass(frozen=True, slots=True)
class RecordProgress:
    pass


@dataclass(frozen=True, slots=True)
class RecordSettlement:
    pass


@dataclass(frozen=True, slots=True)
class Finish:
    pass


Said: TypeAlias = (
    ReserveStock
    | ConfirmReservation
    | ReleaseStock
    | RequestPayment
    | CancelPayment
    | ConfirmOrder
    | CancelOrder
    | RecordProgress
    | RecordSettlement
    | Finish
)
"""Wishes carry no data: what they need is in the saga when they are published."""
