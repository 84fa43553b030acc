"""Remove a category that nothing is in."""

from collections.abc import Sequence
from dataclasses import dataclass

from feira.kernel.errors import Refused
from feira.services.catalog.application.ports import CatalogUnitOfWork
from feira.services.catalog.domain.category import CATEGORY_IN_USE, CATEGORY_NOT_FOUND


@dataclass(frozen=True, slots=True)
class RemoveCategory:
    category_id: int


async def remove_categories(
    commands: Sequence[RemoveCategory], uow: CatalogUnitOfWork
) -> list[Refused | None]:
    tree = await uow.categories.tree_for_update()
    in_use = await uow.products.categories_in_use({c.category_id for c in commands})
    outcomes: list[Refused | None] = []
    for command in commands:
        category = tree.get(command.category_id)
        if category is None:
            outcomes.append(CATEGORY_NOT_FOUND)
            continue
        refused = CATEGORY_IN_USE if category.id in in_use else tree.remove(category)
        if refused is None:
            uow.categories.remove_many([category])
        outcomes.append(refused)
    return outcomes
