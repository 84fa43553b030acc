"""All payments of one order, and what is decided about them: begin, record, cancel, give back.

Money that nobody waits for is given back by itself: it came after a cancellation or a failure, it
is of another amount than asked for, or the order has been paid by an earlier attempt.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from typing import Final, assert_never

from feira.services.payments.domain.charge import ChargeReport, Verdict, agrees
from feira.services.payments.domain.ledger import LedgerEntry, capture_entry, refund_entry
from feira.services.payments.domain.payment import EMPTY, UNRESOLVED, Payment, State
from feira.services.payments.domain.refund import (
    BY_ADMIN,
    Refund,
    RefundReport,
    RefundState,
    give_back,
)

METHODS: Final = frozenset({"card"})
TOKEN_LENGTH_MAX: Final = 200

AMOUNT_MISMATCH: Final = "amount_mismatch"
CANCELED: Final = "canceled"
LATE_CAPTURE: Final = "late_capture"

NewId = Callable[[], int]


class News(Enum):
    """What the others are told."""

    NOTHING = auto()
    CONFIRMED = auto()
    FAILED = auto()
    CANCELED = auto()
    REFUNDED = auto()
    """An administrator's refund: the saga has ended, and others show it."""


class Finding(Enum):
    """What a report turned out to be."""

    RECORDED = auto()
    NOTHING_NEW = auto()
    UNKNOWN_PAYMENT = auto()
    """Nobody here has asked for this charge."""
    CONTRADICTION = auto()
    """The provider said otherwise before; a person has to look."""


@dataclass(slots=True)
class Effect:
    """What follows from a report."""

    finding: Finding
    payment: Payment | None = None
    news: News = News.NOTHING
    entry: LedgerEntry | None = None
    refund: Refund | None = None


@dataclass(slots=True)
class OrderPayments:
    """All payments of one order, by attempt: what is decided on together."""

    order_id: int
    canceled: bool = False
    """No money may be kept for this order, now or later."""
    attempts: dict[int, Payment] = field(default_factory=dict)

    @property
    def captured(self) -> Payment | None:
        """The payment whose money is kept; there is never a second one."""
        for payment in self.attempts.values():
            if payment.state is State.CAPTURED:
                return payment
        return None

    @property
    def at_rest(self) -> bool:
        """Nothing is kept, and nothing is under way."""
        return all(payment.state in EMPTY for payment in self.attempts.values())

    @property
    def captured_cents(self) -> int:
        return sum(payment.captured_cents for payment in self.attempts.values())

    @property
    def refunded_cents(self) -> int:
        return sum(payment.refunded_cents for payment in self.attempts.values())


def may_begin(order: OrderPayments, attempt: int) -> bool:
    """Whether an attempt is new and there is room for it: never two at a time, never twice paid."""
    return not order.canceled and attempt not in order.attempts and order.at_rest


def begin(order: OrderPayments, payment: Payment, now: datetime) -> None:
    """Take up a new attempt: intent before the call. What cannot be charged fails at once."""
    payment.reason = _refusal(order, payment)
    order.attempts[payment.attempt] = payment
    if payment.reason:
        payment.settle(State.FAILED)
    elif payment.amount_cents == 0:
        payment.settle(State.CAPTURED)  # nothing to pay: no provider is asked
    else:
        payment.wait_for_provider(State.REQUESTED, now)


def _refusal(order: OrderPayments, payment: Payment) -> str | None:
    if payment.method not in METHODS:
        return "unsupported_method"
    if not payment.token or len(payment.token) > TOKEN_LENGTH_MAX:
        return "invalid_token"
    if payment.attempt < max(order.attempts, default=0):
        return "superseded"
    return None


def answer_to(order: OrderPayments, attempt: int) -> tuple[News, Payment | None]:
    """What a request for an attempt is answered as things stand, however often it is repeated.

    An attempt that is not taken up, as an earlier one is open, gets none: the saga asks again.
    """
    if order.canceled:
        return cancellation_news(order), None
    if captured := order.captured:
        return News.CONFIRMED, captured
    payment = order.attempts.get(attempt)
    if payment is None or payment.state in UNRESOLVED or payment.state is State.REFUNDING:
        return News.NOTHING, None
    return News.FAILED, payment


def cancellation_news(order: OrderPayments) -> News:
    """A canceled order is told of when nothing is kept and nothing can be taken any more."""
    return News.CANCELED if order.canceled and order.at_rest else News.NOTHING


def cancel(
    order: OrderPayments, new_id: NewId, now: datetime
) -> tuple[list[Payment], list[Refund]]:
    """Take no money for this order, and give back what was taken. Canceling again changes nothing.

    Returns the payments that changed and the refunds that follow.
    """
    order.canceled = True
    changed, refunds = [], []
    for payment in order.attempts.values():
        if payment.state is State.REQUESTED:
            payment.wait_for_provider(State.CANCELING, now)
        elif payment.state is State.CAPTURED:
            refund = give_back(payment, CANCELED, new_id, now)
            refunds += [refund] if refund else []
        else:
            continue
        changed.append(payment)
    return changed, refunds


def record(order: OrderPayments, report: ChargeReport, new_id: NewId, now: datetime) -> Effect:
    """Take in what the provider says of a charge; a repeat changes nothing."""
    payment = order.attempts.get(report.attempt)
    if payment is None:
        return Effect(Finding.UNKNOWN_PAYMENT)
    match report.verdict:
        case Verdict.CAPTURED:
            return _captured(order, payment, report, new_id, now)
        case Verdict.DECLINED | Verdict.VOIDED:
            return _not_taken(order, payment, report)
        case Verdict.AUTHORIZED | Verdict.UNKNOWN:
            return Effect(Finding.NOTHING_NEW)
        case _:
            assert_never(report.verdict)


def _captured(
    order: OrderPayments, payment: Payment, report: ChargeReport, new_id: NewId, now: datetime
) -> Effect:
    match payment.state:
        case State.REQUESTED | State.CANCELING | State.FAILED | State.CANCELED:
            return _money_came(order, payment, report, new_id, now)
        case State.CAPTURED | State.REFUNDING | State.REFUNDED:
            same = agrees(payment.standing, report)
            return Effect(Finding.NOTHING_NEW if same else Finding.CONTRADICTION, payment)
        case _:
            assert_never(payment.state)


def _money_came(
    order: OrderPayments, payment: Payment, report: ChargeReport, new_id: NewId, now: datetime
) -> Effect:
    unwanted = _why_not_kept(order, payment, report.captured_cents)
    payment.charge_id = report.charge_id
    payment.captured_cents = report.captured_cents
    effect = Effect(Finding.RECORDED, payment)
    if report.captured_cents:
        effect.entry = capture_entry(payment)
    if unwanted is None:
        payment.settle(State.CAPTURED)
        effect.news = News.CONFIRMED
        return effect
    payment.reason = unwanted
    effect.refund = give_back(payment, unwanted, new_id, now)
    effect.news = _news_when_given_back(order, payment)
    return effect


def _why_not_kept(order: OrderPayments, payment: Payment, captured_cents: int) -> str | None:
    if order.canceled:
        return CANCELED
    if payment.state is State.FAILED or order.captured:
        return LATE_CAPTURE
    if captured_cents != payment.amount_cents:
        return AMOUNT_MISMATCH
    return None


def _not_taken(order: OrderPayments, payment: Payment, report: ChargeReport) -> Effect:
    match payment.state:
        case State.REQUESTED | State.CANCELING:
            payment.reason = report.reason or (CANCELED if order.canceled else report.verdict)
            payment.settle(State.CANCELED if order.canceled else State.FAILED)
            news = cancellation_news(order) if order.canceled else News.FAILED
            return Effect(Finding.RECORDED, payment, news)
        case State.FAILED | State.CANCELED:
            return Effect(Finding.NOTHING_NEW, payment)
        case State.CAPTURED | State.REFUNDING | State.REFUNDED:
            return Effect(Finding.CONTRADICTION, payment)
        case _:
            assert_never(payment.state)


def record_refund(
    order: OrderPayments, refund: Refund, report: RefundReport, now: datetime
) -> Effect:
    """Take in what the provider says of a refund's try; a repeat changes nothing."""
    payment = order.attempts[refund.attempt]
    if refund.state is RefundState.SUCCEEDED:
        return Effect(Finding.NOTHING_NEW, payment)
    if report.succeeded:
        return _money_is_back(order, payment, refund)
    if report.key != refund.try_key:  # an earlier try, which is known to have failed
        return Effect(Finding.NOTHING_NEW, payment)
    refund.failures += 1
    refund.failure_reason = report.reason
    refund.postpone_check(now)
    return Effect(Finding.RECORDED, payment, refund=refund)


def _money_is_back(order: OrderPayments, payment: Payment, refund: Refund) -> Effect:
    refund.state = RefundState.SUCCEEDED
    refund.failure_reason = refund.next_check_at = None
    payment.refunding_cents -= refund.amount_cents
    payment.refunded_cents += refund.amount_cents
    if payment.refunded_cents == payment.captured_cents:
        payment.settle(State.REFUNDED)
    news = _news_when_given_back(order, payment)
    if news is News.NOTHING and refund.reason == BY_ADMIN:
        news = News.REFUNDED
    return Effect(Finding.RECORDED, payment, news, refund_entry(refund), refund)


def _news_when_given_back(order: OrderPayments, payment: Payment) -> News:
    """Nothing is told before the money is back; and a refund that only follows is not told."""
    if order.canceled:
        return cancellation_news(order)
    mismatch = payment.state is State.REFUNDED and payment.reason == AMOUNT_MISMATCH
    return News.FAILED if mismatch else News.NOTHING
