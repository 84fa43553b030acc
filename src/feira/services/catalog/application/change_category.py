"""Rename a category, or move it with all that is in it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from feira.kernel.errors import Refused
from feira.services.catalog.application.ports import CatalogUnitOfWork
from feira.services.catalog.domain.category import CATEGORY_NOT_FOUND, Category, CategoryTree


@dataclass(frozen=True, slots=True)
class ChangeCategory:
    """`name` None: as it is. `parent_id` counts where `moves`; None is the top."""

    category_id: int
    name: str | None = None
    parent_id: int | None = None
    moves: bool = False


async def change_categories(
    commands: Sequence[ChangeCategory], uow: CatalogUnitOfWork
) -> list[Category | Refused]:
    tree = await uow.categories.tree_for_update()
    outcomes: list[Category | Refused] = []
    for command in commands:
        category = tree.get(command.category_id)
        if category is None:
            outcomes.append(CATEGORY_NOT_FOUND)
            continue
        refused = _change(category, command, tree)
        if refused is None:
            uow.categories.save_many([category])
        outcomes.append(refused or replace(category))
    return outcomes


def _change(category: Category, command: ChangeCategory, tree: CategoryTree) -> Refused | None:
    if command.moves and (refused := tree.move(category, command.parent_id)):
        return refused
    if command.name is not None:
        category.name = command.name
    return None
