"""Keep this service's own copy of the catalog's prices (K5: no service reads another's tables)."""

from collections.abc import Sequence

from feira.contracts.catalog import ProductChanged, ProductRemoved
from feira.services.orders.application.ports import OrdersUnitOfWork, PricedProduct


async def keep_prices(
    commands: Sequence[ProductChanged | ProductRemoved], uow: OrdersUnitOfWork
) -> list[None]:
    uow.price_book.put_many(_priced(command) for command in commands)
    return [None] * len(commands)


def _priced(command: ProductChanged | ProductRemoved) -> PricedProduct:
    if isinstance(command, ProductRemoved):
        return PricedProduct(command.product_id, 0, command.version, removed=True)
    return PricedProduct(command.product_id, command.price_cents, command.version)
