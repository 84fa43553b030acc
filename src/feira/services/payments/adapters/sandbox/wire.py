"""What is said to the sandbox and heard from it, as JSON. Fields that are not read are ignored."""

from typing import Final

import msgspec

from feira.services.payments.domain.charge import ChargeReport, Verdict
from feira.services.payments.domain.payment import Payment, attempt_of_key
from feira.services.payments.domain.refund import Refund, RefundReport

CURRENCY: Final = "BRL"
REFUSED: Final = "refused_by_provider"


class ChargeBody(msgspec.Struct, frozen=True, gc=False):
    idempotency_key: str
    order_id: int
    amount_cents: int
    token: str
    currency: str = CURRENCY
    capture: bool = True


class ChargesBody(msgspec.Struct, frozen=True, gc=False):
    charges: list[ChargeBody]


class KeysBody(msgspec.Struct, frozen=True, gc=False):
    idempotency_keys: list[str]


class KeyBody(msgspec.Struct, frozen=True, gc=False):
    idempotency_key: str


class RefundBody(msgspec.Struct, frozen=True, gc=False):
    idempotency_key: str
    charge_id: str
    amount_cents: int
    reason: str


class RefundsBody(msgspec.Struct, frozen=True, gc=False):
    refunds: list[RefundBody]


class ChargeLine(msgspec.Struct, frozen=True, gc=False):
    """A charge, or (`error`) why there is none."""

    idempotency_key: str
    id: str | None = None
    status: str = ""
    captured_cents: int = 0
    decline_reason: str | None = None
    error: str | None = None


class ChargesAnswer(msgspec.Struct, frozen=True):
    charges: list[ChargeLine]


class CancellationAnswer(msgspec.Struct, frozen=True):
    """`canceled`: this key holds no money and never will. Otherwise `charge` has taken it."""

    idempotency_key: str
    canceled: bool
    charge: ChargeLine | None = None


class RefundLine(msgspec.Struct, frozen=True, gc=False):
    """A refund, or (`error`) why there is none."""

    idempotency_key: str
    status: str = ""
    failure_reason: str | None = None
    error: str | None = None


class RefundsAnswer(msgspec.Struct, frozen=True):
    refunds: list[RefundLine]


class Event(msgspec.Struct, frozen=True):
    type: str
    data: msgspec.Raw


class Webhook(msgspec.Struct, frozen=True):
    type: str
    events: list[Event] = []


_VERDICTS: Final = {verdict.value: verdict for verdict in Verdict if verdict != Verdict.UNKNOWN}


def charge_body(payment: Payment) -> ChargeBody:
    assert payment.token is not None, f"payment {payment.id} is settled"
    return ChargeBody(payment.key, payment.order_id, payment.amount_cents, payment.token)


def refund_body(refund: Refund) -> RefundBody:
    return RefundBody(refund.try_key, refund.charge_id, refund.amount_cents, refund.reason)


def charge_report(line: ChargeLine) -> ChargeReport | None:
    """None: it is not one of ours, or it says nothing about what became of the charge."""
    attempt = attempt_of_key(line.idempotency_key)
    verdict = _VERDICTS.get(line.status)
    if attempt is None or verdict is None:
        return None
    return ChargeReport(*attempt, verdict, line.id, line.captured_cents, line.decline_reason)


def refund_report(line: RefundLine) -> RefundReport | None:
    """None: it says nothing about what became of the refund."""
    if line.status not in ("succeeded", "failed"):
        return None
    return RefundReport(line.idempotency_key, line.status == "succeeded", line.failure_reason)


def unknown(payment: Payment) -> ChargeReport:
    return ChargeReport(payment.order_id, payment.attempt, Verdict.UNKNOWN)


def voided(payment: Payment) -> ChargeReport:
    return ChargeReport(payment.order_id, payment.attempt, Verdict.VOIDED)


def refused_charge(payment: Payment) -> ChargeReport:
    """The provider does not take the request as it is: no charge was made of it."""
    return ChargeReport(payment.order_id, payment.attempt, Verdict.DECLINED, reason=REFUSED)


def refused_refund(refund: Refund) -> RefundReport:
    return RefundReport(refund.try_key, succeeded=False, reason=REFUSED)
