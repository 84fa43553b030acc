"""Ask for products and their prices to be told again: the copy of them is made anew (ADR 0010)."""

from collections.abc import Sequence
from dataclasses import dataclass

from feira.contracts.orders import ProductsWanted
from feira.services.orders.application.ports import OrdersUnitOfWork


@dataclass(frozen=True, slots=True)
class WantProducts:
    """A page of them: those after `after_id`."""

    request_id: str
    after_id: int


async def want_products(commands: Sequence[WantProducts], uow: OrdersUnitOfWork) -> list[None]:
    uow.outbox.announce(
        [ProductsWanted(request_id=command.request_id, after_id=command.after_id)]
        for command in commands
    )
    return [None] * len(commands)
