"""Any split of a sequence of messages into batches gives the same sagas and the same messages.

A batch has one moment in time, so time passes between sections, and batches are cut within them.
"""

from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from feira.services.orchestrator.application.sweep_purchases import SweepPurchases
from tests.batches import by_key, random_split, told_by
from tests.unit.orchestrator.world import (
    USE_CASES,
    World,
    created,
    pass_time,
    random_messages,
    reserved,
    submitted,
)


@settings(max_examples=50)
@given(seed=st.integers(0, 2**32), length=st.integers(1, 60))
async def test_how_messages_are_cut_into_batches_changes_nothing(seed: int, length: int) -> None:
    chance = Random(seed)
    sections = random_split(chance, random_messages(chance, length))
    whole, one_by_one, cut, many = World(), World(), World(), World()
    processes = [many.process() for _ in range(3)]
    for section in sections:
        await whole.batches.do(*section)
        await one_by_one.batches.do_in_batches([[command] for command in section])
        await cut.batches.do_in_batches(random_split(chance, section))
        for batch in random_split(chance, section):
            await chance.choice(processes).do(*batch)  # with what is left on its shelf
        for world in (whole, one_by_one, cut, many):
            pass_time(world, 400)
    for world in (one_by_one, cut, many):
        assert rows_of(world) == rows_of(whole)
        assert by_key(told_by(world.database)) == by_key(told_by(whole.database))


def rows_of(world: World) -> Any:
    """The rows, but for their versions: these count writes, of which a batch has fewer."""
    for saga in world.sagas.values():
        saga.version = 0
    return world.sagas


async def test_a_sweep_and_a_message_in_one_batch_are_decided_one_after_the_other() -> None:
    """The saga waits on the shelf when the sweep reads it from its row: they must not part ways."""
    world = World()
    await world.batches.do(created(1, payment=None), reserved(1))
    pass_time(world, 16 * 60)
    await world.batches.do(SweepPurchases(), submitted(1, 1))

    saga = world.sagas[1]
    assert (saga.state, saga.reason) == ("undoing_stock", "payment_expired")


def test_every_handler_is_among_the_random_messages() -> None:
    drawn = {type(message) for message in random_messages(Random(1), 1000)}
    assert drawn == set(USE_CASES)
