"""Make the orders that a flash sale requests (B6): its customers have their order's id already."""

from collections.abc import Iterator, Sequence

from feira.contracts.flashsale import OrdersRequested, RequestedOrder
from feira.contracts.message import Message
from feira.services.orders.application.ports import OrdersUnitOfWork
from feira.services.orders.application.publishing import order_created, sale_order_settled
from feira.services.orders.domain.order import Order, Payment, SaleWish, place_for_sale


async def place_sale_orders(
    commands: Sequence[OrdersRequested], uow: OrdersUnitOfWork
) -> list[None]:
    """One that exists stays as it is; what became of one that has come to rest is told again."""
    known = await uow.orders.get_many(
        wanted.order_id for command in commands for wanted in command.orders
    )
    announcements: list[list[Message]] = []
    for command in commands:
        wishes = list(_wishes(command))
        again = [known[wish.order_id] for wish in wishes if wish.order_id in known]
        placed = [place_for_sale(w, uow.now) for w in wishes if w.order_id not in known]
        uow.orders.add_many(placed)
        announcements.append([*map(order_created, placed), *_settled(again)])
    uow.outbox.announce(announcements)
    return [None] * len(commands)


def _settled(orders: Sequence[Order]) -> Iterator[Message]:
    return (sale_order_settled(order) for order in orders if order.is_settled_sale)


def _wishes(command: OrdersRequested) -> Iterator[SaleWish]:
    for wanted in command.orders:
        yield SaleWish(
            order_id=wanted.order_id,
            customer_id=wanted.customer_id,
            product_id=command.product_id,
            price_cents=command.price_cents,
            allotment_id=command.drop_id,
            hold_until=wanted.pay_until,
            delivery=wanted.delivery.encode() if wanted.delivery else None,
            payment=_payment(wanted),
        )


def _payment(wanted: RequestedOrder) -> Payment | None:
    payment = wanted.payment
    return Payment(payment.method, payment.token) if payment else None
