"""Payments without a lane: batches of commands, decided as the lane decides them.

A world stands on any database: the same stories are told on memory and on PostgreSQL.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from random import Random
from typing import Any, Final, TypeVar

from feira.chassis.memory.database import MemoryDatabase
from feira.chassis.outbox import Outbox
from feira.chassis.work import Origin
from feira.contracts.message import Message
from feira.contracts.orchestrator import CancelPayment, RequestPayment
from feira.kernel.clock import ManualClock
from feira.kernel.ids import Ids
from feira.services.payments.adapters.memory import MemoryPayments, handing_over_to
from feira.services.payments.adapters.unit_of_work import HandOver, RowsUnitOfWork
from feira.services.payments.application.check_payments import CheckPayments
from feira.services.payments.application.ports import (
    PaymentQueries,
    ProviderCalls,
    WebhookEvents,
)
from feira.services.payments.application.preload import preload
from feira.services.payments.application.request_refund import RequestRefund
from feira.services.payments.application.retry_refunds import RetryRefunds
from feira.services.payments.application.tell_refunds import TellRefunds
from feira.services.payments.bootstrap import USE_CASES
from feira.services.payments.domain.charge import ChargeReport, Verdict
from feira.services.payments.domain.ledger import NO_REFUND, Account
from feira.services.payments.domain.payment import TAKEN, UNRESOLVED, Payment, State
from feira.services.payments.domain.refund import RefundReport, RefundState

START: Final = datetime(2025, 11, 28, 3, 0, tzinfo=UTC)
AMOUNT_CENTS: Final = 10_00

Begin = Callable[[Outbox, Ids, datetime, HandOver], AbstractAsyncContextManager[RowsUnitOfWork]]
T = TypeVar("T")


@dataclass
class Told:
    """What a batch led to: an outcome a command, and the messages in their order."""

    outcomes: list[Any]
    messages: list[Message]


class CountingIds(Ids):
    """Ids that rise by one from 1, so that stories can name them."""

    last = 0

    def number(self) -> int:
        self.last += 1
        return self.last


@dataclass
class World:
    """`begin` opens a transaction; `read` and `queries` see what has been committed."""

    begin: Begin
    read: Callable[[], Awaitable[MemoryPayments]]
    queries: PaymentQueries
    preloads: bool = True
    clock: ManualClock = field(default_factory=lambda: ManualClock(START))
    calls: ProviderCalls = field(default_factory=ProviderCalls)
    """What was handed over to be done at the provider, and not been taken yet."""

    def __post_init__(self) -> None:
        self.ids = CountingIds(self.clock)

    async def do(self, *commands: Any) -> Told:
        """Decide the commands in one batch."""
        outbox = Outbox("/feira/payments", 4, self.ids, self.clock.now())
        async with self.begin(outbox, self.ids, self.clock.now(), self._hand_over) as uow:
            if self.preloads:
                await preload(commands, uow)
            told = await decide(commands, uow, outbox)
        uow.committed()
        return told

    async def do_in_batches(self, batches: Sequence[Sequence[Any]]) -> Told:
        told = [await self.do(*batch) for batch in batches if batch]
        return Told(
            [outcome for part in told for outcome in part.outcomes],
            [message for part in told for message in part.messages],
        )

    async def books(self) -> MemoryPayments:
        """A copy of all that is committed."""
        return await self.read()

    async def payment(self, order_id: int, attempt: int = 1) -> Payment:
        return (await self.books()).payments[order_id, attempt]

    async def state(self, order_id: int, attempt: int = 1) -> State:
        return (await self.payment(order_id, attempt)).state

    def take_calls(self) -> ProviderCalls:
        calls, self.calls = self.calls, ProviderCalls()
        return calls

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(timedelta(seconds=seconds))

    def _hand_over(self, calls: ProviderCalls) -> None:
        self.calls.charges += calls.charges
        self.calls.cancellations += calls.cancellations
        self.calls.questions += calls.questions
        self.calls.refunds += calls.refunds


async def decide(commands: Sequence[Any], uow: RowsUnitOfWork, outbox: Outbox) -> Told:
    """As `chassis.batch.BatchRunner` does: each run of one type, then flush."""
    outcomes: list[Any] = []
    for kind, run in groupby(commands, type):
        of_one_type = list(run)
        outbox.speak_for([Origin("a-story")] * len(of_one_type))
        outcomes += await USE_CASES[kind](of_one_type, uow)
    assert len(outcomes) == len(commands)
    await uow.flush()
    return Told(outcomes, [message for message, _ in outbox._announced])


def in_memory(*, preloads: bool = True) -> World:
    books = MemoryPayments()
    database = MemoryDatabase(books)

    @asynccontextmanager
    async def begin(
        outbox: Outbox, ids: Ids, now: datetime, hand_over: HandOver
    ) -> AsyncIterator[RowsUnitOfWork]:
        with database.transaction() as tables:
            yield handing_over_to(hand_over)(tables, outbox, ids, now)

    async def read() -> MemoryPayments:
        return MemoryPayments(
            {key: replace(row) for key, row in books.payments.items()},
            dict(books.canceled),
            {key: replace(row) for key, row in books.refunds.items()},
            dict(books.ledger),
        )

    return World(begin, read, books, preloads)


# --- commands ------------------------------------------------------------------------------------


def request(
    order_id: int,
    attempt: int = 1,
    *,
    amount_cents: int = AMOUNT_CENTS,
    token: str = "tok_visa",
    method: str = "card",
) -> RequestPayment:
    return RequestPayment(
        order_id=order_id, attempt=attempt, amount_cents=amount_cents, method=method, token=token
    )


def cancel(order_id: int) -> CancelPayment:
    return CancelPayment(order_id=order_id)


def captured(order_id: int, attempt: int = 1, *, cents: int = AMOUNT_CENTS) -> ChargeReport:
    charge_id = f"ch_{order_id}_{attempt}"
    return ChargeReport(order_id, attempt, Verdict.CAPTURED, charge_id, cents)


def declined(order_id: int, attempt: int = 1, reason: str = "card_declined") -> ChargeReport:
    charge_id = f"ch_{order_id}_{attempt}"
    return ChargeReport(order_id, attempt, Verdict.DECLINED, charge_id, reason=reason)


def voided(order_id: int, attempt: int = 1) -> ChargeReport:
    return ChargeReport(order_id, attempt, Verdict.VOIDED)


def given_back(payment_id: int) -> RefundReport:
    """The provider has done what is asked when all of a payment goes back."""
    return RefundReport(f"feira-refund-{payment_id}", succeeded=True)


def not_given_back(key: str) -> RefundReport:
    return RefundReport(key, succeeded=False, reason="no_funds")


# --- any sequence of commands, split anyhow ------------------------------------------------------


ORDERS: Final = range(1, 5)
ATTEMPTS: Final = (1, 1, 1, 2, 3)
REFUND_KEYS: Final = [
    *(f"feira-refund-{payment_id}" for payment_id in range(1, 9)),
    *(f"feira-refund-{payment_id}~1" for payment_id in range(1, 5)),
    *(f"feira-refund-{payment_id}-{payment_id + 1}" for payment_id in range(1, 6)),
]


def random_report(chance: Random) -> ChargeReport:
    place = chance.choice(ORDERS), chance.choice(ATTEMPTS)
    return chance.choices(
        [
            captured(*place),
            captured(*place, cents=chance.choice([0, 7, AMOUNT_CENTS + 1])),
            declined(*place),
            voided(*place),
        ],
        weights=[8, 1, 3, 2],
    )[0]


def random_refund_report(chance: Random) -> RefundReport:
    key, succeeded = chance.choice(REFUND_KEYS), chance.random() < 0.8
    return RefundReport(key, succeeded, None if succeeded else "no_funds")


def random_webhook(chance: Random) -> WebhookEvents:
    return WebhookEvents(
        [random_report(chance) for _ in range(chance.randint(0, 4))],
        [random_refund_report(chance) for _ in range(chance.randint(0, 2))],
    )


def random_command(chance: Random) -> Any:
    """Few orders, so that commands meet."""
    order_id, attempt = chance.choice(ORDERS), chance.choice(ATTEMPTS)
    amount_cents = chance.choices([AMOUNT_CENTS, 0], weights=[12, 1])[0]
    method = chance.choices(["card", "pix"], weights=[12, 1])[0]
    part_cents = chance.choice([None, 1, 4_00, AMOUNT_CENTS])
    return chance.choices(
        [
            request(order_id, attempt, amount_cents=amount_cents, method=method),
            cancel(order_id),
            random_report(chance),
            random_refund_report(chance),
            random_webhook(chance),
            RequestRefund(chance.randint(1, 6), part_cents),
            CheckPayments(),
            RetryRefunds(),
            TellRefunds(),
        ],
        weights=[8, 3, 8, 5, 6, 3, 1, 1, 1],
    )[0]


def random_commands(chance: Random, length: int) -> list[Any]:
    return [random_command(chance) for _ in range(length)]


def random_split(chance: Random, commands: Sequence[T]) -> list[Sequence[T]]:
    cuts = sorted(chance.randint(0, len(commands)) for _ in range(chance.randint(1, 10)))
    return [
        commands[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(commands)], strict=True)
    ]


def messages_by_order(told: Told) -> dict[str, list[Message]]:
    by_order: dict[str, list[Message]] = {}
    for message in told.messages:
        by_order.setdefault(message.key, []).append(message)
    return by_order


# --- what holds between any two batches ----------------------------------------------------------


def check_books(books: MemoryPayments) -> None:
    for payment in books.payments.values():
        check_payment(books, payment)
    for order_id in {order_id for order_id, _ in books.payments}:
        of_order = [p for p in books.payments.values() if p.order_id == order_id]
        assert sum(p.state is State.CAPTURED for p in of_order) <= 1, of_order
        if order_id in books.canceled:
            assert all(p.state is not State.CAPTURED for p in of_order), of_order
    for refund in books.refunds.values():
        assert (refund.next_check_at is None) == (refund.state is RefundState.SUCCEEDED), refund


def check_payment(books: MemoryPayments, payment: Payment) -> None:
    """Money in = captured − refunded, in the ledger and in the payment alike."""
    entries = [entry for entry in books.ledger.values() if entry.payment_id == payment.id]
    at_provider = sum(
        entry.amount_cents if entry.debit is Account.PROVIDER else -entry.amount_cents
        for entry in entries
    )
    captures = sum(e.amount_cents for e in entries if e.refund_id == NO_REFUND)
    refunds = [refund for refund in books.refunds.values() if refund.payment_id == payment.id]
    waiting = [refund for refund in refunds if refund.state is RefundState.REQUESTED]
    assert captures == payment.captured_cents
    assert at_provider == payment.captured_cents - payment.refunded_cents
    assert sum(refund.amount_cents for refund in waiting) == payment.refunding_cents
    assert 0 <= payment.refunded_cents + payment.refunding_cents <= payment.captured_cents
    assert (payment.next_check_at is not None) == (payment.state in UNRESOLVED)
    assert (payment.token is not None) == (payment.state in UNRESOLVED)
    assert payment.captured_cents == 0 or payment.state in TAKEN
    if payment.state is State.REFUNDED:
        assert payment.captured_cents == payment.refunded_cents
    if payment.state is State.REFUNDING:
        assert payment.kept_cents == 0
