"""Tell levels that have changed since they were told last."""

from collections.abc import Sequence
from dataclasses import dataclass

from feira.services.inventory.application.ports import InventoryUnitOfWork


@dataclass(frozen=True, slots=True)
class TellLevels:
    product_ids: frozenset[int]


async def tell_levels(commands: Sequence[TellLevels], uow: InventoryUnitOfWork) -> list[None]:
    wanted = frozenset[int]().union(*(command.product_ids for command in commands))
    stock = await uow.stock.get_many_for_update(wanted)
    uow.stock.tell_many(stock[key] for key in sorted(wanted & stock.keys()))
    return [None] * len(commands)
