"""Orders in memory: the same units of work over dictionaries, for tests and the simulation."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from feira.chassis.aggregates import Aggregates, Shelf
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
    def __init__(self, database: MemoryOrders, now: datetime) -> None:
        self._database = database
        self._now = now

    async def load(self, ids: Collection[int]) -> Iterable[Order]:
        rows = self._database.orders
        return [replace(rows[key]) for key in ids if key in rows]

    async def find_unsettled(self, quiet_for: timedelta, orders_max: int) -> Iterable[Order]:
        def is_due(order: Order) -> bool:
            updated_at = self._database.updated_at[order.id]
            return updated_at + quiet_for + (updated_at - order.created_at) <= self._now

        rows = sorted(self._database.orders.values(), key=lambda order: order.id)
        due = [row for row in rows if not row.settled and is_due(row)]
        return map(replace, due[:orders_max])

    async def insert(self, aggregates: Collection[Order]) -> None:
        if any(order.id in self._database.orders for order in aggregates):
            raise Contention("it is there already")
        self._write(aggregates)

    async def update(self, aggregates: Collection[Order]) -> int:
        rows = self._database.orders
        current = [a for a in aggregates if a.id in rows and rows[a.id].version == a.version - 1]
        self._write(current)
        return len(current)

    async def count_current(self, aggregates: Collection[Order]) -> int:
        rows = self._database.orders
        return sum(a.id in rows and rows[a.id].version == a.version for a in aggregates)

    def _write(self, orders: Collection[Order]) -> None:
        for order in orders:
            self._database.orders[order.id] = replace(order)
            self._database.updated_at[order.id] = self._now


class Orders(Aggregates[Order]):
    def __init__(self, rows: MemoryOrderRows, shelf: Shelf[Order]) -> None:
        super().__init__(rows, lambda order: order.id, shelf)
        self._find_unsettled = rows.find_unsettled

    async def find_unsettled(self, quiet_for: timedelta, orders_max: int) -> Sequence[Order]:
        await self.flush()  # what was decided earlier in this batch counts
        return self._learn(await self._find_unsettled(quiet_for, orders_max))


class MemoryPriceBook:
    """Written at once: the transaction is over a copy."""

    def __init__(self, products: dict[int, PricedProduct]) -> None:
        self._products = products

    async def prices_cents(self, product_ids: Iterable[int]) -> Mapping[int, int]:
        products = self._products
        return {
            key: products[key].price_cents
            for key in product_ids
            if key in products and not products[key].removed
        }

    def put_many(self, products: Iterable[PricedProduct]) -> None:
        for product in products:
            known = self._products.get(product.product_id)
            if known is None or known.version < product.version:
                self._products[product.product_id] = product


class MemoryOrdersUnitOfWork:
    def __init__(
        self,
        database: MemoryOrders,
        outbox: Outbox,
        ids: Ids,
        now: datetime,
        shelf: Shelf[Order],
    ) -> None:
        self.outbox = outbox
        self.ids = ids
        self.now = now
        self.orders = Orders(MemoryOrderRows(database, now), shelf)
        self.price_book = MemoryPriceBook(database.products)

    async def flush(self) -> None:
        await self.orders.flush()

    def committed(self) -> None:
        self.orders.committed()


def units_of_work() -> Callable[[MemoryOrders, Outbox, Ids, datetime], MemoryOrdersUnitOfWork]:
    """Units of work that share a shelf: one maker a process."""
    shelf: Shelf[Order] = Shelf(lambda order: not order.settled)

    def make(
        database: MemoryOrders, outbox: Outbox, ids: Ids, now: datetime
    ) -> MemoryOrdersUnitOfWork:
        return MemoryOrdersUnitOfWork(database, outbox, ids, now, shelf)

    return make
