"""Lock at once the drops of a batch, in the order of their ids, however its commands alternate:
so that the lanes of two processes do not wait for each other in a circle."""

from collections.abc import Sequence
from typing import Any

from feira.contracts.inventory import StockGivenBack, StockSetAside
from feira.contracts.orders import SaleOrderSettled
from feira.services.flashsale.application.claim_unit import ClaimUnit, drops_by_sale
from feira.services.flashsale.application.ports import FlashSaleUnitOfWork


async def preload(commands: Sequence[Any], uow: FlashSaleUnitOfWork) -> None:
    sale_ids: set[int] = set()
    for command in commands:
        match command:
            case ClaimUnit():
                sale_ids.add(command.sale_id)
            case StockSetAside() | StockGivenBack() | SaleOrderSettled():
                sale_ids.add(command.allotment_id)
            case _:
                pass  # the clock and an administrator find out by themselves
    if sale_ids:
        await drops_by_sale(sale_ids, uow)
