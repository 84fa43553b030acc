"""Orders in memory: the same units of work over dictionaries, for tests and the simulation."""

from collections import ChainMap
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, cast

from feira.chassis.aggregates import Aggregates, Shelf
from feira.chassis.memory.rows import Rows
from feira.chassis.outbox import Outbox
from feira.chassis.store import Contention
from feira.kernel.ids import Ids
from feira.services.orders.application.ports import ListedOrder, PricedProduct
from feira.services.orders.domain.order import Order, OrderStatus


@dataclass
class MemoryOrders:
    """The database: what has been flushed. Rows are copied on their way in and out."""

    orders: dict[int, Order] = field(default_factory=dict)
    updated_at: dict[int, datetime] = field(default_factory=dict)
    products: dict[int, PricedProduct] = field(default_factory=dict)

    async def get(self, order_id: int) -> Order | None:
        order = self.orders.get(order_id)
        return replace(order) if order else None

    async def find(
        self,
        *,
        customer_id: int | None,
        status: OrderStatus | None,
        before_id: int | None,
        orders_max: int,
    ) -> Sequence[ListedOrder]:
        found = [
            ListedOrder(o.id, o.status, o.customer_id, o.total_cents, o.created_at)
            for o in self.orders.values()
            if customer_id in (None, o.customer_id)
            and status in (None, o.status)
            and (before_id is None or o.id < before_id)
        ]
        return sorted(found, key=lambda order: -order.id)[:orders_max]


class MemoryOrderRows:
    """`tables` as the transaction sees them."""

    def __init__(self, tables: Any, now: datetime) -> None:
        self._rows: Rows[int, Order] = tables.orders
        self._updated_at: Rows[int, datetime] = tables.updated_at
        self._now = now

    async def load(self, ids: Collection[int]) -> Iterable[Order]:
        rows = self._rows
        return [replace(rows[key]) for key in ids if key in rows]

    async def find_unsettled(self, quiet_for: timedelta, orders_max: int) -> Iterable[Order]:
        def is_due(order: Order) -> bool:
            updated_at = self._updated_at[order.id]
            return updated_at + quiet_for + (updated_at - order.created_at) <= self._now

        due = [row for row in self._rows.values() if not row.settled and is_due(row)]
        due.sort(key=lambda order: order.id)
        return map(replace, due[:orders_max])

    async def insert(self, aggregates: Collection[Order]) -> None:
        await self._rows.lock(order.id for order in aggregates)
        if any(order.id in self._rows for order in aggregates):
            raise Contention("it is there already")
        self._write(aggregates)

    async def update(self, aggregates: Collection[Order]) -> int:
        rows = self._rows
        await rows.lock(order.id for order in aggregates)
        current = [a for a in aggregates if a.id in rows and rows[a.id].version == a.version - 1]
        self._write(current)
        return len(current)

    async def count_current(self, aggregates: Collection[Order]) -> int:
        rows = self._rows
        return sum(a.id in rows and rows[a.id].version == a.version for a in aggregates)

    def _write(self, orders: Collection[Order]) -> None:
        for order in orders:
            self._rows[order.id] = replace(order)
        self._updated_at.append_new((order.id, self._now) for order in orders)


class Orders(Aggregates[Order]):
    def __init__(self, rows: MemoryOrderRows, shelf: Shelf[Order]) -> None:
        super().__init__(rows, lambda order: order.id, shelf)
        self._find_unsettled = rows.find_unsettled

    async def find_unsettled(self, quiet_for: timedelta, orders_max: int) -> Sequence[Order]:
        await self.flush()  # what was decided earlier in this batch counts
        return self._learn(await self._find_unsettled(quiet_for, orders_max))


class MemoryPriceBook:
    def __init__(self, products: Rows[int, PricedProduct]) -> None:
        self._products = products
        self._new: dict[int, PricedProduct] = {}

    async def prices_cents(self, product_ids: Iterable[int]) -> Mapping[int, int]:
        products = ChainMap(self._new, cast("dict[int, PricedProduct]", self._products))
        return {
            key: products[key].price_cents
            for key in product_ids
            if key in products and not products[key].removed
        }

    def put_many(self, products: Iterable[PricedProduct]) -> None:
        for product in products:
            known = self._new.get(product.product_id) or self._products.get(product.product_id)
            if known is None or known.version < product.version:
                self._new[product.product_id] = product

    async def flush(self) -> None:
        await self._products.lock(self._new)
        for key, product in self._new.items():
            known = self._products.get(key)
            if known is None or known.version < product.version:
                self._products[key] = product


class MemoryOrdersUnitOfWork:
    def __init__(
        self,
        tables: Any,
        outbox: Outbox,
        ids: Ids,
        now: datetime,
        shelf: Shelf[Order],
    ) -> None:
        self.outbox = outbox
        self.ids = ids
        self.now = now
        self.orders = Orders(MemoryOrderRows(tables, now), shelf)
        self.price_book = MemoryPriceBook(tables.products)

    async def flush(self) -> None:
        await self.price_book.flush()
        await self.orders.flush()

    def committed(self) -> None:
        self.orders.committed()


def units_of_work() -> Callable[[MemoryOrders, Outbox, Ids, datetime], MemoryOrdersUnitOfWork]:
    """Units of work that share a shelf: one maker a process."""
    shelf: Shelf[Order] = Shelf(lambda order: not order.settled)

    def make(
        tables: MemoryOrders, outbox: Outbox, ids: Ids, now: datetime
    ) -> MemoryOrdersUnitOfWork:
        return MemoryOrdersUnitOfWork(tables, outbox, ids, now, shelf)

    return make
