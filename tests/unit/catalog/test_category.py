"""The tree of categories keeps being one."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from feira.kernel.errors import Refused
from feira.services.catalog.domain.category import (
    CATEGORY_IN_USE,
    CYCLE,
    DEPTH_MAX,
    TOO_DEEP,
    Category,
    CategoryTree,
)


def tree_of(*parents: int | None) -> CategoryTree:
    """Categories 1, 2, … with these parents."""
    return CategoryTree(Category(at, f"c{at}", parent) for at, parent in enumerate(parents, 1))


def the(tree: CategoryTree, category_id: int) -> Category:
    category = tree.get(category_id)
    assert category is not None
    return category


def test_a_category_cannot_be_inside_itself() -> None:
    tree = tree_of(None, 1, 2)
    assert tree.move(the(tree, 1), 3) is CYCLE
    assert tree.move(the(tree, 1), 1) is CYCLE
    assert the(tree, 1).parent_id is None


def test_a_category_moves_with_what_is_in_it() -> None:
    tree = tree_of(None, 1, 2, None)
    assert tree.move(the(tree, 2), 4) is None
    assert tree.line_of(3) == [3, 2, 4]
    assert tree.move(the(tree, 2), None) is None
    assert tree.line_of(3) == [3, 2]


def test_a_parent_must_exist() -> None:
    tree = tree_of(None)
    for refused in (tree.move(the(tree, 1), 99), tree.add(Category(2, "x", 99))):
        assert isinstance(refused, Refused)
        assert (refused.code, refused.errors[0].pointer) == ("unknown_category", "/parent_id")
    assert tree.get(2) is None


def test_the_tree_has_a_greatest_depth() -> None:
    tree = tree_of(None, *range(1, DEPTH_MAX))
    assert tree.add(Category(99, "too deep", DEPTH_MAX)) is TOO_DEEP
    assert tree.add(Category(98, "at the top")) is None
    assert tree.move(the(tree, 1), 98) is TOO_DEEP


def test_what_has_children_stays() -> None:
    tree = tree_of(None, 1)
    assert tree.remove(the(tree, 1)) is CATEGORY_IN_USE
    assert tree.remove(the(tree, 2)) is None
    assert tree.remove(the(tree, 1)) is None


def test_unknown_ids_are_named_by_their_places() -> None:
    refused = tree_of(None).check_all([1, 7, 8])
    assert refused is not None
    assert [error.pointer for error in refused.errors] == ["/categories/1", "/categories/2"]


@given(st.integers(0, 2**32))
def test_no_sequence_of_moves_makes_a_cycle(seed: int) -> None:
    chance, tree = Random(seed), tree_of(*[None] * 8)
    for _ in range(40):
        tree.move(the(tree, chance.randint(1, 8)), chance.choice([None, *range(1, 9)]))
        for category in tree:
            line = tree.line_of(category.id)
            assert len(set(line)) == len(line) <= DEPTH_MAX
            assert the(tree, line[-1]).parent_id is None
