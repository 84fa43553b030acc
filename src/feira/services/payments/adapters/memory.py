"""Payments in memory: the same units of work over dictionaries, for tests and the simulation.

Aggregates are copied on their way in and out. Rows are locked as in SQL: before they are written,
and where the statement says so before they are read.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from feira.chassis.memory.rows import Rows
from feira.chassis.outbox import Outbox
from feira.chassis.store import Contention
from feira.kernel.ids import Ids
from feira.services.payments.adapters.unit_of_work import HandOver, RowsUnitOfWork
from feira.services.payments.application.ports import Attempt, Backlog
from feira.services.payments.domain.ledger import LedgerEntry
from feira.services.payments.domain.payment import Payment, Standing
from feira.services.payments.domain.refund import BY_ADMIN, Refund, RefundState


@dataclass
class MemoryPayments:
    """The database: what has been committed."""

    payments: dict[Attempt, Payment] = field(default_factory=dict)
    canceled: dict[int, datetime] = field(default_factory=dict)
    refunds: dict[int, Refund] = field(default_factory=dict)
    ledger: dict[tuple[int, int], LedgerEntry] = field(default_factory=dict)
    payment_ids: dict[int, Attempt] = field(default_factory=dict, compare=False, repr=False)
    """The unique index of `payments.id`."""
    attempts: "_Attempts" = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        self.attempts = _Attempts(self.payments)

    async def of_order(self, order_id: int) -> Sequence[Payment]:
        return [replace(row) for key, row in sorted(self.payments.items()) if key[0] == order_id]

    async def unresolved_payments(self, now: datetime) -> Backlog:
        waiting = [row for row in self.payments.values() if row.next_check_at]
        return _backlog([(row.requested_at, row.next_check_at, 0) for row in waiting], now)

    async def unsettled_refunds(self, now: datetime) -> Backlog:
        waiting = [row for row in self.refunds.values() if row.next_check_at]
        return _backlog([(r.requested_at, r.next_check_at, r.failures) for r in waiting], now)


def handing_over_to(
    hand_over: HandOver,
) -> Callable[[MemoryPayments, Outbox, Ids, datetime], RowsUnitOfWork]:
    """Units of work whose calls to providers are handed over once they are durable."""

    def make(tables: Any, outbox: Outbox, ids: Ids, now: datetime) -> RowsUnitOfWork:
        return RowsUnitOfWork(
            outbox,
            ids,
            now,
            payment_rows=_PaymentRows(tables),
            refund_rows=_RefundRows(tables.refunds),
            ledger_rows=_LedgerRows(tables.ledger),
            hand_over=hand_over,
        )

    return make


class _Attempts:
    """An index: under which keys the payments of an order may be found."""

    def __init__(self, keys: Iterable[Attempt]) -> None:
        self._by_order: dict[int, set[int]] = {}
        self.add_many(keys)

    def add_many(self, keys: Iterable[Attempt]) -> None:
        for order_id, attempt in keys:
            self._by_order.setdefault(order_id, set()).add(attempt)

    def of(self, order_ids: Iterable[int]) -> list[Attempt]:
        """In the order of the keys."""
        known = self._by_order
        asked = sorted(order_id for order_id in order_ids if order_id in known)
        return [(order_id, attempt) for order_id in asked for attempt in sorted(known[order_id])]


class _PaymentRows:
    def __init__(self, tables: Any) -> None:
        self._rows: Rows[Attempt, Payment] = tables.payments
        self._ids: Rows[int, Attempt] = tables.payment_ids
        self._canceled: Rows[int, datetime] = tables.canceled
        self._attempts: _Attempts = tables.attempts

    async def lock(self, order_ids: Collection[int]) -> tuple[Iterable[Payment], Iterable[int]]:
        there = [key for key in self._attempts.of(order_ids) if key in self._rows]
        await self._rows.lock(there)
        canceled = [order_id for order_id in order_ids if order_id in self._canceled]
        return [replace(self._rows[key]) for key in there], canceled

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
        await self._rows.lock((payment.order_id, payment.attempt) for payment in payments)
        if any((payment.order_id, payment.attempt) in self._rows for payment in payments):
            raise Contention("it is there already")
        ids = {payment.id: (payment.order_id, payment.attempt) for payment in payments}
        await self._ids.lock(ids)
        if len(ids) < len(payments) or any(payment_id in self._ids for payment_id in ids):
            raise Contention("the id is taken: another process made it by a clock that jumped")
        for payment_id, key in ids.items():
            self._ids[payment_id] = key
        self._attempts.add_many((payment.order_id, payment.attempt) for payment in payments)
        await self.update(payments)

    async def update(self, payments: Collection[Payment]) -> None:
        await self._rows.lock((payment.order_id, payment.attempt) for payment in payments)
        for payment in payments:
            self._rows[payment.order_id, payment.attempt] = replace(payment)

    async def mark_canceled(self, order_ids: Collection[int], at: datetime) -> None:
        await self._canceled.lock(order_ids)
        for order_id in order_ids:
            if order_id not in self._canceled:
                self._canceled[order_id] = at


class _RefundRows:
    def __init__(self, rows: Rows[int, Refund]) -> None:
        self._rows = rows

    async def lock(self, keys: Collection[str]) -> Iterable[Refund]:
        if not keys:
            return []
        wanted = set(keys)
        there = sorted(row.id for row in self._rows.values() if row.key in wanted)
        await self._rows.lock(there)
        return [replace(self._rows[refund_id]) for refund_id in there]

    async def lock_due(self, by: datetime, refunds_max: int) -> Iterable[Refund]:
        locked = await self._rows.lock_due(lambda row: row.next_check_at, by, refunds_max)
        return [replace(self._rows[refund_id]) for refund_id in locked]

    async def given_by_admins(self, refunds_max: int) -> Iterable[Refund]:
        rows = sorted(self._rows.values(), key=lambda row: -row.id)
        given = [r for r in rows if r.state is RefundState.SUCCEEDED and r.reason == BY_ADMIN]
        return [replace(row) for row in given[:refunds_max]]

    async def insert(self, refunds: Collection[Refund]) -> None:
        await self._rows.lock(refund.id for refund in refunds)
        known = {row.key for row in self._rows.values()}
        if any(refund.id in self._rows or refund.key in known for refund in refunds):
            raise Contention("another process has begun the same refund, or made its id")
        await self.update(refunds)

    async def update(self, refunds: Collection[Refund]) -> None:
        await self._rows.lock(refund.id for refund in refunds)
        self._rows.update({refund.id: replace(refund) for refund in refunds})


class _LedgerRows:
    def __init__(self, rows: Rows[tuple[int, int], LedgerEntry]) -> None:
        self._rows = rows

    async def insert(self, entries: Collection[LedgerEntry], at: datetime) -> None:
        await self._rows.lock((entry.payment_id, entry.refund_id) for entry in entries)
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
