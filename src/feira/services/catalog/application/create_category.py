"""Add a category, at the top or inside another (E1)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from feira.kernel.errors import Refused
from feira.services.catalog.application.ports import CatalogUnitOfWork
from feira.services.catalog.domain.category import Category


@dataclass(frozen=True, slots=True)
class CreateCategory:
    name: str
    parent_id: int | None = None


async def create_categories(
    commands: Sequence[CreateCategory], uow: CatalogUnitOfWork
) -> list[Category | Refused]:
    tree = await uow.categories.tree_for_update()
    outcomes: list[Category | Refused] = []
    for command in commands:
        category = Category(uow.ids.number(), command.name, command.parent_id)
        refused = tree.add(category)
        if refused is None:
            uow.categories.add_many([category])
        outcomes.append(refused or replace(category))
    return outcomes
