"""Any split of a sequence of commands into batches gives the same state and the same messages."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.catalog.world import (
    USE_CASES,
    check_catalog,
    in_memory,
    random_commands,
    random_split,
)


@given(seed=st.integers(0, 2**32), length=st.integers(1, 60))
async def test_how_commands_are_cut_into_batches_changes_nothing(seed: int, length: int) -> None:
    chance = Random(seed)
    commands = random_commands(chance, length)
    whole = in_memory()
    expected = await whole.do(*commands)
    for batches in ([[command] for command in commands], random_split(chance, commands)):
        world = in_memory()
        told = await world.do_in_batches(batches)
        assert await world.read() == await whole.read()
        assert told.outcomes == expected.outcomes
        assert told.by_key == expected.by_key


@given(seed=st.integers(0, 2**32))
async def test_the_catalog_is_in_order_after_every_batch(seed: int) -> None:
    chance, world = Random(seed), in_memory()
    for batch in random_split(chance, random_commands(chance, 60)):
        await world.do(*batch)
        check_catalog(await world.read())


def test_every_handler_is_among_the_random_commands() -> None:
    chance = Random(1)
    assert {type(command) for command in random_commands(chance, 1000)} == set(USE_CASES)
