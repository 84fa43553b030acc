"""What the simulated provider hears and says, as JSON.

Money is integer centavos. `order_id` is the merchant's own reference, a number or a string, kept
and given back as it came.
"""

from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import Meta, Struct, json

CHARGES_A_BATCH_MAX = 200
REFUNDS_A_BATCH_MAX = 200
KEYS_A_QUERY_MAX = 500
EVENTS_A_WEBHOOK_MAX = 200

IdempotencyKey = Annotated[str, Meta(min_length=1, max_length=200)]
OrderId = Annotated[int, Meta(ge=1, lt=2**53)] | Annotated[str, Meta(min_length=1, max_length=64)]
AmountCents = Annotated[int, Meta(ge=1, le=10**12)]
Currency = Annotated[str, Meta(min_length=3, max_length=3)]
Token = Annotated[str, Meta(min_length=1, max_length=200)]
Reason = Annotated[str, Meta(max_length=200)]

ChargeStatus = Literal["authorized", "captured", "declined", "voided"]
RefundStatus = Literal["succeeded", "failed"]


def require_plain(names: str, text: str) -> None:
    """Raise ValueError unless `text`, what `names` say, is printable ASCII: every layer keeps that
    as it came. (SQLite's JSON functions, for one, cut a text at a NUL.)
    """
    if not (text.isascii() and text.isprintable()):
        raise ValueError(f"{names} must be printable ASCII")


class ChargeRequest(Struct, frozen=True, kw_only=True, gc=False):
    """A charge to be made once a key. `capture=False` only authorizes it."""

    idempotency_key: IdempotencyKey
    order_id: OrderId
    amount_cents: AmountCents
    currency: Currency
    token: Token
    capture: bool = True

    def __post_init__(self) -> None:
        require_plain(
            "idempotency_key, order_id and currency",
            f"{self.idempotency_key}{self.order_id}{self.currency}",
        )


class ChargeBatch(Struct, frozen=True, kw_only=True):
    charges: Annotated[list[ChargeRequest], Meta(min_length=1, max_length=CHARGES_A_BATCH_MAX)]


class ChargeQuery(Struct, frozen=True, kw_only=True):
    idempotency_keys: Annotated[
        list[IdempotencyKey], Meta(min_length=1, max_length=KEYS_A_QUERY_MAX)
    ]

    def __post_init__(self) -> None:
        for key in self.idempotency_keys:
            require_plain("idempotency_keys", key)


class Charge(Struct, frozen=True, kw_only=True, gc=False):
    """A charge in the books; `captured_cents - refunded_cents` is what the merchant has of it."""

    id: str
    idempotency_key: str
    order_id: int | str
    amount_cents: int
    currency: str
    status: ChargeStatus
    decline_reason: str | None
    captured_cents: int
    refunded_cents: int
    created_at: str
    simulated: Literal[True] = True


class KeyMismatch(Struct, frozen=True, kw_only=True):
    """The key was used before with other parameters; nothing was done."""

    idempotency_key: str
    error: Literal["idempotency_mismatch"] = "idempotency_mismatch"


class CancellationRequest(Struct, frozen=True, kw_only=True):
    """Never let this key charge."""

    idempotency_key: IdempotencyKey

    def __post_init__(self) -> None:
        require_plain("idempotency_key", self.idempotency_key)


class Cancellation(Struct, frozen=True, kw_only=True):
    """`canceled=True`: this key holds no money and never will. False: it has, see `charge`."""

    idempotency_key: str
    canceled: bool
    charge: Charge | None
    simulated: Literal[True] = True


class RefundRequest(Struct, frozen=True, kw_only=True, gc=False):
    idempotency_key: IdempotencyKey
    charge_id: Annotated[str, Meta(min_length=1, max_length=64)]
    amount_cents: AmountCents
    reason: Reason | None = None

    def __post_init__(self) -> None:
        require_plain("idempotency_key and charge_id", self.idempotency_key + self.charge_id)


class RefundBatch(Struct, frozen=True, kw_only=True):
    refunds: Annotated[list[RefundRequest], Meta(min_length=1, max_length=REFUNDS_A_BATCH_MAX)]


class Refund(Struct, frozen=True, kw_only=True, gc=False):
    """A refund, or a refused one (`status="failed"`) with its `failure_reason`."""

    id: str
    idempotency_key: str
    charge_id: str
    amount_cents: int
    reason: str | None
    status: RefundStatus
    failure_reason: str | None
    created_at: str
    simulated: Literal[True] = True


class ChargesAnswer(Struct, frozen=True, kw_only=True):
    charges: list[Charge]


class RefundsAnswer(Struct, frozen=True, kw_only=True):
    refunds: list[Refund | KeyMismatch]


class Event(Struct, frozen=True, kw_only=True, gc=False):
    """One outcome, as a webhook tells it. `id` is the same each time the event is sent."""

    id: str
    type: str
    created_at: str
    data: Charge | Refund


class EventBatch(Struct, frozen=True, kw_only=True):
    """The body of a webhook: at most `EVENTS_A_WEBHOOK_MAX` events."""

    events: Sequence[Event]
    type: Literal["events"] = "events"
    simulated: Literal[True] = True


class LedgerEntry(Struct, frozen=True, kw_only=True, gc=False):
    order_id: int | str
    captured_cents: int
    refunded_cents: int


class LedgerSummary(Struct, frozen=True, kw_only=True):
    """Counts and sums over all the books. `webhooks_*` count events, not deliveries."""

    charges: int
    captures: int
    captured_cents: int
    refunds: int
    refunded_cents: int
    webhooks_pending: int
    webhooks_exhausted: int
    simulated: Literal[True] = True


encode = json.Encoder().encode
encode_lines = json.Encoder().encode_lines
