"""Place an order (O2, I1): accepted at the catalog's prices, then carried on by the saga."""

from collections.abc import Sequence
from dataclasses import dataclass

from feira.kernel.errors import Refused
from feira.services.orders.application.ports import OrdersUnitOfWork
from feira.services.orders.application.publishing import order_created
from feira.services.orders.domain.order import Order, Wish, place


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    wish: Wish


async def place_orders(
    commands: Sequence[PlaceOrder], uow: OrdersUnitOfWork
) -> list[Order | Refused]:
    prices_cents = await uow.price_book.prices_cents(
        {line.product_id for command in commands for line in command.wish.lines}
    )
    outcomes = [place(c.wish, prices_cents, uow.ids.number(), uow.now) for c in commands]
    uow.orders.add_many(order for order in outcomes if isinstance(order, Order))
    uow.outbox.announce(
        [order_created(order)] if isinstance(order, Order) else [] for order in outcomes
    )
    return outcomes
