"""Any split of a sequence of commands into batches gives the same drops, claims and messages.

What many claims lead to is told in one message a batch; so messages are compared claim by claim. A
batch has one moment in time, so time passes between sections, and batches are cut within them.
"""

from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from feira.contracts.flashsale import ClaimsLapsed, ClaimsWon, OrdersRequested
from feira.kernel.clock import ManualClock
from feira.services.flashsale.application.claim_unit import Won
from feira.services.flashsale.domain.campaign import Campaign
from tests.batches import random_split
from tests.unit.flashsale.world import (
    START,
    USE_CASES,
    RandomCommands,
    World,
    check_drops,
    rows_of,
    starting,
)


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32), sections=st.integers(1, 6))
async def test_how_commands_are_cut_into_batches_changes_nothing(seed: int, sections: int) -> None:
    chance = Random(seed)
    one_by_one, whole, cut = World(), World(), World()
    commands = RandomCommands(chance, one_by_one)
    section: list[Any] = [starting(2, queue_max=3)]
    for _ in range(sections):
        alone = await one_by_one.batches.do_in_batches([[command] for command in section])
        assert answers_in(await whole.batches.do(*section)) == answers_in(alone)
        await cut.batches.do_in_batches(random_split(chance, section))
        for world in (whole, cut):
            assert rows_of(world) == rows_of(one_by_one)
            assert claim_by_claim(world) == claim_by_claim(one_by_one)
        check_drops(whole.tables, whole.clock.now())
        seconds = chance.choice([0, 1, 30, 400, 3600])
        for world in (one_by_one, whole, cut):
            world.pass_time(seconds)
        section = commands.take(chance.randint(1, 15))


def answers_in(outcomes: list[Any]) -> list[Any]:
    """A campaign is left out: it is the one that later commands of its batch change."""
    return [not isinstance(outcome, Campaign) and outcome for outcome in outcomes]


def claim_by_claim(world: World) -> dict[tuple[type, str], list[Any]]:
    """What was told about each drop, in order, by kind."""
    told: dict[tuple[type, str], list[Any]] = {}
    for message in world.told():
        match message:
            case (
                OrdersRequested(orders=parts) | ClaimsWon(claims=parts) | ClaimsLapsed(claims=parts)
            ):
                told.setdefault((type(message), message.key), []).extend(parts)
            case _:
                told.setdefault((type(message), message.key), []).append(message)
    return told


async def test_every_handler_is_among_the_random_commands() -> None:
    drawn: set[type] = set()
    for seed in range(30):
        world = World(clock=ManualClock(START))
        commands = RandomCommands(Random(seed), world)
        outcomes = await world.batches.do(starting(2))
        for _ in range(6):
            section = commands.take(20)
            drawn |= {type(command) for command in section}
            outcomes += await world.batches.do(*section)
            world.pass_time(200)
        drawn |= {type(outcome) for outcome in outcomes}
    assert drawn >= {*USE_CASES, Won}
