"""Any split of a sequence of commands into batches gives the same state and the same messages."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.payments.world import (
    check_books,
    in_memory,
    messages_by_order,
    random_commands,
    random_split,
)


@settings(max_examples=300)
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
        assert await world.books() == await whole.books()
        assert messages_by_order(told) == messages_by_order(expected)


@given(seed=st.integers(0, 2**32))
async def test_the_books_agree_after_every_batch(seed: int) -> None:
    chance, world = Random(seed), in_memory()
    for batch in random_split(chance, random_commands(chance, 80)):
        await world.do(*batch)
        world.pass_time(chance.choice([0, 1, 60]))
        check_books(await world.books())
