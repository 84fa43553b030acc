"""What the use cases need, in their own words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from feira.chassis.store import UnitOfWork
from feira.services.orders.domain.order import Order, OrderStatus


class OrderRepository(Protocol):
    async def get_many(self, order_ids: Iterable[int]) -> Mapping[int, Order]:
        """All orders this transaction knows, among them those of `order_ids` that exist."""
        ...

    async def find_unsettled(self, quiet_for: timedelta, orders_max: int) -> Sequence[Order]:
        """Orders that wait for the saga and of which nothing was heard for a while.

        The wait doubles each time, so that a backlog is not fed by its own reminders.
        """
        ...

    def add_many(self, orders: Iterable[Order]) -> None: ...

    def save_many(self, orders: Iterable[Order]) -> None: ...


@dataclass(frozen=True, slots=True)
class PricedProduct:
    """This service's copy of what the catalog sells; a higher `version` replaces a lower one."""

    product_id: int
    price_cents: int
    version: int
    removed: bool = False


class PriceBook(Protocol):
    async def prices_cents(self, product_ids: Iterable[int]) -> Mapping[int, int]:
        """The prices of those products that are sold."""
        ...

    def put_many(self, products: Iterable[PricedProduct]) -> None: ...


class OrdersUnitOfWork(UnitOfWork, Protocol):
    @property
    def orders(self) -> OrderRepository: ...

    @property
    def price_book(self) -> PriceBook: ...


@dataclass(frozen=True, slots=True)
class ListedOrder:
    id: int
    status: OrderStatus
    customer_id: int
    total_cents: int
    created_at: datetime


class OrderQueries(Protocol):
    async def get(self, order_id: int) -> Order | None: ...

    async def find(
        self,
        *,
        customer_id: int | None,
        status: OrderStatus | None,
        before_id: int | None,
        orders_max: int,
    ) -> Sequence[ListedOrder]:
        """The newest first; `customer_id` None means everybody's."""
        ...
