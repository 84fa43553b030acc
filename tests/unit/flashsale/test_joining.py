"""Places are given in the order of arrival, however arrivals are cut into batches."""

from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from feira.services.flashsale.adapters.memory import units_of_work
from feira.services.flashsale.application.count_crowd import CountCrowd, count_crowd
from feira.services.flashsale.application.join_waiting_room import (
    JoinWaitingRoom,
    join_waiting_room,
)
from feira.services.flashsale.domain.report import CountOf, CrowdCount
from tests.batches import Batches, in_memory, random_split
from tests.unit.flashsale.world import PREPARE, World

DROPS = st.integers(70, 71)
JOINING = st.builds(JoinWaitingRoom, drop_id=DROPS, customer_id=st.integers(1, 12))
COUNTING = st.builds(
    CountCrowd,
    st.tuples(
        st.builds(
            CrowdCount,
            drop_id=DROPS,
            kind=st.sampled_from(CountOf),
            name=st.just("sold_out"),
            count=st.integers(1, 9),
        )
    ),
)


def crowd_of(world: World) -> Batches:
    use_cases: dict[type, Any] = {JoinWaitingRoom: join_waiting_room, CountCrowd: count_crowd}
    return in_memory(
        world.database, units_of_work(PREPARE), use_cases, ids=world.ids, clock=world.clock
    )


@given(st.lists(st.one_of(JOINING, COUNTING), max_size=40), st.integers(0, 2**32))
async def test_batches_change_neither_places_nor_counts(commands: list[Any], seed: int) -> None:
    alone, cut = World(), World()
    one_by_one = await crowd_of(alone).do_in_batches([[command] for command in commands])
    in_batches = await crowd_of(cut).do_in_batches(random_split(Random(seed), commands))
    assert in_batches == one_by_one
    assert cut.tables.places == alone.tables.places
    assert cut.tables.crowd_counts == alone.tables.crowd_counts
    for drop_id in (70, 71):
        places = [place for guest, place in cut.tables.places.items() if guest[0] == drop_id]
        assert sorted(places) == list(range(1, len(places) + 1)), "one each, without gaps"
