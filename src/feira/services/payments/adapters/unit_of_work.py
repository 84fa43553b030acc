"""Everything a transaction of payments works with, over any database."""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from typing import Protocol

from feira.chassis.outbox import Outbox
from feira.kernel.ids import Ids
from feira.services.payments.adapters.identity_map import (
    PaymentRows,
    Payments,
    RefundRows,
    Refunds,
)
from feira.services.payments.application.ports import ProviderCalls
from feira.services.payments.domain.ledger import LedgerEntry

HandOver = Callable[[ProviderCalls], None]
"""Takes what is to be done at the provider; called when the transaction is durable."""


class LedgerRows(Protocol):
    async def insert(self, entries: Collection[LedgerEntry], at: datetime) -> None: ...


class Ledger:
    def __init__(self, rows: LedgerRows, now: datetime) -> None:
        self._rows = rows
        self._now = now
        self._new: list[LedgerEntry] = []

    def add_many(self, entries: Iterable[LedgerEntry]) -> None:
        self._new += entries

    async def flush(self) -> None:
        if self._new:
            await self._rows.insert(self._new, self._now)


class RowsUnitOfWork:
    def __init__(
        self,
        outbox: Outbox,
        ids: Ids,
        now: datetime,
        *,
        payment_rows: PaymentRows,
        refund_rows: RefundRows,
        ledger_rows: LedgerRows,
        hand_over: HandOver,
    ) -> None:
        self.outbox = outbox
        self.ids = ids
        self.now = now
        self.payments = Payments(payment_rows, now)
        self.refunds = Refunds(refund_rows, now)
        self.ledger = Ledger(ledger_rows, now)
        self.calls = ProviderCalls()
        self._hand_over = hand_over

    async def flush(self) -> None:
        await self.payments.flush()
        await self.refunds.flush()
        await self.ledger.flush()

    def committed(self) -> None:
        """The intents are durable: what is to be done at the provider can be done now."""
        if self.calls:
            self._hand_over(self.calls)
