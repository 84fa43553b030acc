"""The claim: a customer's wish for a unit of a drop, in the order of arrival.

    waiting ─► won ─► sold
                └───► lapsed (not paid, or canceled: the unit goes to the next who waits)

A claim that was refused is none.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ClaimStatus(StrEnum):
    WAITING = "waiting"
    WON = "won"
    SOLD = "sold"
    LAPSED = "lapsed"


@dataclass(slots=True)
class Claim:
    drop_id: int
    seq: int
    """The place in the order of arrival at the drop, from 1."""
    customer_id: int
    nth: int
    """Which of the customer's claims on this drop, from 1."""
    status: ClaimStatus
    arrived_at: datetime
    decided_at: datetime
    order_id: int | None = None
    queue_no: int | None = None
    """The number drawn in the queue, from 1; None if it never waited."""
    won_at: datetime | None = None
    pay_until: datetime | None = None
    settled_at: datetime | None = None
    delivery: str | None = None
    """The address as accepted, as JSON."""
    payment_method: str | None = None
    payment_token: str | None = None


@dataclass(slots=True)
class Wish:
    """What a customer asks of a drop."""

    customer_id: int
    arrived_at: datetime
    delivery: str | None = None
    payment_method: str | None = None
    payment_token: str | None = None
