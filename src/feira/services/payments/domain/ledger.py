"""The ledger: double entry, one row a movement, only ever added to.

`provider` is what the provider holds for the shop, `customers` what customers have paid it. Both
balances are captured − refunded at any time, with opposite signs.
"""

from enum import StrEnum
from typing import Final, NamedTuple

from feira.services.payments.domain.payment import Payment
from feira.services.payments.domain.refund import Refund

NO_REFUND: Final = 0


class Account(StrEnum):
    PROVIDER = "provider"
    CUSTOMERS = "customers"


class Kind(StrEnum):
    CAPTURE = "capture"
    REFUND = "refund"


class LedgerEntry(NamedTuple):
    """Unique by `payment_id` and `refund_id`, so that no money can be booked twice."""

    payment_id: int
    refund_id: int
    """`NO_REFUND` for the capture."""
    kind: Kind
    debit: Account
    credit: Account
    amount_cents: int


def capture_entry(payment: Payment) -> LedgerEntry:
    return LedgerEntry(
        payment.id,
        NO_REFUND,
        Kind.CAPTURE,
        Account.PROVIDER,
        Account.CUSTOMERS,
        payment.captured_cents,
    )


def refund_entry(refund: Refund) -> LedgerEntry:
    return LedgerEntry(
        refund.payment_id,
        refund.id,
        Kind.REFUND,
        Account.CUSTOMERS,
        Account.PROVIDER,
        refund.amount_cents,
    )
