"""The payments and refunds of one transaction: each loaded once, and written once when it ends.

The same for every database behind it; what differs is how rows are read and written.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from feira.services.payments.application.ports import Attempt
from feira.services.payments.domain.order_payments import OrderPayments
from feira.services.payments.domain.payment import Payment, Standing
from feira.services.payments.domain.refund import Refund


class PaymentRows(Protocol):
    async def lock(self, order_ids: Collection[int]) -> tuple[Iterable[Payment], Iterable[int]]:
        """The payments of these orders, locked in key order; and which orders are canceled."""
        ...

    async def order_ids(self, payment_ids: Collection[int]) -> Mapping[int, int]: ...

    async def standings(self, attempts: Collection[Attempt]) -> Mapping[Attempt, Standing]: ...

    async def due_orders(self, by: datetime, orders_max: int) -> Sequence[int]: ...

    async def insert(self, payments: Collection[Payment]) -> None:
        """As they were begun: what has become of them since comes by `update`.

        Raises `Contention` when another transaction has inserted one of them.
        """
        ...

    async def update(self, payments: Collection[Payment]) -> None: ...

    async def mark_canceled(self, order_ids: Collection[int], at: datetime) -> None: ...


class Payments:
    def __init__(self, rows: PaymentRows, now: datetime) -> None:
        self._rows = rows
        self._now = now
        self._orders: dict[int, OrderPayments] = {}
        self._new: dict[Attempt, Payment] = {}
        self._changed: dict[Attempt, Payment] = {}
        self._canceled: list[int] = []

    async def of_orders_for_update(self, order_ids: Iterable[int]) -> Mapping[int, OrderPayments]:
        missing = set(order_ids) - self._orders.keys()
        if missing:
            payments, canceled = await self._rows.lock(missing)
            for order_id in missing:
                self._orders[order_id] = OrderPayments(order_id)
            for payment in payments:
                self._orders[payment.order_id].attempts[payment.attempt] = payment
            for order_id in canceled:
                self._orders[order_id].canceled = True
        return self._orders

    async def order_ids(self, payment_ids: Iterable[int]) -> Mapping[int, int]:
        begun = {payment.id: payment.order_id for payment in self._new.values()}
        return {**await self._rows.order_ids(set(payment_ids)), **begun}

    async def standings(self, attempts: Iterable[Attempt]) -> Mapping[Attempt, Standing]:
        asked = set(attempts)
        elsewhere = [attempt for attempt in asked if attempt[0] not in self._orders]
        known = dict(await self._rows.standings(elsewhere)) if elsewhere else {}
        for order_id, attempt in asked.difference(elsewhere):
            payment = self._orders[order_id].attempts.get(attempt)
            if payment:
                known[order_id, attempt] = payment.standing
        return known

    async def due_orders(self, orders_max: int) -> Sequence[int]:
        return await self._rows.due_orders(self._now, orders_max)

    def add_many(self, payments: Iterable[Payment]) -> None:
        for payment in payments:
            self._new[payment.order_id, payment.attempt] = payment

    def save_many(self, payments: Iterable[Payment]) -> None:
        for payment in payments:
            self._changed[payment.order_id, payment.attempt] = payment

    def mark_canceled(self, order_ids: Iterable[int]) -> None:
        self._canceled += order_ids

    async def flush(self) -> None:
        if self._new:
            await self._rows.insert(self._new.values())
        if self._changed:
            await self._rows.update(self._changed.values())
        if self._canceled:
            await self._rows.mark_canceled(self._canceled, self._now)


class RefundRows(Protocol):
    async def lock(self, keys: Collection[str]) -> Iterable[Refund]:
        """Those that exist, locked in the order of their ids."""
        ...

    async def lock_due(self, by: datetime, refunds_max: int) -> Iterable[Refund]:
        """Those to be tried by then, the longest due first; none that others lock."""
        ...

    async def given_by_admins(self, refunds_max: int) -> Iterable[Refund]:
        """Those that went through, the newest first, without a lock."""
        ...

    async def insert(self, refunds: Collection[Refund]) -> None:
        """Raises `Contention` when another transaction has inserted one, or one of its id."""
        ...

    async def update(self, refunds: Collection[Refund]) -> None: ...


class Refunds:
    def __init__(self, rows: RefundRows, now: datetime) -> None:
        self._rows = rows
        self._now = now
        self._known: dict[str, Refund] = {}
        self._new: dict[int, Refund] = {}
        self._changed: dict[int, Refund] = {}

    async def by_key_for_update(self, keys: Iterable[str]) -> Mapping[str, Refund]:
        asked = set(keys)
        missing = asked - self._known.keys()
        if missing:
            self._keep(await self._rows.lock(missing))
        return {key: self._known[key] for key in asked & self._known.keys()}

    async def due_for_update(self, refunds_max: int) -> Sequence[Refund]:
        due = self._keep(await self._rows.lock_due(self._now, refunds_max))
        return [r for r in due if r.next_check_at and r.next_check_at <= self._now]

    async def given_by_admins(self, refunds_max: int) -> Sequence[Refund]:
        await self.flush()  # what was decided earlier in this batch counts
        return self._keep(await self._rows.given_by_admins(refunds_max))

    def add_many(self, refunds: Iterable[Refund]) -> None:
        for refund in refunds:
            self._known[refund.key] = self._new[refund.id] = refund

    def save_many(self, refunds: Iterable[Refund]) -> None:
        for refund in refunds:
            if refund.id not in self._new:
                self._changed[refund.id] = refund

    async def flush(self) -> None:
        new, changed = self._new, self._changed
        self._new, self._changed = {}, {}
        if new:
            await self._rows.insert(new.values())
        if changed:
            await self._rows.update(changed.values())

    def _keep(self, refunds: Iterable[Refund]) -> list[Refund]:
        """One that is known already stays as this transaction has it."""
        return [self._known.setdefault(refund.key, refund) for refund in refunds]
