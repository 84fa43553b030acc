"""Payments in memory: the same units of work over dictionaries, for tests and the simulation.

Aggregates are copied on their way in and out, so that a transaction which is not flushed leaves no
trace. Transactions must not overlap: there are no locks.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from feira.chassis.outbox import Outbox
from feira.chassis.store import Contention
from feira.kernel.ids import Ids
from feira.services.payments.adapters.unit_of_work import HandOver, RowsUnitOfWork
from feira.services.payments.application.ports import Attempt, Backlog
from feira.services.payments.domain.ledger import LedgerEntry
from feira.services.payments.domain.payment import Payment, Standing
from feira.services.payments.domain.refund import Refund


@dataclass
class MemoryPayments:
    """The database: what has been flushed. It is durable at once."""

    payments: dict[Attempt, Payment] = field(default_factory=dict)
    canceled: set[int] = field(default_factory=set)
    refunds: dict[int, Refund] = field(default_factory=dict)
    ledger: dict[tuple[int, int], LedgerEntry] = field(default_factory=dict)

    def unit_of_work(
        self, outbox: Outbox, ids: Ids, now: datetime, hand_over: HandOver
    ) -> RowsUnitOfWork:
        return RowsUnitOfWork(
            outbox,
            ids,
            now,
            payment_rows=_PaymentRows(self),
            refund_rows=_RefundRows(self.refunds),
            ledger_rows=_LedgerRows(self.ledger),
            hand_over=hand_over,
        )

    async def of_order(self, order_id: int) -> Sequence[Payment]:
        return [replace(row) for key, row in sorted(self.payments.items()) if key[0] == order_id]

    async def unresolved_payments(self, now: datetime) -> Backlog:
        waiting = [row for row in self.payments.values() if row.next_check_at]
        return _backlog([(row.requested_at, row.next_check_at, 0) for row in waiting], now)

    async def unsettled_refunds(self, now: datetime) -> Backlog:
        waiting = [row for row in self.refunds.values() if row.next_check_at]
        return _backlog([(r.requested_at, r.next_check_at, r.failures) for r in waiting], now)


class _PaymentRows:
    def __init__(self, database: MemoryPayments) -> None:
        self._database = database
        self._rows = database.payments

    async def lock(self, order_ids: Collection[int]) -> tuple[Iterable[Payment], Iterable[int]]:
        found = [replace(row) for key, row in sorted(self._rows.items()) if key[0] in order_ids]
        return found, self._database.canceled.intersection(order_ids)

    async def order_ids(self, payment_ids: Collection[int]) -> Mapping[int, int]:
        return {row.id: row.order_id for row in self._rows.values() if row.id in payment_ids}

    async def standings(self, attempts: Collection[Attempt]) -> Mapping[Attempt, Standing]:
        return {key: self._rows[key].standing for key in attempts if key in self._rows}

    async def due_orders(self, by: datetime, orders_max: int) -> Sequence[int]:
        due = sorted(
            (row.next_check_at, row.order_id)
            for row in self._rows.values()
            if row.next_check_at and row.next_check_at <= by
        )
        return list(dict.fromkeys(order_id for _, order_id in due[:orders_max]))

    async def insert(self, payments: Collection[Payment]) -> None:
        if any((payment.order_id, payment.attempt) in self._rows for payment in payments):
            raise Contention("it is there already")
        await self.update(payments)

    async def update(self, payments: Collection[Payment]) -> None:
        for payment in payments:
            self._rows[payment.order_id, payment.attempt] = replace(payment)

    async def mark_canceled(self, order_ids: Collection[int], at: datetime) -> None:
        self._database.canceled.update(order_ids)


class _RefundRows:
    def __init__(self, rows: dict[int, Refund]) -> None:
        self._rows = rows

    async def lock(self, keys: Collection[str]) -> Iterable[Refund]:
        return [replace(row) for _, row in sorted(self._rows.items()) if row.key in keys]

    async def lock_due(self, by: datetime, refunds_max: int) -> Iterable[Refund]:
        due = sorted(
            (row.next_check_at, row.id)
            for row in self._rows.values()
            if row.next_check_at and row.next_check_at <= by
        )
        return [replace(self._rows[refund_id]) for _, refund_id in due[:refunds_max]]

    async def insert(self, refunds: Collection[Refund]) -> None:
        assert self._rows.keys().isdisjoint(refund.id for refund in refunds)
        assert {r.key for r in self._rows.values()}.isdisjoint(refund.key for refund in refunds)
        await self.update(refunds)

    async def update(self, refunds: Collection[Refund]) -> None:
        self._rows.update({refund.id: replace(refund) for refund in refunds})


class _LedgerRows:
    def __init__(self, rows: dict[tuple[int, int], LedgerEntry]) -> None:
        self._rows = rows

    async def insert(self, entries: Collection[LedgerEntry], at: datetime) -> None:
        for entry in entries:
            assert (entry.payment_id, entry.refund_id) not in self._rows, "booked twice"
            self._rows[entry.payment_id, entry.refund_id] = entry


def _backlog(waiting: Sequence[tuple[datetime, datetime | None, int]], now: datetime) -> Backlog:
    return Backlog(
        waiting=len(waiting),
        due=sum(1 for _, next_check_at, _ in waiting if next_check_at and next_check_at <= now),
        failing=sum(1 for *_, failures in waiting if failures),
        oldest_at=min((requested_at for requested_at, *_ in waiting), default=None),
    )
