"""What the auditor reads: plain values, by whoever gathers them from a real or a simulated shop."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Lines = Mapping[int, int]
"""Quantities by product."""


@dataclass(frozen=True, slots=True)
class Money:
    """What was taken for an order, and what of that was given back, in centavos."""

    captured_cents: int = 0
    refunded_cents: int = 0

    @property
    def kept_cents(self) -> int:
        return self.captured_cents - self.refunded_cents

    def __str__(self) -> str:
        return f"{self.captured_cents} taken and {self.refunded_cents} given back"


NO_MONEY = Money()


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request as its client remembers it. Times are seconds on the clients' own clock.

    Without an answer `status` is None: whatever was asked may have been done or not.
    """

    who: int
    method: str
    path: str
    body: Any = None
    key: str | None = None
    sent_at: float
    answered_at: float | None = None
    status: int | None = None
    answer: Any = None
    is_admin: bool = False

    @property
    def is_decided(self) -> bool:
        """Somebody who knows has answered; a 5xx says that nobody knows."""
        return self.status is not None and self.status < 500

    def __str__(self) -> str:
        said = "no answer" if self.status is None else f"{self.status} {self.answer}"
        key = f" key {self.key}" if self.key else ""
        return f"{'admin' if self.is_admin else 'customer'} {self.who}{key}: {self.request}: {said}"

    @property
    def request(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRow:
    """`payment_attempts` counts the means of payment that the customer has offered."""

    id: int
    customer_id: int
    status: str
    payment_status: str
    inventory_status: str
    lines: Lines
    total_cents: int
    lines_cents: int
    """What the lines come to at the prices they were ordered at."""
    money: Money
    settled: bool
    payment_attempts: int = 0
    drop_id: int | None = None
    """Of a flash sale."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationRow:
    """`was_sold`: it was confirmed once; that it was put back later is a movement of its own."""

    order_id: int
    status: str
    lines: Lines
    was_sold: bool = False
    drop_id: int | None = None
    """What was set aside for a drop is where its units come from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StockRow:
    product_id: int
    on_hand: int
    reserved: int
    allotted: int = 0
    """Set aside for drops, and not drawn yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AllotmentRow:
    """What inventory has set aside for a drop, by the drop's id."""

    id: int
    product_id: int | None
    units: int
    left: int
    given_back: int
    is_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DropRow:
    """`units` are wanted, `set_aside` were there; None: inventory has not answered."""

    id: int
    status: str
    units: int
    per_customer: int
    set_aside: int | None
    held: int
    sold: int
    given_back: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRow:
    drop_id: int
    customer_id: int
    status: str
    order_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MovementRow:
    """`quantity` is signed; `reference` names what it comes from (`order/17`, `user/4`)."""

    product_id: int
    kind: str
    quantity: int
    reason: str | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRow:
    """One attempt to be paid, as the payments service believes it stands."""

    order_id: int
    attempt: int
    state: str
    money: Money
    refunding_cents: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRow:
    order_id: int
    amount_cents: int
    state: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """An entry of the double entry: `kind` is "capture" or "refund"."""

    order_id: int
    kind: str
    amount_cents: int


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    elapsed_ms: int
    happened: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SagaRow:
    order_id: int
    state: str
    is_open: bool
    timeline: Sequence[TimelineEntry] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """`plant` names the message that somebody put there to be buried; None of an honest one."""

    service: str
    what: str
    plant: str | None = None


@dataclass(slots=True, kw_only=True)
class Evidence:
    """All that is known of a shop. Rows are by order, or by product.

    `history` is None where nobody kept one: then no answer is held against the stores. It must be
    complete where it is there, or orders will seem to come from nowhere.
    """

    orders: dict[int, OrderRow] = field(default_factory=dict)
    sagas: dict[int, SagaRow] = field(default_factory=dict)
    reservations: dict[int, ReservationRow] = field(default_factory=dict)
    stock: dict[int, StockRow] = field(default_factory=dict)
    allotments: dict[int, AllotmentRow] = field(default_factory=dict)
    drops: dict[int, DropRow] = field(default_factory=dict)
    claims: list[ClaimRow] = field(default_factory=list)
    movements: list[MovementRow] = field(default_factory=list)
    payments: list[PaymentRow] = field(default_factory=list)
    refunds: list[RefundRow] = field(default_factory=list)
    ledger: list[LedgerRow] = field(default_factory=list)
    books: dict[int, Money] = field(default_factory=dict)
    """The provider's own books: the truth about money."""
    mistakes: dict[int, Money] = field(default_factory=dict)
    """Of the books, what the provider took of another amount than it was asked for."""
    dead_letters: list[DeadLetter] = field(default_factory=list)
    unpublished: dict[str, int] = field(default_factory=dict)
    """Envelopes that wait in each service's outbox."""
    history: list[Call] | None = None
    plants: frozenset[str] = frozenset()
    """The messages that were made to be buried: each of them ends as a dead letter."""
    clock_error_max_ms: int = 0
    """How far the services' clocks were made to differ or jump."""
    timeline_entries_max: int = 60
    """A saga keeps no more than that of its timeline."""
