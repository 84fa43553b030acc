"""Keep a copy of what can still be sold (K5: no service reads another's tables)."""

from collections.abc import Sequence

from feira.contracts.inventory import StockLevelChanged
from feira.services.catalog.application.ports import CatalogUnitOfWork, StockLevel


async def keep_stock(commands: Sequence[StockLevelChanged], uow: CatalogUnitOfWork) -> list[None]:
    uow.stock_levels.put_many(
        StockLevel(command.product_id, command.available, command.version) for command in commands
    )
    return [None] * len(commands)
