"""What the use cases need, in their own words."""

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol, TypeVar

from feira.chassis.store import UnitOfWork
from feira.services.payments.domain.charge import ChargeReport
from feira.services.payments.domain.ledger import LedgerEntry
from feira.services.payments.domain.order_payments import OrderPayments
from feira.services.payments.domain.payment import Payment, Standing
from feira.services.payments.domain.refund import Refund, RefundReport

Attempt = tuple[int, int]
"""(order_id, attempt): what a payment is known by to the saga and to the provider."""


class PaymentRepository(Protocol):
    async def of_orders_for_update(self, order_ids: Iterable[int]) -> Mapping[int, OrderPayments]:
        """The payments of these orders, locked; for an order without any, empty ones."""
        ...

    async def order_ids(self, payment_ids: Iterable[int]) -> Mapping[int, int]:
        """The orders that these payments are of, by payment; those that exist."""
        ...

    async def standings(self, attempts: Iterable[Attempt]) -> Mapping[Attempt, Standing]:
        """How these payments stand, those that exist: one read, no lock, no write."""
        ...

    async def due_orders(self, orders_max: int) -> Sequence[int]:
        """Orders with a payment whose time to ask the provider has come, the longest due first."""
        ...

    def add_many(self, payments: Iterable[Payment]) -> None: ...

    def save_many(self, payments: Iterable[Payment]) -> None: ...

    def mark_canceled(self, order_ids: Iterable[int]) -> None:
        """Keep that these orders are canceled, also those without any payment."""
        ...


class RefundRepository(Protocol):
    async def by_key_for_update(self, keys: Iterable[str]) -> Mapping[str, Refund]:
        """The refunds that exist, by their keys (not their tries'), locked."""
        ...

    async def due_for_update(self, refunds_max: int) -> Sequence[Refund]:
        """Refunds to be tried (again) now, the longest due first."""
        ...

    async def given_by_admins(self, refunds_max: int) -> Sequence[Refund]:
        """Those that administrators asked for and that went through, the newest first."""
        ...

    def add_many(self, refunds: Iterable[Refund]) -> None: ...

    def save_many(self, refunds: Iterable[Refund]) -> None: ...


class Ledger(Protocol):
    def add_many(self, entries: Iterable[LedgerEntry]) -> None: ...


@dataclass(slots=True)
class ProviderCalls:
    """What is to be done at the provider once this transaction is durable, and not before.

    It is handed on in memory. Whatever gets lost on the way is found by its `next_check_at`.
    """

    charges: list[Payment] = field(default_factory=list)
    cancellations: list[Payment] = field(default_factory=list)
    questions: list[Payment] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.charges or self.cancellations or self.questions or self.refunds)


class PaymentsUnitOfWork(UnitOfWork, Protocol):
    @property
    def payments(self) -> PaymentRepository: ...

    @property
    def refunds(self) -> RefundRepository: ...

    @property
    def ledger(self) -> Ledger: ...

    @property
    def calls(self) -> ProviderCalls: ...


class WebhookEvents(NamedTuple):
    """What a webhook tells, of what we know how to read."""

    charges: Sequence[ChargeReport]
    refunds: Sequence[RefundReport]


R = TypeVar("R")

Answers = AsyncGenerator[Sequence[R], None]
"""A provider's answers, in batches as they are known."""


class PaymentProvider(Protocol):
    """A company that moves money. Every call is safe to repeat: each thing has one key.

    What has no answer when the answers end is unknown, never failed: a call that times out or
    breaks just ends.
    """

    def create_many(self, payments: Sequence[Payment]) -> Answers[ChargeReport]:
        """Charge these payments, each under its own key."""
        ...

    def capture_many(self, authorized: Sequence[ChargeReport]) -> Answers[ChargeReport]:
        """Take the money that these charges have authorized."""
        ...

    def void_many(self, payments: Sequence[Payment]) -> Answers[ChargeReport]:
        """See to it that these keys never hold money; or tell that they have taken it."""
        ...

    def query_many(self, payments: Sequence[Payment]) -> Answers[ChargeReport]:
        """How these charges stand: `UNKNOWN` where the provider has never heard of the key."""
        ...

    def refund_many(self, refunds: Sequence[Refund]) -> Answers[RefundReport]:
        """Give money back, each refund under the key of its present try."""
        ...

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> WebhookEvents:
        """What a webhook tells; raises `Rejected` when it is not the provider's or not readable.

        Names of headers are lower case.
        """
        ...


class OpenableProvider(PaymentProvider, Protocol):
    def opened(self) -> AbstractAsyncContextManager[None]:
        """Calls can be made inside; webhooks can be read at any time."""
        ...


class Backlog(NamedTuple):
    """What waits for a provider, counted up to a limit."""

    waiting: int
    due: int
    """So many have to be asked about now."""
    failing: int
    """So many were refused at least once."""
    oldest_at: datetime | None


class PaymentQueries(Protocol):
    async def of_order(self, order_id: int) -> Sequence[Payment]:
        """The payments of an order, the first attempt first."""
        ...

    async def unresolved_payments(self, now: datetime) -> Backlog: ...

    async def unsettled_refunds(self, now: datetime) -> Backlog: ...
