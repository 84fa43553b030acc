"""What the simulated provider decides: pure functions, no clock, no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from types import MappingProxyType
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from feira.sandbox.messages import Charge, ChargeRequest, KeyMismatch, Refund, RefundRequest


class Answer(Enum):
    """When the caller hears of a charge's outcome."""

    AT_ONCE = auto()
    LATE = auto()  # decided late too: until then the key may still be canceled
    NEVER = auto()  # decided at once, and must be asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """What a test token does."""

    decline_reason: str | None = None
    answer: Answer = Answer.AT_ONCE
    webhook_copies: int = 1
    webhook_held: bool = False


BEHAVIOURS: Final[Mapping[str, Behaviour]] = MappingProxyType(
    {
        "tok_visa": Behaviour(),
        "tok_declined": Behaviour(decline_reason="card_declined"),
        "tok_slow": Behaviour(answer=Answer.LATE),
        "tok_timeout": Behaviour(answer=Answer.NEVER, webhook_held=True),
        "tok_duplicate": Behaviour(webhook_copies=3),
    }
)
UNKNOWN_TOKEN: Final = Behaviour(decline_reason="unknown_token")


def behaviour_of(token: str) -> Behaviour:
    return BEHAVIOURS.get(token, UNKNOWN_TOKEN)


def recorded_token(token: str) -> str:
    """The token as the books keep it: one that is not ours might be a card number."""
    return token if token in BEHAVIOURS else "unknown"


class RecordedCharge(Struct, frozen=True, kw_only=True, gc=False):
    """A charge with the terms it was asked under."""

    charge: Charge
    token: str
    capture: bool

    @property
    def is_cancellation(self) -> bool:
        """The key was canceled before any charge came; no charge has it yet."""
        return not self.token

    def has_terms_of(self, request: ChargeRequest) -> bool:
        charge = self.charge
        return (
            charge.order_id,
            charge.amount_cents,
            charge.currency,
            self.token,
            self.capture,
        ) == (
            request.order_id,
            request.amount_cents,
            request.currency,
            recorded_token(request.token),
            request.capture,
        )


class Refusal(Struct, frozen=True, kw_only=True):
    """A transition that the charge's state does not allow."""

    code: Literal["charge_captured", "charge_declined", "charge_voided"]
    charge: Charge


def decide_charge(request: ChargeRequest, *, charge_id: str, created_at: str) -> Charge:
    """The outcome of a key's first charge."""
    decline_reason = behaviour_of(request.token).decline_reason
    captured = request.capture and decline_reason is None
    return Charge(
        id=charge_id,
        idempotency_key=request.idempotency_key,
        order_id=request.order_id,
        amount_cents=request.amount_cents,
        currency=request.currency,
        status="captured" if captured else "declined" if decline_reason else "authorized",
        decline_reason=decline_reason,
        captured_cents=request.amount_cents if captured else 0,
        refunded_cents=0,
        created_at=created_at,
    )


def decide_canceled_charge(request: ChargeRequest, *, charge_id: str, created_at: str) -> Charge:
    """The outcome of a charge whose key was canceled before it came."""
    decided = decide_charge(request, charge_id=charge_id, created_at=created_at)
    return replace(decided, status="voided", decline_reason=None, captured_cents=0)


def answer_again(recorded: RecordedCharge, request: ChargeRequest) -> Charge | KeyMismatch:
    """The answer to a key that has charged before: the same charge, if it is the same request."""
    if recorded.has_terms_of(request):
        return recorded.charge
    return KeyMismatch(idempotency_key=request.idempotency_key)


def decide_capture(charge: Charge) -> Charge | Refusal:
    """The charge after a full capture; the same object if it was captured before."""
    match charge.status:
        case "authorized":
            return replace(charge, status="captured", captured_cents=charge.amount_cents)
        case "captured":
            return charge
        case "declined":
            return Refusal(code="charge_declined", charge=charge)
        case "voided":
            return Refusal(code="charge_voided", charge=charge)


def decide_void(charge: Charge) -> Charge | Refusal:
    """The charge after a void; the same object if it was voided before. Money taken is refunded,
    never voided."""
    match charge.status:
        case "authorized":
            return replace(charge, status="voided")
        case "voided":
            return charge
        case "captured":
            return Refusal(code="charge_captured", charge=charge)
        case "declined":
            return Refusal(code="charge_declined", charge=charge)


def decide_refund(
    request: RefundRequest, charge: Charge | None, *, refund_id: str, created_at: str
) -> Refund:
    """A refund, or a refused one: a charge's refunds together never exceed what it captured."""
    failure_reason = refund_failure(request, charge)
    return Refund(
        id=refund_id,
        idempotency_key=request.idempotency_key,
        charge_id=request.charge_id,
        amount_cents=request.amount_cents,
        reason=request.reason,
        status="failed" if failure_reason else "succeeded",
        failure_reason=failure_reason,
        created_at=created_at,
    )


def refund_failure(request: RefundRequest, charge: Charge | None) -> str | None:
    if charge is None:
        return "unknown_charge"
    if charge.status != "captured":
        return "charge_not_captured"
    if charge.refunded_cents + request.amount_cents > charge.captured_cents:
        return "amount_exceeds_captured"
    return None


def refund_again(recorded: Refund, request: RefundRequest) -> Refund | KeyMismatch:
    """The answer to a key that has refunded (or was refused) before."""
    recorded_terms = (recorded.charge_id, recorded.amount_cents, recorded.reason)
    if recorded_terms == (request.charge_id, request.amount_cents, request.reason):
        return recorded
    return KeyMismatch(idempotency_key=request.idempotency_key)
