"""See to it that categories exist: parents before what is in them."""

from collections.abc import Sequence
from dataclasses import dataclass

from feira.kernel.errors import Refused
from feira.services.catalog.application.ports import CatalogUnitOfWork
from feira.services.catalog.domain.category import Category, CategoryTree


@dataclass(frozen=True, slots=True)
class SeedCategory:
    id: int
    name: str
    parent_id: int | None = None


@dataclass(frozen=True, slots=True)
class EnsureCategories:
    """Given by operators only. A category whose id is known stays as it is."""

    categories: tuple[SeedCategory, ...]


async def ensure_categories(
    commands: Sequence[EnsureCategories], uow: CatalogUnitOfWork
) -> list[int | Refused]:
    """Returns how many categories are new, a command; the first that cannot be ends it."""
    tree = await uow.categories.tree_for_update()
    return [_ensure(command, tree, uow) for command in commands]


def _ensure(command: EnsureCategories, tree: CategoryTree, uow: CatalogUnitOfWork) -> int | Refused:
    count = 0
    for seed in command.categories:
        if tree.get(seed.id) is not None:
            continue
        category = Category(seed.id, seed.name, seed.parent_id)
        if refused := tree.add(category):
            return refused
        uow.categories.add_many([category])
        count += 1
    return count
