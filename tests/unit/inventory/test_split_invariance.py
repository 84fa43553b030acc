"""Any split of a sequence of commands into batches gives the same state and the same messages.

Levels are told once a product and batch, as they are at its end; so how many are told depends on
the split, and what is equal is the last of them. Versions count the batches that changed something.
"""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from feira.services.inventory.adapters.memory import MemoryInventory
from feira.services.inventory.domain.stock import StockItem
from tests.unit.inventory.world import (
    Told,
    check_books,
    check_versions,
    in_memory,
    last_levels,
    messages_by_order,
    random_commands,
    random_split,
    state_of,
    without_ids,
)


@given(seed=st.integers(0, 2**32), length=st.integers(1, 60))
async def test_how_commands_are_cut_into_batches_changes_nothing(seed: int, length: int) -> None:
    chance = Random(seed)
    commands = random_commands(chance, length)
    whole = in_memory()
    expected = await whole.do(*commands)
    for world, batches in (
        (in_memory(), [[command] for command in commands]),
        (in_memory(), random_split(chance, commands)),
        (in_memory(preloads=False), random_split(chance, commands)),
    ):
        told = await world.do_in_batches(batches)
        assert state_of(await world.books()) == state_of(await whole.books())
        assert messages_by_order(told) == messages_by_order(expected)
        assert without_ids(told.outcomes) == without_ids(expected.outcomes)
        assert last_levels(told) == last_levels(expected)
        check_versions(told)


@given(seed=st.integers(0, 2**32))
async def test_the_books_agree_after_every_batch(seed: int) -> None:
    chance, world = Random(seed), in_memory()
    before = await world.books()
    for batch in random_split(chance, random_commands(chance, 60)):
        told = await world.do(*batch)
        books = await world.books()
        check_books(books)
        check_levels(told, before, books)
        before = books
        assert all(level.version == books.stock[level.product_id].version for level in told.levels)
        for level in told.levels:
            item = books.stock[level.product_id]
            assert (level.on_hand, level.reserved) == (item.on_hand, item.reserved)
            assert (level.available, level.allotted) == (item.available, item.allotted)


def check_levels(told: Told, before: MemoryInventory, after: MemoryInventory) -> None:
    """A product is told of once a batch; it is if it changed, and then with its next version."""
    told_of = {level.product_id for level in told.levels}
    assert len(told_of) == len(told.levels)
    for product_id, item in after.stock.items():
        was = before.stock.get(product_id, StockItem(product_id, 0))
        assert item == was or item.version == was.version + 1
        assert item == was or product_id in told_of
