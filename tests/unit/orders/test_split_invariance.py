"""Any split of a sequence of commands into batches gives the same orders and the same messages.

A batch has one moment in time, so time passes between sections, and batches are cut within them.
"""

from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from feira.kernel.errors import Refused
from tests.batches import by_key, random_split, told_by
from tests.unit.orders.world import USE_CASES, RandomCommands, World, pass_time


@settings(max_examples=50)
@given(seed=st.integers(0, 2**32), length=st.integers(6, 60))
async def test_how_commands_are_cut_into_batches_changes_nothing(seed: int, length: int) -> None:
    chance = Random(seed)
    sections = random_split(chance, RandomCommands(seed).take(length))
    whole, one_by_one, cut, many = World(), World(), World(), World()
    for section in sections:
        outcomes = await whole.batches.do(*section)
        alone = await one_by_one.batches.do_in_batches([[command] for command in section])
        assert refusals_in(alone) == refusals_in(outcomes)
        await cut.batches.do_in_batches(random_split(chance, section))
        for batch in random_split(chance, section):
            await many.process().do(*batch)  # with nothing on its shelf
        for world in (whole, one_by_one, cut, many):
            pass_time(world, 45)
    for world in (one_by_one, cut, many):
        assert world.tables.products == whole.tables.products
        assert [*rows_of(world)] == [*rows_of(whole)]
        assert by_key(told_by(world.database)) == by_key(told_by(whole.database))


def refusals_in(outcomes: list[Any]) -> list[Any]:
    """An order is left out: it is the one that later commands of its batch change."""
    return [isinstance(outcome, Refused) and outcome for outcome in outcomes]


def rows_of(world: World) -> Any:
    """The rows, but for their versions: these count writes, of which a batch has fewer."""
    for order_id, order in sorted(world.tables.orders.items()):
        order.version = 0
        yield order, world.tables.updated_at[order_id]


def test_every_handler_is_among_the_random_commands() -> None:
    drawn = {type(command) for seed in range(20) for command in RandomCommands(seed).take(100)}
    assert drawn == set(USE_CASES)
