"""Any split of a sequence of commands into batches gives the same state and the same messages."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feira.services.identity.bootstrap import USE_CASES
from feira.services.identity.domain import address_book, attempts, session
from tests.unit.identity.world import (
    Cast,
    in_memory,
    kinds,
    messages_by_key,
    random_commands,
    random_split,
    with_cast,
)


@pytest.fixture(autouse=True, scope="module")
def small_limits() -> Iterator[None]:
    """So that a few commands reach them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "SESSIONS_A_USER_MAX", 3)
        patch.setattr(address_book, "ADDRESSES_MAX", 4)
        patch.setattr(attempts, "USER_LIMIT", replace(attempts.USER_LIMIT, failures_max=3))
        yield


@given(seed=st.integers(0, 2**32), length=st.integers(1, 60))
async def test_how_commands_are_cut_into_batches_changes_nothing(seed: int, length: int) -> None:
    chance, whole = Random(seed), in_memory()
    commands = random_commands(chance, await with_cast(whole), length)
    expected = await whole.do(*commands)
    for batches in ([[command] for command in commands], random_split(chance, commands)):
        world = in_memory()
        await with_cast(world)
        told = await world.do_in_batches(batches)
        assert await world.read() == await whole.read()
        assert messages_by_key(told) == messages_by_key(expected)
        assert kinds(told) == kinds(expected)


def test_the_random_commands_are_of_every_kind() -> None:
    cast = Cast(session_ids=["a"], tokens=[b"t"], address_ids=[1])
    commands = random_commands(Random(0), cast, 500)
    assert {type(command) for command in commands} == USE_CASES.keys()
