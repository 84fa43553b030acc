"""Categories: a tree of names that products are found by."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from feira.kernel.errors import Category as Kind
from feira.kernel.errors import FieldError, Refused

NAME_LENGTH_MAX: Final = 100
CATEGORIES_MAX: Final = 5_000
DEPTH_MAX: Final = 10

CATEGORY_NOT_FOUND: Final = Refused(
    Kind.NOT_FOUND, "category_not_found", "There is no such category."
)
CATEGORY_IN_USE: Final = Refused(
    Kind.CONFLICT, "category_in_use", "The category still has categories or products in it."
)
CYCLE: Final = Refused(
    Kind.CONFLICT, "category_cycle", "A category cannot be inside itself or what is in it."
)
TOO_DEEP: Final = Refused(
    Kind.CONFLICT, "category_too_deep", f"Categories are at most {DEPTH_MAX} deep."
)
TOO_MANY: Final = Refused(
    Kind.CONFLICT, "too_many_categories", f"There are at most {CATEGORIES_MAX} categories."
)


@dataclass(slots=True)
class Category:
    id: int
    name: str
    parent_id: int | None = None


def unknown_category(*pointers: str) -> Refused:
    """422: these fields of the request name categories that do not exist."""
    return Refused(
        Kind.INVALID,
        "unknown_category",
        "There is no such category.",
        tuple(FieldError(pointer, "names no category") for pointer in pointers),
    )


class CategoryTree:
    """All categories, by id; the rules about how they hang together."""

    def __init__(self, categories: Iterable[Category] = ()) -> None:
        self._by_id = {category.id: category for category in categories}

    def __iter__(self) -> Iterator[Category]:
        return iter(self._by_id.values())

    def get(self, category_id: int) -> Category | None:
        return self._by_id.get(category_id)

    def named(self, ids: Iterable[int]) -> tuple[Category, ...]:
        """Those of the ids that exist, in their order; copies, for what comes later may rename."""
        return tuple(replace(self._by_id[each]) for each in ids if each in self._by_id)

    def check_all(self, ids: Iterable[int]) -> Refused | None:
        """Refuses ids that do not exist, naming their positions in the request's `categories`."""
        unknown = [at for at, category_id in enumerate(ids) if category_id not in self._by_id]
        return unknown_category(*(f"/categories/{at}" for at in unknown)) if unknown else None

    def add(self, category: Category) -> Refused | None:
        assert category.id not in self._by_id, category
        if len(self._by_id) >= CATEGORIES_MAX:
            return TOO_MANY
        refused = self._check_place(category.parent_id, height=1)
        if refused is None:
            self._by_id[category.id] = category
        return refused

    def move(self, category: Category, parent_id: int | None) -> Refused | None:
        """Put it, with all that is in it, into another category; None: at the top."""
        if category.id in self.line_of(parent_id):
            return CYCLE
        refused = self._check_place(parent_id, self._height_of(category.id))
        if refused is None:
            category.parent_id = parent_id
        return refused

    def remove(self, category: Category) -> Refused | None:
        if any(child.parent_id == category.id for child in self):
            return CATEGORY_IN_USE
        del self._by_id[category.id]
        return None

    def _check_place(self, parent_id: int | None, height: int) -> Refused | None:
        if parent_id is not None and parent_id not in self._by_id:
            return unknown_category("/parent_id")
        return TOO_DEEP if len(self.line_of(parent_id)) + height > DEPTH_MAX else None

    def line_of(self, category_id: int | None) -> list[int]:
        """The category and all that it is in, the innermost first."""
        line: list[int] = []
        while category_id is not None and (category := self._by_id.get(category_id)) is not None:
            line.append(category.id)
            category_id = category.parent_id
        return line

    def _height_of(self, category_id: int) -> int:
        """How many levels it and what is in it take: a lone one takes 1."""
        lines = (self.line_of(category.id) for category in self)
        return max(line.index(category_id) + 1 for line in lines if category_id in line)
