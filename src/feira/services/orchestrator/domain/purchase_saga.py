"""The whole story of a purchase (DESIGN, section 4).

    reserving ──► awaiting_payment ──► paying ──► selling ──► confirming ──► completed
        │                │               │           │            │
        │                │               └───────────┴────────────┴─► undoing_payment
        │                │               │ (declined: nothing taken)        │
        │                └───────────────┴──────────────────────────► undoing_stock
        └─ insufficient ────────────────────────────────────────────► undoing_order ─► canceled

Each step stands beside its compensation:

    step               asks                  answered by                   undone by
    reserving          ReserveStock          StockReserved                 ReleaseStock
    paying             RequestPayment        PaymentConfirmed              CancelPayment (refunds)
    selling            ConfirmReservation    ReservationConfirmed          ReleaseStock (restocks)
    confirming         ConfirmOrder          OrderConfirmed                (the last step: none)

Money is undone first, then stock, then the order is told. Every state that waits has a deadline,
after which it asks again: asking is harmless, since everybody answers a repeat with what was
decided the first time. `advance` is exhaustive: for each state and message it acts or says that the
message changes nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from feira.services.orchestrator.domain import messages as m

ASK_AGAIN_SECONDS: Final = 15
ASK_AGAIN_SECONDS_MAX: Final = 120
MILLISECOND: Final = timedelta(milliseconds=1)
PATIENCE: Final = tuple(
    timedelta(seconds=min(ASK_AGAIN_SECONDS << asked, ASK_AGAIN_SECONDS_MAX)) for asked in range(5)
)
"""How long an answer is waited for, by how often it has been asked for again."""
TIMELINE_ENTRIES_MAX: Final = 60


class State(StrEnum):
    RESERVING = "reserving"
    AWAITING_PAYMENT = "awaiting_payment"
    PAYING = "paying"
    SELLING = "selling"
    CONFIRMING = "confirming"
    UNDOING_PAYMENT = "undoing_payment"
    UNDOING_STOCK = "undoing_stock"
    UNDOING_ORDER = "undoing_order"
    COMPLETED = "completed"
    CANCELED = "canceled"


ASKS: Final[dict[State, m.Said]] = {
    State.RESERVING: m.ReserveStock(),
    State.PAYING: m.RequestPayment(),
    State.SELLING: m.ConfirmReservation(),
    State.CONFIRMING: m.ConfirmOrder(),
    State.UNDOING_PAYMENT: m.CancelPayment(),
    State.UNDOING_STOCK: m.ReleaseStock(),
    State.UNDOING_ORDER: m.CancelOrder(),
}
"""What each state that waits for another service asks of it; the others ask nothing."""

AT_REST: Final = frozenset({State.COMPLETED, State.CANCELED})
UNDOING: Final = frozenset({State.UNDOING_PAYMENT, State.UNDOING_STOCK, State.UNDOING_ORDER})


@dataclass(frozen=True, slots=True)
class Line:
    product_id: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Purchase:
    """What does not change while the saga runs."""

    order_id: int
    lines: tuple[Line, ...]
    total_cents: int
    pays_at_once: bool
    """The payment came with the order: one refusal ends the purchase."""
    hold_until: datetime
    """Until then the stock is held for the customer to pay."""
    started_at: datetime
    allotment_id: int | None = None
    """What its stock is drawn from, where it is set aside."""


@dataclass(slots=True)
class Saga:
    purchase: Purchase
    state: State
    deadline: datetime
    """When to ask again, or to give up waiting."""
    asked: int = 0
    attempt: int = 0
    method: str = ""
    token: str = ""
    inventory_status: str = "pending"
    payment_status: str = "pending"
    captured_cents: int = 0
    refunded_cents: int = 0
    reason: str = ""
    order_canceled: bool = False
    """Orders knows already that it is canceled: it only has to be told how it was settled."""
    step: int = 0
    version: int = 0
    timeline: list[tuple[int, str, str]] = field(default_factory=list)
    """(milliseconds since the start, what happened, the state it led to)."""

    @property
    def open(self) -> bool:
        return self.state not in AT_REST


def start(purchase: Purchase, now: datetime, payment: tuple[str, str] | None) -> Saga:
    """A new saga; its first wish is `pending`'s."""
    saga = Saga(purchase, State.RESERVING, now)
    if payment is not None:
        saga.method, saga.token = payment
        saga.attempt = 1
    _go(saga, State.RESERVING, now)
    _note(saga, "OrderCreated", now)
    return saga


def advance(saga: Saga, heard: m.Heard, now: datetime) -> list[m.Said]:
    """Take in a message: change the saga, and return what to say. Nothing, when it is stale."""
    before = saga.state
    rule = RULES.get((saga.state, type(heard)))
    if rule is None:
        return []
    said = rule(saga, heard, now)
    if saga.state is not before or said:
        _note(saga, type(heard).__name__, now)
    return said


def pending(saga: Saga) -> list[m.Said]:
    """What the saga waits for, asked (again)."""
    return [ASKS[saga.state]] if saga.state in ASKS else []


# --- the way forward -----------------------------------------------------------------------------


def _stock_reserved(saga: Saga, _heard: m.Heard, now: datetime) -> list[m.Said]:
    saga.inventory_status = "reserved"
    if saga.method:
        return [*_ask(saga, State.PAYING, now), m.RecordProgress()]
    return [*_ask(saga, State.AWAITING_PAYMENT, now), m.RecordProgress()]


def _payment_submitted(saga: Saga, heard: m.Heard, now: datetime) -> list[m.Said]:
    assert isinstance(heard, m.PaymentSubmitted)
    if heard.attempt <= saga.attempt:
        return []
    saga.attempt, saga.method, saga.token = heard.attempt, heard.method, heard.token
    saga.payment_status = "pending"
    if saga.state is State.AWAITING_PAYMENT:
        return _ask(saga, State.PAYING, now)
    return []  # while reserving: it is asked for once the stock is held


def _payment_confirmed(saga: Saga, heard: m.Heard, now: datetime) -> list[m.Said]:
    assert isinstance(heard, m.PaymentConfirmed)
    saga.payment_status = "approved"
    saga.captured_cents = heard.amount_cents
    return _ask(saga, State.SELLING, now)


def _sold(saga: Saga, _heard: m.Heard, now: datetime) -> list[m.Said]:
    saga.inventory_status = "sold"
    return _ask(saga, State.CONFIRMING, now)


def _completed(saga: Saga, _heard: m.Heard, now: datetime) -> list[m.Said]:
    saga.token = ""  # of no more use: not kept
    return [*_ask(saga, State.COMPLETED, now), m.Finish()]


# --- the way back --------------------------------------------------------------------------------


def _insufficient(saga: Saga, _heard: m.Heard, now: datetime) -> list[m.Said]:
    saga.inventory_status = "insufficient"
    saga.reason = saga.reason or "insufficient_stock"
    return _undo_order(saga, now)


def _payment_failed(saga: Saga, heard: m.Heard, now: datetime) -> list[m.Said]:
    assert isinstance(heard, m.PaymentFailed)
    if heard.attempt != saga.attempt:
        return []
    saga.payment_status = "declined"
    saga.method = saga.token = ""
    if saga.purchase.pays_at_once or now >= saga.purchase.hold_until:
        saga.reason = saga.reason or "payment_declined"
        return _ask(saga, State.UNDOING_STOCK, now)
    return [*_ask(saga, State.AWAITING_PAYMENT, now), m.RecordProgress()]


def _hold_lost_before_payment(saga: Saga, _heard: m.Heard, now: datetime) -> list[m.Said]:
    saga.inventory_status = "released"
    saga.payment_status = "expired"
    saga.reason = saga.reason or "reservation_expired"
    return _undo_order(saga, now)


def _hold_lost_while_paying(saga: Saga, _heard: m.Heard, now: datetime) -> list[m.Said]:
    saga.inventory_status = "released"
    saga.reason = saga.reason or "reservation_expired"
    return _ask(saga, State.UNDOING_PAYMENT, now)


def _canceled_before_payment(saga: Saga, heard: m.Heard, now: datetime) -> list[m.Said]:
    _learn_cancellation(saga, heard)
    return _ask(saga, State.UNDOING_STOCK, now)


def _canceled_with_payment(saga: Saga, heard: m.Heard, now: datetime) -> list[m.Said]:
    _learn_cancellation(saga, heard)
    return _ask(saga, State.UNDOING_PAYMENT, now)


def _canceled_while_undoing(saga: Saga, heard: m.Heard, now: datetime) -> list[m.Said]:
    _learn_cancellation(saga, heard)
    return _finish_canceled(saga, now) if saga.state is State.UNDOING_ORDER else []


def _payment_undone(saga: Saga, heard: m.Heard, now: datetime) -> list[m.Said]:
    assert isinstance(heard, m.PaymentCanceled)
    saga.captured_cents, saga.refunded_cents = heard.captured_cents, heard.refunded_cents
    if heard.captured_cents:
        saga.payment_status = "refunded"
    elif saga.payment_status == "pending":
        saga.payment_status = "expired"
    if saga.inventory_status in ("released", "insufficient"):
        return _undo_order(saga, now)
    return _ask(saga, State.UNDOING_STOCK, now)


def _stock_undone(saga: Saga, _heard: m.Heard, now: datetime) -> list[m.Said]:
    saga.inventory_status = "released"
    return _undo_order(saga, now)


def _late_money(saga: Saga, heard: m.Heard, now: datetime) -> list[m.Said]:
    """A payment lands after it was given up: it is refunded in full."""
    assert isinstance(heard, m.PaymentConfirmed)
    saga.captured_cents = heard.amount_cents
    return _ask(saga, State.UNDOING_PAYMENT, now)


def _undo_order(saga: Saga, now: datetime) -> list[m.Said]:
    if saga.order_canceled:
        return _finish_canceled(saga, now)
    return _ask(saga, State.UNDOING_ORDER, now)


def _finish_canceled(saga: Saga, now: datetime) -> list[m.Said]:
    saga.token = ""
    return [*_ask(saga, State.CANCELED, now), m.RecordSettlement(), m.Finish()]


def _learn_cancellation(saga: Saga, heard: m.Heard) -> None:
    assert isinstance(heard, m.OrderCanceled)
    saga.order_canceled = True
    saga.reason = saga.reason or heard.reason


def _order_was_confirmed(saga: Saga, _heard: m.Heard, now: datetime) -> list[m.Said]:
    """Orders had confirmed before it was asked to cancel: only a bug leads here, for a person."""
    saga.reason = "confirmed_while_undoing"
    saga.deadline = now + timedelta(seconds=ASK_AGAIN_SECONDS_MAX)
    return []


# --- deadlines -----------------------------------------------------------------------------------


def _ask_again(saga: Saga, _heard: m.Heard, now: datetime) -> list[m.Said]:
    saga.asked += 1
    saga.deadline = now + _patience(saga.asked)
    return pending(saga)


def _hold_ended(saga: Saga, _heard: m.Heard, now: datetime) -> list[m.Said]:
    if now < saga.purchase.hold_until:
        saga.deadline = saga.purchase.hold_until
        return []
    saga.payment_status = "expired"
    saga.reason = saga.reason or "payment_expired"
    return _ask(saga, State.UNDOING_STOCK, now)


def _payment_overdue(saga: Saga, heard: m.Heard, now: datetime) -> list[m.Said]:
    if now < saga.purchase.hold_until:
        return _ask_again(saga, heard, now)
    saga.reason = saga.reason or "payment_expired"
    return _ask(saga, State.UNDOING_PAYMENT, now)


# --- steps ---------------------------------------------------------------------------------------


def _ask(saga: Saga, state: State, now: datetime) -> list[m.Said]:
    _go(saga, state, now)
    return pending(saga)


def _go(saga: Saga, state: State, now: datetime) -> None:
    saga.state = state
    saga.step += 1
    saga.asked = 0
    waits_for_customer = state is State.AWAITING_PAYMENT
    saga.deadline = saga.purchase.hold_until if waits_for_customer else now + _patience(0)


def _patience(asked: int) -> timedelta:
    return PATIENCE[min(asked, len(PATIENCE) - 1)]


def _note(saga: Saga, what: str, now: datetime) -> None:
    if len(saga.timeline) < TIMELINE_ENTRIES_MAX:
        elapsed_ms = (now - saga.purchase.started_at) // MILLISECOND
        saga.timeline.append((elapsed_ms, what, saga.state.value))


Rule = Callable[[Saga, m.Heard, datetime], list[m.Said]]

RULES: Final[dict[tuple[State, type[m.Heard]], Rule]] = {
    (State.RESERVING, m.StockReserved): _stock_reserved,
    (State.RESERVING, m.StockInsufficient): _insufficient,
    (State.RESERVING, m.ReservationReleased): _hold_lost_before_payment,
    (State.RESERVING, m.PaymentSubmitted): _payment_submitted,
    (State.RESERVING, m.OrderCanceled): _canceled_before_payment,
    (State.RESERVING, m.Overdue): _ask_again,
    (State.AWAITING_PAYMENT, m.PaymentSubmitted): _payment_submitted,
    (State.AWAITING_PAYMENT, m.PaymentConfirmed): _payment_confirmed,
    (State.AWAITING_PAYMENT, m.ReservationReleased): _hold_lost_before_payment,
    (State.AWAITING_PAYMENT, m.OrderCanceled): _canceled_before_payment,
    (State.AWAITING_PAYMENT, m.Overdue): _hold_ended,
    (State.PAYING, m.PaymentConfirmed): _payment_confirmed,
    (State.PAYING, m.PaymentFailed): _payment_failed,
    (State.PAYING, m.PaymentCanceled): _payment_undone,
    (State.PAYING, m.ReservationReleased): _hold_lost_while_paying,
    (State.PAYING, m.OrderCanceled): _canceled_with_payment,
    (State.PAYING, m.Overdue): _payment_overdue,
    (State.SELLING, m.ReservationConfirmed): _sold,
    (State.SELLING, m.ReservationReleased): _hold_lost_while_paying,
    (State.SELLING, m.OrderCanceled): _canceled_with_payment,
    (State.SELLING, m.Overdue): _ask_again,
    (State.CONFIRMING, m.OrderConfirmed): _completed,
    (State.CONFIRMING, m.OrderCanceled): _canceled_with_payment,
    (State.CONFIRMING, m.Overdue): _ask_again,
    (State.UNDOING_PAYMENT, m.PaymentCanceled): _payment_undone,
    (State.UNDOING_PAYMENT, m.OrderCanceled): _canceled_while_undoing,
    (State.UNDOING_PAYMENT, m.Overdue): _ask_again,
    (State.UNDOING_STOCK, m.ReservationReleased): _stock_undone,
    (State.UNDOING_STOCK, m.PaymentConfirmed): _late_money,
    (State.UNDOING_STOCK, m.OrderCanceled): _canceled_while_undoing,
    (State.UNDOING_STOCK, m.Overdue): _ask_again,
    (State.UNDOING_ORDER, m.OrderCanceled): _canceled_while_undoing,
    (State.UNDOING_ORDER, m.OrderConfirmed): _order_was_confirmed,
    (State.UNDOING_ORDER, m.PaymentConfirmed): _late_money,
    (State.UNDOING_ORDER, m.Overdue): _ask_again,
    (State.CANCELED, m.PaymentConfirmed): _late_money,
}
"""What each state does with each message it has a use for."""

STALE: Final[frozenset[tuple[State, type[m.Heard]]]] = frozenset(
    {
        # Money before stock: nobody has asked for it.
        (State.RESERVING, m.PaymentConfirmed),
        (State.RESERVING, m.PaymentFailed),
        (State.RESERVING, m.PaymentCanceled),
        (State.RESERVING, m.ReservationConfirmed),
        (State.RESERVING, m.OrderConfirmed),
        # Repeats of what has led here, and answers to earlier attempts.
        (State.AWAITING_PAYMENT, m.StockReserved),
        (State.AWAITING_PAYMENT, m.StockInsufficient),
        (State.AWAITING_PAYMENT, m.ReservationConfirmed),
        (State.AWAITING_PAYMENT, m.PaymentFailed),
        (State.AWAITING_PAYMENT, m.PaymentCanceled),
        (State.AWAITING_PAYMENT, m.OrderConfirmed),
        (State.PAYING, m.StockReserved),
        (State.PAYING, m.StockInsufficient),
        (State.PAYING, m.ReservationConfirmed),
        (State.PAYING, m.PaymentSubmitted),
        (State.PAYING, m.OrderConfirmed),
        (State.SELLING, m.StockReserved),
        (State.SELLING, m.StockInsufficient),
        (State.SELLING, m.PaymentSubmitted),
        (State.SELLING, m.PaymentConfirmed),
        (State.SELLING, m.PaymentFailed),
        (State.SELLING, m.PaymentCanceled),
        (State.SELLING, m.OrderConfirmed),
        (State.CONFIRMING, m.StockReserved),
        (State.CONFIRMING, m.StockInsufficient),
        (State.CONFIRMING, m.ReservationConfirmed),
        (State.CONFIRMING, m.ReservationReleased),
        (State.CONFIRMING, m.PaymentSubmitted),
        (State.CONFIRMING, m.PaymentConfirmed),
        (State.CONFIRMING, m.PaymentFailed),
        (State.CONFIRMING, m.PaymentCanceled),
        # On the way back only the answers to what is being undone count.
        *(
            (state, heard)
            for state in UNDOING
            for heard in (
                m.StockReserved,
                m.StockInsufficient,
                m.ReservationConfirmed,
                m.PaymentSubmitted,
                m.PaymentFailed,
            )
        ),
        (State.UNDOING_PAYMENT, m.ReservationReleased),
        (State.UNDOING_PAYMENT, m.PaymentConfirmed),
        (State.UNDOING_PAYMENT, m.OrderConfirmed),
        (State.UNDOING_STOCK, m.PaymentCanceled),
        (State.UNDOING_STOCK, m.OrderConfirmed),
        (State.UNDOING_ORDER, m.ReservationReleased),
        (State.UNDOING_ORDER, m.PaymentCanceled),
        # At rest.
        *((State.COMPLETED, heard) for heard in m.Heard.__args__),
        *((State.CANCELED, heard) for heard in m.Heard.__args__ if heard is not m.PaymentConfirmed),
    }
)
"""What changes nothing where it arrives: repeats, and answers to questions asked no more."""
